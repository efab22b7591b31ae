"""Responses that are gone on from, asked for, and deleted: remembered here or by their provider."""

from collections.abc import Iterator

import openai
import pytest

from tests import library
from tests.e2e.gateway import Gateway, eventually
from tests.library import Library

ENV = {"WORKERS": "2", "BATCH_POLL_SECONDS": "0.3"}


def model(name: str, provider: str, shelf: Library) -> dict[str, object]:
    return {
        "model_name": name,
        "litellm_params": {
            "model": f"{provider}/{name}-model",
            "api_base": f"{shelf.url}/v1",
            "api_key": library.KEY,
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 2e-6,
        },
        "model_info": {"id": f"{name}-home"},
    }


@pytest.fixture(scope="module")
def shelf() -> Iterator[Library]:
    running = Library().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def keeping(shelf: Library) -> Iterator[Gateway]:
    models = [model("chatty", "hosted_vllm", shelf), model("native", "openai", shelf)]
    gateway = Gateway({"model_list": models}, ENV)
    gateway.start()
    yield gateway
    gateway.stop()


def test_a_chat_only_model_goes_on_from_what_was_said(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    first = client.responses.create(model="chatty", input="My name is Ada.")
    second = client.responses.create(
        model="chatty", input="Who am I?", previous_response_id=first.id, instructions="Be kind"
    )
    said = "user: My name is Ada."
    assert second.output_text == f"system: Be kind | {said} | assistant: {said} | user: Who am I?"
    assert second.previous_response_id == first.id
    third = client.responses.create(
        model="chatty", input="And?", previous_response_id=second.id
    ).output_text
    assert third.startswith(f"{said} | assistant: {said} | user: Who am I? | assistant: ")
    assert third.endswith(" | user: And?") and "Be kind |" not in third.split("assistant: ")[0]


def test_a_stream_is_remembered_before_its_last_event(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    with client.responses.stream(model="chatty", input="One") as events:
        for _ in events:
            pass
        first = events.get_final_response()
    with client.responses.stream(
        model="chatty", input="Two", previous_response_id=first.id
    ) as events:
        kinds = {event.type: event for event in events}
    assert kinds["response.created"].response.previous_response_id == first.id  # type: ignore[attr-defined]
    assert kinds["response.completed"].response.output_text == (  # type: ignore[attr-defined]
        "user: One | assistant: user: One | user: Two"
    )


@pytest.mark.parametrize("name", ["chatty", "native"])
def test_another_key_does_not_see_it_but_the_master_key_does(keeping: Gateway, name: str) -> None:
    mine, other = keeping.openai(keeping.new_key()), keeping.openai(keeping.new_key())
    made = mine.responses.create(model=name, input="A secret")
    with pytest.raises(openai.BadRequestError, match=r"Previous response with id '.*' not found"):
        other.responses.create(model=name, input="Tell", previous_response_id=made.id)
    for ask in (other.responses.retrieve, other.responses.delete, other.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)
    assert keeping.openai().responses.retrieve(made.id).id == made.id
    assert mine.responses.retrieve(made.id).output_text == made.output_text


@pytest.mark.parametrize("name", ["chatty", "native"])
def test_a_deleted_response_cannot_be_used(keeping: Gateway, name: str) -> None:
    client = keeping.openai(keeping.new_key())
    made = client.responses.create(model=name, input="Forget me")
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        client.responses.create(model=name, input="Well?", previous_response_id=made.id)


def test_what_is_not_stored_is_not_there(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    made = client.responses.create(model="chatty", input="Hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_items_are_listed_and_nothing_is_left_to_cancel(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    first = client.responses.create(model="chatty", input="One")
    second = client.responses.create(model="chatty", input="Two", previous_response_id=first.id)
    page = client.responses.input_items.list(second.id, limit=2)
    texts = [item.content[0].text for item in page.data]  # type: ignore[union-attr]
    assert texts == ["Two", "user: One"]
    assert page.has_more
    everything = [item.id for item in client.responses.input_items.list(second.id, order="asc")]
    assert len(everything) == 3
    with pytest.raises(openai.BadRequestError, match="cancel"):
        client.responses.cancel(second.id)


def test_what_is_made_in_the_background_is_billed_once_when_it_is_over(
    keeping: Gateway, shelf: Library
) -> None:
    key = keeping.new_key()
    client = keeping.openai(key)
    made = client.responses.create(model="native", input="Hi", background=True)
    theirs = list(shelf.at_work)[-1]
    assert made.status == client.responses.retrieve(made.id).status == "queued"
    with pytest.raises(openai.BadRequestError, match="not billed yet"):
        client.responses.delete(made.id)
    shelf.complete(theirs)

    def billed() -> list[float]:
        return [row["spend"] for row in keeping.rows(key) if row["spend"]]

    assert eventually(billed, "the response's row") == [pytest.approx(7e-6 + 3 * 2e-6)]
    assert client.responses.retrieve(made.id).output_text == "after None"

    def is_deleted() -> bool:
        try:
            client.responses.delete(made.id)
        except openai.BadRequestError:
            return False
        return True

    eventually(is_deleted, "its bill to be closed")
    assert theirs not in shelf.responses
    assert len(billed()) == 1


def test_a_native_provider_goes_on_from_its_own(keeping: Gateway, shelf: Library) -> None:
    client = keeping.openai(keeping.new_key())
    first = client.responses.create(model="native", input="One")
    second = client.responses.create(model="native", input="Two", previous_response_id=first.id)
    theirs = second.output_text.removeprefix("after ")
    assert theirs in shelf.responses and theirs != first.id
    assert second.previous_response_id == first.id
    assert client.responses.retrieve(second.id).previous_response_id == first.id


def test_a_response_is_not_continued_where_it_is_not_known(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    native = client.responses.create(model="native", input="One")
    chatty = client.responses.create(model="chatty", input="One")
    with pytest.raises(openai.BadRequestError, match="no deployment there"):
        client.responses.create(model="chatty", input="Two", previous_response_id=native.id)
    with pytest.raises(openai.BadRequestError, match="remembered by the gateway"):
        client.responses.create(model="native", input="Two", previous_response_id=chatty.id)

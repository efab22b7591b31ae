"""Mistral's format: what is sent is what its own SDK would send."""

import json
from pathlib import Path
from typing import Any

import pytest
from mistralai.client.models import ChatCompletionRequest, EmbeddingRequest

from extproc.errors import InvalidRequest
from extproc.providers import mistral, registry
from extproc.providers.base import Request
from tests.calls import deployment
from tests.providers import cases
from tests.providers.providerschemas import unknown

MODELS: dict[str, Any] = {
    "/chat/completions": ChatCompletionRequest,
    "/embeddings": EmbeddingRequest,
}
SENT = [case for case in cases.found() if case.parts[-2] == "mistral"]
ODD = {"error_422"}
"""Cases of a request that Mistral shall refuse."""


@pytest.mark.parametrize(
    "case",
    [case for case in SENT if case.name not in ODD],
    ids=lambda case: "/".join(case.parts[-3:]),
)
def test_what_is_sent_fits_the_sdk(case: Path) -> None:
    outgoing = json.loads((case / "outgoing.json").read_text())
    if "refused" in outgoing:
        return
    model = MODELS[outgoing["path"]].model_validate(outgoing["body"])
    assert unknown(outgoing["body"], model.model_dump(mode="json", by_alias=True)) == []


def test_members_that_the_sdk_does_not_know_are_found() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi", "name": "ada"}]}
    model = ChatCompletionRequest.model_validate(body)
    assert unknown(body, model.model_dump(mode="json", by_alias=True)) == [".messages[0].name"]


def sent(*messages: dict[str, Any], **body: Any) -> Any:
    made = deployment(schema="mistral", provider="mistral")
    request = Request(body={"messages": list(messages), **body}, deployment=made)
    return mistral.CHAT.request(request).body["messages"]


def test_ids_of_others_stay_pairs() -> None:
    call = {"id": "toolu_01A", "type": "function", "function": {"name": "f", "arguments": ""}}
    asked, told = sent(
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_01A", "content": "x"},
    )
    assert asked["tool_calls"][0]["id"] == told["tool_call_id"]
    assert mistral.CALL_ID.fullmatch(told["tool_call_id"])


def test_only_a_last_message_of_the_assistant_is_a_prefix() -> None:
    said = {"role": "assistant", "content": "Hel"}
    user = {"role": "user", "content": "Hi"}
    assert sent(user, said)[-1]["prefix"] is True
    assert "prefix" not in sent(said, user)[0]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "function", "content": "x"},
        {"role": "tool", "content": "x"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}, {}]},
    ],
)
def test_what_mistral_could_not_read_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(message)
    assert caught.value.error_param == "messages"


@pytest.mark.parametrize("model", ["mistral-small-latest", "magistral-medium-latest"])
def test_a_model_that_reasons_does_so_for_clients_of_messages(model: str) -> None:
    assert thinking(model)["reasoning_effort"] == "high"


@pytest.mark.parametrize("model", ["mistral-large-latest", "devstral-medium-2507"])
def test_clients_of_messages_may_ask_a_model_to_think_that_never_does(model: str) -> None:
    assert "reasoning_effort" not in thinking(model)


def thinking(model: str) -> Any:
    body = {
        "max_tokens": 9000,
        "thinking": {"type": "enabled", "budget_tokens": 4096},
        "messages": [{"role": "user", "content": "Hi"}],
    }
    made = deployment(schema="mistral", provider="mistral", model=model)
    return registry.find("messages", "mistral").request(Request(body=body, deployment=made)).body

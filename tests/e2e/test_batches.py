"""Files, batches and fine-tuning jobs through the gateway; a batch is billed once, at its end."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests import library
from tests.e2e.database import Database
from tests.e2e.gateway import Gateway, eventually
from tests.library import Library, completion

ENV = {"WORKERS": "2", "BATCH_POLL_SECONDS": "0.3"}
BILLED = "aretrieve_batch"


def model(name: str, shelf: Library, **more: Any) -> dict[str, Any]:
    return {
        "model_name": name,
        "litellm_params": {
            "model": "openai/gpt-4o",
            "api_base": f"{shelf.url}/v1",
            "api_key": library.KEY,
            "input_cost_per_token": 2e-6,
            "output_cost_per_token": 4e-6,
            **more,
        },
        "model_info": {"id": f"{name}-home"},
    }


def lines(*models: str) -> bytes:
    return b"\n".join(
        json.dumps(
            {
                "custom_id": str(number),
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": name, "messages": [{"role": "user", "content": "Hi"}]},
            }
        ).encode()
        for number, name in enumerate(models)
    )


@pytest.fixture(scope="module")
def shelf() -> Iterator[Library]:
    running = Library().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def keeping(shelf: Library) -> Iterator[Gateway]:
    other = model("other", shelf)
    other["litellm_params"] |= {"model": "anthropic/claude-sonnet-4-5"}
    gateway = Gateway({"model_list": [model("gpt", shelf), other]}, ENV)
    gateway.start()
    yield gateway
    gateway.stop()


def created(client: openai.OpenAI, **more: Any) -> Any:
    made = client.files.create(file=("in.jsonl", lines("gpt-4o", "gpt-4o")), purpose="batch")
    return client.batches.create(
        input_file_id=made.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        **more,
    )


def theirs(shelf: Library) -> str:
    """The provider's id of the newest batch."""
    return list(shelf.batches)[-1]


def billed(gateway: Gateway, key: str) -> list[dict[str, Any]]:
    return [row for row in gateway.rows(key) if row["call_type"] == BILLED]


def test_a_file_makes_its_round(keeping: Gateway, shelf: Library) -> None:
    client = keeping.openai(keeping.new_key())
    data = lines("gpt-4o")
    made = client.files.create(file=("in.jsonl", data), purpose="batch")
    assert made.id not in shelf.files
    assert client.files.retrieve(made.id).id == made.id
    assert made.id in [each.id for each in client.files.list()]
    assert client.files.content(made.id).read() == data
    assert client.files.delete(made.id).id == made.id
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


def test_the_gateways_fields_do_not_reach_the_provider(keeping: Gateway, shelf: Library) -> None:
    client = keeping.openai(keeping.new_key())
    made = client.files.create(
        file=("in.jsonl", lines("gpt")),
        purpose="batch",
        extra_body={"target_model_names": "gpt", "custom_llm_provider": "openai"},
    )
    written = client.files.content(made.id).read()
    assert json.loads(written)["body"]["model"] == "gpt-4o"


def test_a_batch_is_billed_once_at_half_the_price(keeping: Gateway, shelf: Library) -> None:
    key = keeping.new_key()
    client = keeping.openai(key)
    batch = created(client, metadata={"kept": "by the provider"})
    assert client.batches.retrieve(batch.id).metadata == {"kept": "by the provider"}
    assert batch.id in [each.id for each in client.batches.list()]
    shelf.finish(theirs(shelf), [completion(), completion(prompt_tokens=13), 500])
    rows = eventually(lambda: billed(keeping, key), "the batch's row")
    assert [row["spend"] for row in rows] == [pytest.approx((20 * 2e-6 + 6 * 4e-6) / 2)]
    assert (rows[0]["prompt_tokens"], rows[0]["completion_tokens"]) == (20, 6)
    assert rows[0]["status"] == "success"

    def spend() -> float:
        info = keeping.http.get("/key/info", params={"key": key}, headers=keeping.auth()).json()
        return float(info["info"]["spend"])

    assert spend() == pytest.approx(rows[0]["spend"])
    done = client.batches.retrieve(batch.id)
    assert done.output_file_id is not None
    assert len(client.files.content(done.output_file_id).text.splitlines()) == 3
    assert len(billed(keeping, key)) == 1


def test_what_a_cancelled_batch_did_is_paid(keeping: Gateway, shelf: Library) -> None:
    key = keeping.new_key()
    client = keeping.openai(key)
    batch = created(client)
    assert client.batches.cancel(batch.id).status == "cancelling"
    shelf.finish(theirs(shelf), [completion()], status="cancelled")
    (row,) = eventually(lambda: billed(keeping, key), "the batch's row")
    assert row["spend"] == pytest.approx((7 * 2e-6 + 3 * 4e-6) / 2)


def test_a_key_may_name_only_its_own_models_in_a_batch(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key(models=["gpt"]))
    with pytest.raises(openai.PermissionDeniedError, match="Line 2"):
        client.files.create(
            file=("in.jsonl", lines("gpt", "o3")), purpose="batch", extra_body={"model": "gpt"}
        )
    client.files.create(
        file=("in.jsonl", lines("gpt")), purpose="batch", extra_body={"model": "gpt"}
    )


def test_a_limited_keys_batch_runs_on_what_was_checked(keeping: Gateway, shelf: Library) -> None:
    key = keeping.new_key(models=["gpt"])
    client = keeping.openai(key)
    made = client.files.create(
        file=("in.jsonl", lines("gpt")), purpose="batch", extra_body={"model": "gpt"}
    )
    batch = client.batches.create(
        input_file_id=made.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert client.batches.retrieve(batch.id).input_file_id == made.id
    shelf.finish(theirs(shelf), [completion()])
    (row,) = eventually(lambda: billed(keeping, key), "the batch's row")
    assert row["spend"] == pytest.approx((7 * 2e-6 + 3 * 4e-6) / 2)


def test_to_other_keys_nothing_of_it_exists(keeping: Gateway, shelf: Library) -> None:
    client, other = keeping.openai(keeping.new_key()), keeping.openai(keeping.new_key())
    batch = created(client)
    file_id, raw = batch.input_file_id, list(shelf.files)[-1]
    assert list(other.files.list()) == list(other.batches.list()) == []
    for given in (file_id, raw):
        with pytest.raises(openai.NotFoundError, match="No such File object"):
            other.files.content(given)
        with pytest.raises(openai.NotFoundError, match="No such File object"):
            other.batches.create(
                input_file_id=given, endpoint="/v1/chat/completions", completion_window="24h"
            )
    for given in (batch.id, theirs(shelf)):
        with pytest.raises(openai.NotFoundError, match="No batch found"):
            other.batches.cancel(given)
    part: Any = {"type": "file", "file": {"file_id": file_id}}
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        other.chat.completions.create(model="gpt", messages=[{"role": "user", "content": [part]}])
    master = keeping.http.get(f"/v1/files/{file_id}", headers=keeping.auth())
    assert master.status_code == 200, master.text


def test_a_batchs_files_stay_until_it_is_billed(keeping: Gateway, shelf: Library) -> None:
    key = keeping.new_key()
    client = keeping.openai(key)
    batch = created(client)
    with pytest.raises(openai.BadRequestError, match=batch.id):
        client.files.delete(batch.input_file_id)
    shelf.finish(theirs(shelf), [completion()])
    eventually(lambda: billed(keeping, key), "the batch's row")

    def deleted() -> bool:
        headers = keeping.auth(key)
        path = f"/v1/files/{batch.input_file_id}"
        return bool(keeping.http.delete(path, headers=headers).status_code == 200)

    eventually(deleted, "the end of the batch's job")


def test_who_keeps_no_files_is_said(keeping: Gateway) -> None:
    client = keeping.openai(keeping.new_key())
    for named in ({"custom_llm_provider": "anthropic"}, {"model": "other"}):
        with pytest.raises(openai.BadRequestError, match="anthropic keeps no files"):
            client.files.list(extra_query=named)
    with pytest.raises(openai.BadRequestError, match="neither a deployment nor a key"):
        client.files.list(extra_headers={"custom-llm-provider": "azure"})


def test_a_provider_in_the_path_is_asked(keeping: Gateway, shelf: Library) -> None:
    answer = keeping.http.get("/openai/v1/batches", headers=keeping.auth())
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "list"


def test_a_job_finds_its_files_and_is_found(keeping: Gateway, shelf: Library) -> None:
    client = keeping.openai(keeping.new_key())
    data = client.files.create(file=("in.jsonl", b"{}"), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=data.id)
    assert job.training_file == data.id
    (kept,) = shelf.jobs.values()
    assert kept["model"] == "gpt-4o-mini" and kept["training_file"] in shelf.files
    assert client.fine_tuning.jobs.retrieve(job.id).id == job.id
    assert [event.message for event in client.fine_tuning.jobs.list_events(job.id)] == ["begun"]


def test_a_batch_is_billed_after_an_outage_and_a_restart_in_between(shelf: Library) -> None:
    """Made while Postgres is away, over while there is no gateway: the second one bills, once."""
    database = Database()
    chatty = model("chatty", shelf, model="hosted_vllm/chatty")
    gateway = Gateway(
        {"model_list": [model("gpt", shelf), chatty]},
        {**ENV, "WORKERS": "1", "DRAIN_SECONDS": "1", "DATABASE_URL": database.url},
    )
    try:
        gateway.start()
        key = gateway.new_key()
        client = gateway.openai(key)
        client.files.list(extra_query={"model": "gpt"})
        database.stop()
        try:
            created(client)
            forgotten = client.responses.create(model="chatty", input="Hi")
            with pytest.raises(openai.InternalServerError, match="remembers responses"):
                client.responses.retrieve(forgotten.id)
        finally:
            database.start()
        gateway.terminate()
        gateway.wait()
        shelf.finish(theirs(shelf), [completion()])
        shelf.failing = 2
        gateway.start()
        rows = eventually(lambda: billed(gateway, key), "the batch's row")
        assert [row["spend"] for row in rows] == [pytest.approx((7 * 2e-6 + 3 * 4e-6) / 2)]
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(forgotten.id)

        def counted() -> bool:
            line = 'llm_extproc_batch_looks_total{result="billed"} 1.0'
            return line in gateway.http.get("/metrics").text

        eventually(counted, "the metric of billed batches")
        assert len(billed(gateway, key)) == 1
    finally:
        gateway.stop()
        database.close()

"""Where a call about a file, a batch or a job goes, and what of it the provider sees."""

from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.domain.passage import Passage
from extproc.domain.passthrough import Passing
from extproc.domain.snapshot import Snapshot
from extproc.errors import AuthError, InvalidRequest, ModelDenied
from extproc.policy.memory import Memory
from extproc.policy.resources import Resources
from extproc.providers import forms, resources
from extproc.providers.responses import ids
from extproc.stores.memory import MemoryConversations
from tests.calls import call, deployment

OPENAI = deployment("d1")
SECOND = deployment("d2", group="second", api_key="sk-2")
AZURE = deployment("d3", group="azure-gpt", provider="azure", schema="azure", base_path="")
CLAUDE = deployment("d4", group="claude", provider="anthropic", schema="anthropic")
ENV = deployment("env", provider="groq", schema="openai_chat", base_path="/openai/v1")
FILE = ids.encode("d2", "file-1", "file-")


def asking(method: str, path: str, key: Key | None = None, **headers: str) -> Call:
    groups = {"gpt": (OPENAI,), "second": (SECOND,), "azure-gpt": (AZURE,), "claude": (CLAUDE,)}
    return call(
        endpoint="resource",
        path=path,
        headers={":method": method, "content-type": "application/json", **headers},
        snapshot=Snapshot("1", groups, passing=Passing(providers={"groq": (ENV,)})),
        key=key or Key("k"),
        body={},
    )


async def passage(asked: Call, body: Any = None) -> Passage:
    data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    found = await Resources(Memory(MemoryConversations(), lambda: 0.0))(asked, data)
    assert isinstance(found, Passage)
    return found


@pytest.mark.parametrize(
    ("path", "headers", "home", "asked"),
    [
        ("/v1/files", {}, OPENAI, "/v1/files"),
        ("/v1/files?custom_llm_provider=azure&limit=3", {}, AZURE, None),
        ("/v1/files?model=second", {}, SECOND, "/v1/files"),
        ("/v1/files?target_model_names=second,gpt&limit=3", {}, SECOND, "/v1/files?limit=3"),
        ("/v1/files", {"x-litellm-model": "second"}, SECOND, "/v1/files"),
        ("/v1/files", {"custom-llm-provider": "groq"}, ENV, "/openai/v1/files"),
        ("/azure/v1/files", {}, AZURE, None),
        (f"/v1/files/{FILE}", {}, SECOND, "/v1/files/file-1"),
        (f"/v1/files/{FILE}/content?model=gpt", {}, SECOND, "/v1/files/file-1/content"),
        (f"/v1/files?after={FILE}", {}, SECOND, "/v1/files?after=file-1"),
        ("/v1/files/file-raw", {}, OPENAI, "/v1/files/file-raw"),
    ],
)
async def test_the_account_that_is_asked(path: str, headers: Any, home: Any, asked: Any) -> None:
    found = await passage(asking("GET", path, **headers))
    assert found.deployment.id == home.id
    assert asked is None or found.path == asked
    assert (found.rewrite is None) == path.partition("?")[0].endswith("content")


async def test_a_batch_goes_where_its_file_is_and_keeps_its_metadata() -> None:
    body = {"input_file_id": FILE, "endpoint": "/v1/embeddings", "metadata": {"a": "b"}}
    found = await passage(asking("POST", "/v1/batches"), {**body, "model": "gpt", "tags": ["x"]})
    assert (found.deployment, found.call.endpoint) == (SECOND, "batch")
    assert orjson.loads(found.body or b"") == {**body, "input_file_id": "file-1"}
    assert found.call.asked["tags"] == ["x"]


async def test_a_body_that_needs_no_change_is_not_written_anew() -> None:
    body = {"input_file_id": "file-raw", "endpoint": "/v1/embeddings"}
    assert (await passage(asking("POST", "/v1/batches"), body)).body is None


async def test_a_cancelled_batch_is_no_new_one() -> None:
    found = await passage(asking("POST", f"/v1/batches/{ids.encode('d1', 'b', 'batch_')}/cancel"))
    assert (found.path, found.call.endpoint) == ("/v1/batches/b/cancel", "resource")


async def test_a_jobs_model_is_the_providers_or_a_groups() -> None:
    training = {"training_file": "file-raw"}
    job = asking("POST", "/v1/fine_tuning/jobs")
    theirs = await passage(job, {"model": "gpt-4o-mini", **training})
    assert (theirs.deployment, theirs.body) == (OPENAI, None)
    ours = await passage(job, {"model": "second", **training})
    assert orjson.loads(ours.body or b"") == {"model": "gpt-4o", **training}
    assert ours.deployment == SECOND


def upload(lines: bytes, **fields: str) -> tuple[bytes, str]:
    file = forms.Upload("in.jsonl", "application/jsonl", lines)
    return forms.encode({"purpose": "batch", **fields, "file": file}, "limit")


async def uploaded(key: Key, lines: bytes, **fields: str) -> Any:
    data, kind = upload(lines, **fields)
    asked = asking("POST", "/v1/files", key, **{"content-type": kind})
    found = await passage(asked, data)
    if found.body is None:
        return None
    return forms.parse(found.headers["content-type"], found.body)


async def test_a_forms_gateway_fields_stay_here() -> None:
    form = await uploaded(Key("k"), b'{"body":{"model":"other"}}\n', custom_llm_provider="openai")
    assert sorted(form) == ["file", "purpose"]
    assert await uploaded(Key("k"), b"anything") is None


async def test_lines_that_name_the_group_get_the_providers_name() -> None:
    form = await uploaded(Key("k"), b'{"body":{"model":"second"}}\r\n\n', model="second")
    assert form["file"].data == b'{"body":{"model":"gpt-4o"}}\n'


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b'{"body":{"model":"o3"}}', {"model": "second"}),
        (b'{"body":{"model":"o3"}}', {}),
        (b'{"body":{}}', {}),
    ],
)
async def test_a_line_with_a_model_that_the_key_may_not_use(line: bytes, fields: Any) -> None:
    with pytest.raises(ModelDenied, match="Line 1"):
        await uploaded(Key("k", models=("second",)), line, **fields)


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"body":3}'])
async def test_a_line_that_is_no_request(line: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Line 1"):
        await uploaded(Key("k", models=("second",)), line)


async def test_a_model_that_the_key_may_not_use_is_refused() -> None:
    with pytest.raises(ModelDenied):
        await passage(asking("GET", "/v1/files?model=second", Key("k", models=("gpt",))))


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/v1/batches", {"custom_llm_provider": "anthropic"}, "anthropic keeps no batches"),
        ("/v1/batches", {"model": "claude"}, "anthropic keeps no batches"),
        ("/v1/batches", {"custom_llm_provider": "cohere"}, "neither a deployment nor a key"),
        ("/v1/batches", {"model": "nobody"}, "Invalid model name"),
        ("/v1/batches", b"[]", "expected an object"),
        ("/v1/batches", b"{", "Invalid JSON"),
        (
            "/v1/batches",
            {"input_file_id": ids.encode("gone", "f", "file-")},
            "a deployment that this gateway no longer has",
        ),
        (
            "/v1/fine_tuning/jobs",
            {"training_file": FILE, "validation_file": ids.encode("d1", "f", "file-")},
            "belong to different accounts",
        ),
    ],
)
async def test_what_cannot_be_asked_says_why(path: str, body: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        await passage(asking("POST", path), body)


async def test_a_client_may_not_choose_where_credentials_go() -> None:
    with pytest.raises(AuthError, match="api_base"):
        await passage(asking("POST", "/v1/batches"), {"api_base": "http://evil.example"})


async def test_answers_show_ids_that_lead_back() -> None:
    found = await passage(asking("GET", f"/v1/files/{FILE}"))
    assert found.rewrite is not None
    shown = orjson.loads(found.rewrite(b'{"id":"file-1","object":"file"}'))
    assert resources.decode(shown["id"]) == ("d2", "file-1")
    assert found.rewrite(b"not json") == b"not json"

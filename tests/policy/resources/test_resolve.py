"""Where a call about a file, a batch or a job goes, and what of it the provider sees."""

from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.domain.passage import Passage
from extproc.domain.passthrough import Passing
from extproc.domain.resources import Owned
from extproc.domain.snapshot import Snapshot
from extproc.errors import AuthError, InvalidRequest, ModelDenied
from extproc.policy.resources.owners import Missing, Ownership
from extproc.policy.resources.recall import Recall
from extproc.policy.resources.resolve import Resources
from extproc.policy.resources.shelf import Shelf
from extproc.providers import forms, resources
from extproc.providers.responses import ids
from extproc.stores.memory import MemoryConversations, MemoryOwners
from tests.calls import call, deployment

OPENAI = deployment("d1")
SECOND = deployment("d2", group="second", api_key="sk-2")
AZURE = deployment("d3", group="azure-gpt", provider="azure", schema="azure", base_path="")
CLAUDE = deployment("d4", group="claude", provider="anthropic", schema="anthropic")
ENV = deployment("env", provider="groq", schema="openai_chat", base_path="/openai/v1")
FILE = ids.encode("d2", "file-1", "file-")


MASTER = Key("m", is_master=True)
MINE = [Owned("file-1", "d2", "k"), Owned("f", "d1", "k"), Owned("b", "d1", "k")]


class Stocked(MemoryOwners):
    """Knows from the start whose some things are."""

    def __init__(self) -> None:
        super().__init__()
        self._owned.update({(each.id, each.deployment_id): each for each in MINE})


def stocked() -> Shelf:
    return Shelf(Ownership(Stocked()), None)


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


async def passage(asked: Call, body: Any = None, shelf: Shelf | None = None) -> Passage:
    data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    found = await Resources(Recall(MemoryConversations(), lambda: 0.0), shelf or stocked())(
        asked, data
    )
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
    found = await passage(asking("GET", path, MASTER, **headers))
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
    assert (await passage(asking("POST", "/v1/batches", MASTER), body)).body is None


async def test_what_a_key_sends_is_what_was_checked() -> None:
    """A name that stands twice in an object is read by others as they like."""
    twice = b'{"input_file_id":"file-theirs","input_file_id":"%s"}' % FILE.encode()
    found = await passage(asking("POST", "/v1/batches"), twice)
    assert orjson.loads(found.body or b"") == {"input_file_id": "file-1"}
    assert b"theirs" not in (found.body or b"")


async def test_a_cancelled_batch_is_no_new_one() -> None:
    found = await passage(asking("POST", f"/v1/batches/{ids.encode('d1', 'b', 'batch_')}/cancel"))
    assert (found.path, found.call.endpoint) == ("/v1/batches/b/cancel", "resource")


async def test_a_jobs_model_is_the_providers_or_a_groups() -> None:
    training = {"training_file": "file-raw"}
    job = asking("POST", "/v1/fine_tuning/jobs", MASTER)
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
    assert await uploaded(MASTER, b"anything") is None


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
    shown = orjson.loads(await found.rewrite(b'{"id":"file-1","object":"file"}'))
    assert resources.decode(shown["id"]) == ("d2", "file-1")
    assert await found.rewrite(b"not json") == b"not json"


def form(*parts: tuple[str, Any]) -> bytes:
    """One in which a name may stand twice."""
    pieces = [
        forms.encode({name: value}, "limit")[0][: -len(b"--limit--\r\n")] for name, value in parts
    ]
    return b"".join(pieces) + b"--limit--\r\n"


LINE = b'{"body":{"model":"o3"}}'
FORM = "multipart/form-data; boundary=limit"


def jsonl(data: bytes) -> forms.Upload:
    return forms.Upload("in.jsonl", "application/jsonl", data)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([("purpose", "batch"), ("purpose", "batch"), ("file", jsonl(LINE))], "given once"),
        ([("purpose", "batch"), ("file", jsonl(b"")), ("file", jsonl(LINE))], "given once"),
        ([("purpose", "batch"), ("file", jsonl(LINE))], "not available for this API key"),
        ([("purpose", "batch "), ("file", jsonl(LINE))], "not available for this API key"),
        ([("purpose", "BATCH"), ("file", jsonl(LINE))], "not available for this API key"),
        ([("purpose", "user_data"), ("file", jsonl(b"x\n" + LINE))], "Line 2 of the file"),
        ([("purpose", "batch"), ("file", "a string")], "one file"),
        ([("purpose", "batch"), ("file", jsonl(b"")), ("more", jsonl(LINE))], "one file"),
    ],
)
async def test_no_upload_hides_a_model_from_a_limited_key(parts: Any, reason: str) -> None:
    asked = asking("POST", "/v1/files", Key("k", models=("second",)), **{"content-type": FORM})
    with pytest.raises((InvalidRequest, ModelDenied), match=reason):
        await passage(asked, form(*parts))


async def test_a_line_that_names_two_models_is_sent_with_the_one_that_was_checked() -> None:
    sent = await uploaded(Key("k", models=("second",)), b'{"body":{"model":"o3","model":"second"}}')
    assert sent["file"].data == b'{"body":{"model":"second"}}\n'


async def test_other_files_of_a_limited_key_pass_as_they_are() -> None:
    data = b'{"messages":[]}\n\x89PNG'
    sent = await uploaded(Key("k", models=("second",)), data, purpose="fine-tune")
    assert sent["file"].data == data


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", f"/v1/files/{FILE}", None, f"No such File object: {FILE}"),
        ("GET", f"/v1/files/{FILE}/content", None, "No such File"),
        ("DELETE", f"/v1/files/{FILE}", None, "No such File"),
        ("GET", "/v1/files/file-1", None, "No such File object: file-1"),
        ("POST", "/v1/batches", {"input_file_id": FILE}, "No such File"),
        ("POST", "/v1/batches", {"input_file_id": "file-1"}, "No such File"),
        ("GET", "/v1/batches/batch_b", None, "No batch found with id 'batch_b'"),
        ("POST", f"/v1/batches/{ids.encode('d1', 'b', 'batch_')}/cancel", None, "No batch found"),
        ("POST", "/v1/fine_tuning/jobs", {"model": "m", "training_file": FILE}, "No such File"),
        ("GET", f"/v1/fine_tuning/jobs/{ids.encode('d1', 'j', 'ftjob-')}", None, "fine tune"),
    ],
)
async def test_to_another_key_it_does_not_exist(
    method: str, path: str, body: Any, said: str
) -> None:
    with pytest.raises(Missing) as refused:
        await passage(asking(method, path, Key("another")), body)
    assert said in refused.value.message


async def test_a_provider_s_own_id_is_the_master_keys_alone() -> None:
    with pytest.raises(Missing):
        await passage(asking("GET", "/v1/files/file-1?model=second", Key("k")))
    assert (await passage(asking("GET", "/v1/files/file-1?model=second", MASTER))).path


async def test_a_limited_key_needs_an_input_that_was_checked() -> None:
    key = Key("k", models=("second",))
    with pytest.raises(InvalidRequest, match="were not checked"):
        await passage(asking("POST", "/v1/batches", key), {"input_file_id": FILE})


async def test_a_batch_that_writes_elsewhere_is_refused() -> None:
    for name in ("input_blob", "output_folder"):
        with pytest.raises(InvalidRequest, match="could not be billed"):
            await passage(asking("POST", "/v1/batches", MASTER), {name: "https://blob.example/x"})

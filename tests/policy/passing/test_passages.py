"""Who may pass a request through, and where it goes."""

import gzip
from base64 import b64encode
from dataclasses import replace
from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key, digest
from extproc.domain.passage import Passage
from extproc.domain.passthrough import Passing, PassThrough
from extproc.domain.snapshot import GuardrailRule, Rules, Snapshot
from extproc.errors import (
    AuthError,
    Forbidden,
    GatewayError,
    GuardrailRefused,
    InvalidRequest,
    KeysUnavailable,
    ModelDenied,
    NotFound,
    WrongMethod,
)
from extproc.policy.guardrails.banned_keywords import BannedKeywords
from extproc.policy.identify import Authenticate
from extproc.policy.passing.passages import IdentifyPassing, Passages, joined, resolve
from extproc.stores.base import StoreUnavailable
from tests.calls import call, deployment

KNOWN = Key(digest("sk-known"))
BLOCKED = Key(digest("sk-blocked"), blocked=True)
OWN = deployment(
    "own",
    group="pass-through/anthropic",
    provider="anthropic",
    model="",
    base_path="",
    headers={"X-Ours": "1"},
)
GROUP = deployment("in-group", provider="anthropic", model="claude-4", base_path="")
EAST, WEST = (
    deployment(place, provider="vertex_ai", base_path="", options={"vertex_location": place})
    for place in ("east", "west")
)
BEDROCK = deployment("aws", provider="bedrock", model="anthropic.claude-v1:0", base_path="")
ENDPOINT = PassThrough(
    "/custom", deployment("target", base_path="/base", headers={"x-set": "1"}), include_subpath=True
)


class Keys:
    def __init__(self, away: bool = False) -> None:
        self.away = away

    async def find(self, key_hash: str) -> Key | None:
        if self.away:
            raise StoreUnavailable
        return next((key for key in (KNOWN, BLOCKED) if key.hash == key_hash), None)


def request(
    method: str = "POST",
    path: str = "/anthropic/v1/messages",
    headers: dict[str, str] | None = None,
    key: Key | None = KNOWN,
    endpoint: PassThrough = ENDPOINT,
    own: bool = False,
    stored: bool = False,
    **changes: Any,
) -> Call:
    served = {
        "anthropic": (OWN,),
        "vertex_ai": (WEST, EAST),
        "openai": (deployment("openai", model="", price=None),),
        "hosted_vllm": (deployment("vllm", provider="hosted_vllm", model="", api_key=None),),
        "deepgram": (deployment("dg", provider="deepgram", model="", price=None),),
        "gemini": (deployment("google", provider="gemini", model="", price=None),),
    }
    passing = Passing(served, (endpoint,), own, stored)
    groups = {"claude": (GROUP,), "on-aws": (BEDROCK,)}
    rules = changes.pop("rules", Rules())
    return call(
        endpoint="pass_through",
        path=path,
        headers={":method": method, **(headers or {})},
        snapshot=Snapshot("g", groups, rules=rules, passing=passing),
        key=key,
        **changes,
    )


async def identified(asked: Call, keys: Keys | None = None) -> Call:
    stage = IdentifyPassing(Authenticate(keys or Keys(), digest("sk-master"), lambda: 0.0))
    return await stage(asked.but(key=None))


@pytest.mark.parametrize(
    "headers", [{"authorization": "Bearer sk-known"}, {"x-api-key": "sk-known"}]
)
async def test_key_is_needed_and_headers_stay_as_they_were(headers: dict[str, str]) -> None:
    found = await identified(request(headers=headers))
    assert found.key == KNOWN
    assert found.headers == {":method": "POST", **headers}


async def test_key_may_come_in_the_query() -> None:
    found = await identified(request(path="/gemini/v1beta/models?key=sk-known"))
    assert found.key == KNOWN
    with pytest.raises(AuthError):
        await identified(
            request(path="/gemini/x?key=sk-known", rules=Rules(key_header="X-Key"), headers={}).but(
                headers={":method": "POST", "x-key": "sk-nobody"}
            )
        )


@pytest.mark.parametrize(
    ("path", "method", "error"),
    [
        ("/anthropic/v1/messages", "POST", AuthError),
        ("/custom", "POST", AuthError),
        ("/nowhere", "POST", NotFound),
        ("/customs", "POST", NotFound),
        ("/anthropic/", "GET", NotFound),
        ("/openai/deployments/a", "GET", NotFound),
    ],
)
async def test_who_has_no_key_and_what_is_not_there_is_refused(
    path: str, method: str, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        await identified(request(method, path))


async def test_endpoint_says_how_its_callers_are_known() -> None:
    target = ENDPOINT.deployment
    opened = PassThrough("/custom", target, key_needed=False)
    assert (await identified(request(path="/custom", endpoint=opened))).key is None
    named = PassThrough("/custom", target, key_header="x-mine")
    asked = request(path="/custom", endpoint=named, headers={"x-mine": "Bearer sk-known"})
    assert (await identified(asked)).key == KNOWN
    with pytest.raises(AuthError):
        await identified(request(path="/custom", endpoint=named, headers={"x-api-key": "sk-known"}))
    only = PassThrough("/custom", target, methods=("GET",))
    with pytest.raises(WrongMethod):
        await identified(request("POST", "/custom", endpoint=only))


async def test_clients_credential_is_let_through_where_the_operator_says_so() -> None:
    theirs = {"authorization": "Bearer sk-theirs", "x-api-key": "theirs"}
    assert (await identified(request(headers=theirs, own=True))).key is None
    ours = {**theirs, "x-api-key": "sk-known"}
    assert (await identified(request(headers=ours, own=True))).key == KNOWN
    query = request(path="/gemini/v1/models?key=sk-known", own=True)
    assert (await identified(query)).key == KNOWN
    with pytest.raises(AuthError):  # what is meant for the gateway is checked by it
        await identified(request(headers={"x-litellm-api-key": "sk-theirs"}, own=True))
    with pytest.raises(AuthError, match="blocked"):
        await identified(request(headers={"authorization": "Bearer sk-blocked"}, own=True))
    with pytest.raises(KeysUnavailable):  # nobody knows whose it is
        await identified(request(headers=theirs, own=True), Keys(away=True))
    with pytest.raises(AuthError):
        await identified(request(path="/custom", headers=theirs, own=True))


async def test_who_shows_nothing_or_a_key_made_here_is_not_taken_for_a_providers_client() -> None:
    with pytest.raises(AuthError):
        await identified(request(headers={}, own=True))
    gone = "sk-" + "a1_-" * 5 + "b2"
    for headers in ({"authorization": f"Bearer {gone}"}, {"x-api-key": gone}):
        with pytest.raises(AuthError):
            await identified(request(headers=headers, own=True))
    with pytest.raises(AuthError):
        await identified(request(path=f"/gemini/v1/models?key={gone}", own=True))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/vllm/v1/chat/completions", {"model": "llama"}),
        ("/bedrock/model/on-aws/converse", {}),
        ("/mistral/v1/chat/completions", {"model": "m"}),
    ],
)
def test_clients_without_a_key_reach_no_deployment_of_ours(path: str, data: Any) -> None:
    asked = request(path=path, headers={"authorization": "theirs"}, key=None, own=True)
    with pytest.raises((AuthError, NotFound)):
        resolve(asked, body(**data))
    listed = replace(OWN, id="in-group")
    passing = Passing({"anthropic": (listed,)}, (), True)
    asked = request(key=None).but(snapshot=Snapshot("g", {"claude": (GROUP,)}, passing=passing))
    with pytest.raises(AuthError):
        resolve(asked, body(model="claude"))


FORWARDING = PassThrough("/custom", ENDPOINT.deployment, key_needed=False, forward_headers=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sk-known"},
        {"authorization": "Bearer sk-blocked"},
        {"x-api-key": "sk-master"},
        {"x-other": "sk-master"},
        {"cookie": "a=b; litellm=sk-known"},
        {"cookie": 'litellm="sk-master"'},
        {"sec-websocket-protocol": "realtime, openai-insecure-api-key.sk-known"},
        {"x-any": "sk-" + "a1_-" * 5 + "b2"},
        {"x-pass-x-token": "sk-known"},
        {"x-any": " ".join(f"sk-{n}" for n in range(17))},
    ],
)
@pytest.mark.parametrize("needed", [True, False])
async def test_keys_of_ours_are_not_forwarded(headers: dict[str, str], needed: bool) -> None:
    endpoint = replace(FORWARDING, key_needed=needed, key_header="x-mine")
    sent = {**headers, "x-mine": "sk-known"}
    found = resolve(await identified(request(path="/custom", headers=sent, endpoint=endpoint)), b"")
    assert forwarded(found) == set()
    assert found.headers == {}


async def test_clients_other_credentials_are_forwarded_unless_nobody_can_tell_whose_they_are() -> (
    None
):
    headers = {"authorization": "Bearer sk-theirs", "cookie": "a=b", "x-api-key": "theirs"}
    asked = request(path="/custom", headers=headers, endpoint=FORWARDING)
    assert forwarded(resolve(await identified(asked), b"")) == headers.keys()
    found = resolve(await identified(asked, Keys(away=True)), b"")
    assert forwarded(found) == {"cookie", "x-api-key"}


@pytest.mark.parametrize("said", ["sk-known", "me:sk-known", "me:sk-master"])
async def test_key_of_ours_does_not_leave_as_a_password(said: str) -> None:
    shown = {"authorization": f"Basic {b64encode(said.encode()).decode()}"}
    found = await identified(request(headers=shown, own=True))
    assert "authorization" not in found.headers


async def test_keys_of_ours_in_the_query_do_not_leave() -> None:
    opened = replace(FORWARDING, forward_headers=False)
    for secret in ("sk-known", "sk-master", "sk%2Dmaster"):
        asked = request(path=f"/custom?a=1&key={secret}&b={secret}", endpoint=opened)
        assert (resolve(await identified(asked), b"")).path == "/base?a=1"
    asked = request(path="/custom?key=theirs", endpoint=opened)
    assert (resolve(await identified(asked), b"")).path == "/base?key=theirs"


async def test_other_endpoints_are_not_its_business() -> None:
    with pytest.raises(AuthError):
        await identified(request(headers={}, own=True).but(endpoint="chat"))


def body(**members: Any) -> bytes:
    return orjson.dumps(members)


def test_what_names_no_group_goes_to_the_provider() -> None:
    data = body(model="claude-9", messages=[])
    found = resolve(request(), data)
    assert (found.path, found.deployment.id, found.deployment.model) == (
        "/v1/messages",
        "own",
        "claude-9",
    )
    assert (found.format, found.signed, found.body) == (("messages", "anthropic"), True, None)
    assert (found.call.group, found.call.body_bytes) == ("claude-9", len(data))


def test_group_serves_its_name_under_its_own() -> None:
    found = resolve(request(), b'{"model":"claude", "x":1}')
    assert (found.deployment, found.call.group) == (GROUP, "claude")
    assert found.body == b'{"model":"claude-4","x":1}'
    aliased = request(key=Key(digest("sk-known"), aliases={"short": "claude"}))
    assert (resolve(aliased, body(model="short"))).body == b'{"model":"claude-4"}'
    path = "/bedrock/model/on-aws/converse?a=%20"
    found = resolve(request(path=path), b"{}")
    assert found.path == "/model/anthropic.claude-v1%3A0/converse?a=%20"
    assert (found.format, found.body) == (("chat", "bedrock"), None)


def test_group_of_another_provider_does_not_serve() -> None:
    with pytest.raises(NotFound, match="/mistral leads nowhere"):
        resolve(request(path="/mistral/v1/chat/completions"), body(model="claude"))
    found = resolve(request(path="/openai/v1/chat/completions"), body(model="claude"))
    assert found.deployment.id == "openai"


def test_vertex_goes_to_the_place_that_the_path_names() -> None:
    for place in ("east", "west"):
        path = (
            f"/vertex-ai/v1/projects/p/locations/{place}/publishers/google/models/g:generateContent"
        )
        found = resolve(request(path=path), b"{}")
        assert (found.deployment.id, found.deployment.model) == (place, "g")
        assert found.format == ("generate", "gemini")


@pytest.mark.parametrize(
    "path",
    ["/anthropic/../x", "/anthropic/%2e%2e/x", "/anthropic/..%2fx", "/anthropic/a%5c..%5cb"],
)
def test_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest, match="steps"):
        resolve(request(path=path), b"")


LIMITED = Key(digest("sk-known"), models=("other", "anthropic/fine"))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/anthropic/v1/messages", body(model="claude")),
        ("/anthropic/v1/messages", body(model="models/claude-9")),
        ("/anthropic/v1/messages", b'{"model":"other","\\u006dodel":"claude"}'),
        ("/anthropic/v1/messages/batches", body(requests=[{"params": {"model": "x"}}])),
        ("/anthropic/v1/messages", b'[{"model":"x"}]'),
        ("/anthropic/v1/messages?model=x", body(model="other")),
        ("/anthropic/v1beta/models/x:generateContent", b"{}"),
        ("/anthropic/v1beta/models/x%3AgenerateContent", b"{}"),
        ("/anthropic/v1/endpoints/77:predict", b"{}"),
        ("/anthropic/openai/deployments/x/embeddings", body(model="other")),
        ("/bedrock/model/on-aws/invoke", b"{}"),
        ("/custom", body(model="x")),
    ],
)
def test_key_reaches_no_model_but_its_own(path: str, data: bytes) -> None:
    with pytest.raises(ModelDenied):
        resolve(request(path=path, key=LIMITED), data)


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({}, '{"model":"x"}'.encode("utf-16")),
        ({}, b'{"model":"x","a":NaN}'),
        ({"content-encoding": "br"}, b"\x1f\x8b"),
        ({"content-encoding": "gzip"}, b"\x1f\x8bno"),
        ({"content-encoding": "gzip"}, gzip.compress(bytes(33 * 1024 * 1024))),
        ({"content-type": "audio/wav"}, b' {"model":"x","a":NaN}'),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--y"),
    ],
)
def test_body_that_hides_its_model_is_refused(headers: dict[str, str], data: bytes) -> None:
    guarded = Rules(guardrails=(GuardrailRule("g", "hide_secrets"),))
    for asked in (
        request(headers=headers, key=LIMITED),
        request(headers=headers, rules=guarded),
        request(headers=headers, rules=guarded, key=None, own=True),
    ):
        with pytest.raises(InvalidRequest, match="cannot be read"):
            resolve(asked, data)
    assert (resolve(request(headers=headers), data)).body is None


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("POST", "/anthropic/v1/messages", body(model="other")),
        ("POST", "/anthropic/v1/messages", body(model="fine")),
        ("GET", "/anthropic/v1/models", b""),
        ("POST", "/anthropic/v1/messages/count_tokens", body(messages=[])),
        ("POST", "/openai/v1/moderations", body(input="x")),
        ("POST", "/deepgram/v1/listen?model=other", b"RIFF"),
        ("POST", "/custom/search", body(q="x")),
    ],
)
def test_key_reaches_its_models_and_what_needs_none(method: str, path: str, data: bytes) -> None:
    sound = {"content-type": "audio/wav"} if data == b"RIFF" else {}
    mine = replace(ENDPOINT.deployment, provider="pass_through")
    search = replace(ENDPOINT, deployment=mine)
    resolve(request(method, path, sound, key=LIMITED, endpoint=search), data)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/openai/v1/audio/speech", b""),
        ("/openai_passthrough/v1/responses", body(prompt={"id": "pmpt"})),
        ("/openai_passthrough/v1/batches", body(input_file_id="file-x")),
        ("/openai_passthrough/v1/files", b""),
        ("/openai/v1/threads/runs?model=other", body(thread={})),
        ("/openai/v1/threads/runs", body(model="other", assistant_id="asst")),
        ("/bedrock/async-invoke", body(modelId="amazon.nova")),
        ("/mistral/v1/agents/completions", body(agent_id="a")),
        ("/fal_ai/fal-ai/flux", body(prompt="x")),
        ("/custom", body(thread={})),
    ],
)
def test_key_with_models_must_name_one_where_the_provider_reads_it(path: str, data: bytes) -> None:
    asked = request(path=path.replace("bedrock", "openai").replace("mistral", "openai"))
    asked = asked.but(path=asked.path.replace("fal_ai", "openai"), key=LIMITED)
    with pytest.raises(ModelDenied, match="which one would run"):
        resolve(asked, data)
    every = Key(digest("sk-known"), models=("openai/*",))
    unlimited = asked.but(key=every)
    stored = replace(asked.snapshot.passing, stored_objects=True)
    resolve(unlimited.but(snapshot=replace(asked.snapshot, passing=stored)), data)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/openai/v1/chat/completions?model=cheap", body(model="dear")),
        ("/openai/deployments-of/models/cheap:run", body(model="dear")),
        ("/openai/v1/models/cheap:a/models/dear:b", b"{}"),
        ("/deepgram/v1/listen?model=cheap&model=dear", b""),
        ("/custom?model=cheap", body(model="dear")),
        ("/openai/v1/chat/completions", body(model=["cheap", "dear"])),
    ],
)
def test_request_that_names_different_models_is_refused(path: str, data: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"different models: .*cheap"):
        resolve(request(path=path), data)


def test_query_that_the_provider_does_not_read_is_not_billed() -> None:
    found = resolve(request(path="/openai/v1/embeddings?model=cheap"), b"{}")
    assert (found.call.model, found.deployment.model, found.deployment.price) == (
        "",
        "openai",
        None,
    )
    found = resolve(request(path="/deepgram/v1/listen?model=nova"), b"RIFF")
    assert found.deployment.model == "nova"


def test_models_to_be_tried_in_turn_must_all_be_allowed_and_none_is_billed_for_another() -> None:
    data = body(model="other", models=["other", "dear"], messages=[])
    with pytest.raises(ModelDenied, match="dear"):
        resolve(request(key=LIMITED), data)
    found = resolve(request(), data)
    assert (found.deployment.model, found.deployment.price) == ("anthropic", None)


def test_price_of_a_deployment_is_for_its_own_model() -> None:
    marked = deployment("marked", provider="anthropic", model="claude-4", base_model="claude-x")
    served = Passing({"anthropic": (marked,)})
    asked = request().but(snapshot=Snapshot("g", {}, passing=served))
    found = resolve(asked, body(model="claude-4")).deployment
    assert (found.price, found.base_model) == (marked.price, "claude-x")
    found = resolve(asked, body(model="opus")).deployment
    assert (found.model, found.price, found.base_model) == ("opus", None, None)


def test_compressed_body_is_read_and_passes_as_it_is() -> None:
    packed = gzip.compress(body(model="claude-9"))
    headers = {"content-encoding": "gzip"}
    found = resolve(request(headers=headers), packed)
    assert (found.deployment.model, found.body) == ("claude-9", None)
    assert "content-encoding" in found.kept
    with pytest.raises(ModelDenied):
        resolve(request(headers=headers, key=LIMITED), packed)


def test_compressed_body_that_is_written_anew_is_plain() -> None:
    packed = gzip.compress(body(model="claude"))
    found = resolve(request(headers={"content-encoding": "gzip"}), packed)
    assert (found.body, found.kept) == (b'{"model":"claude-4"}', frozenset())


@pytest.mark.parametrize(
    ("path", "members", "adds"),
    [
        ("/openai/v1/chat/completions", {"stream": True}, True),
        ("/openai/v1/completions", {"stream": True, "stream_options": None}, True),
        (
            "/openai/v1/chat/completions",
            {"stream": True, "stream_options": {"include_usage": False}},
            True,
        ),
        (
            "/openai/v1/chat/completions",
            {"stream": True, "stream_options": {"include_usage": True}},
            False,
        ),
        ("/openai/v1/chat/completions", {"stream": False}, False),
        ("/openai/v1/chat/completions", {}, False),
        ("/openai_passthrough/v1/responses", {"stream": True}, False),
        ("/anthropic/v1/messages", {"stream": True}, False),
        ("/custom/v1/chat/completions", {"stream": True}, True),
    ],
)
def test_stream_is_asked_for_its_usage(path: str, members: dict[str, Any], adds: bool) -> None:
    found = resolve(request(path=path), body(model="m", **members))
    if not adds:
        assert found.body is None
        return
    assert found.body is not None
    assert orjson.loads(found.body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("method", "path", "data", "format_", "unmetered"),
    [
        ("POST", "/openai_passthrough/v1/batches", {}, None, True),
        ("POST", "/openai/v1/videos", {"model": "sora-2"}, None, True),
        ("POST", "/gemini/v1/models/m:predictLongRunning", {}, None, True),
        ("PUT", "/openai/v1/anything", {}, None, True),
        ("POST", "/custom/anything", {}, None, True),
        (
            "POST",
            "/openai_passthrough/v1/responses",
            {"model": "m", "background": True},
            None,
            True,
        ),
        ("POST", "/gemini/v1/models/m:embedContent", {}, ("embeddings", "gemini"), True),
        ("POST", "/gemini/v1/models/m:batchEmbedContents", {}, ("embeddings", "gemini"), True),
        ("POST", "/openai/v1/embeddings", {"model": "m"}, ("embeddings", "openai"), False),
        ("POST", "/openai/v1/moderations", {}, None, False),
        ("POST", "/openai_passthrough/v1/files", {}, None, False),
        ("POST", "/anthropic/v1/messages/count_tokens", {"model": "m"}, None, False),
        ("POST", "/gemini/v1/models/m:countTokens", {}, None, False),
        ("GET", "/openai/v1/models", {}, None, False),
    ],
)
def test_what_nobody_can_read_the_usage_of_is_not_taken_for_free(
    method: str, path: str, data: dict[str, Any], format_: Any, unmetered: bool
) -> None:
    found = resolve(request(method, path), body(**data))
    assert (found.format, found.unmetered) == (format_, unmetered)


STORED = (
    ("GET", "/openai_passthrough/v1/responses/resp_1", b""),
    ("DELETE", "/openai_passthrough/v1/%72esponses/resp_1", b""),
    ("POST", "/openai_passthrough/v1/responses/resp_1/cancel", b""),
    ("GET", "/openai/v1/chat/completions", b""),
    ("GET", "/openai/v1/chat/completions/c1/messages", b""),
    ("GET", "/openai_passthrough/v1/files", b""),
    ("HEAD", "/openai_passthrough/V1/Files/", b""),
    ("GET", "/openai_passthrough/v1/batches/b1", b""),
    ("POST", "/openai/v1/threads/t/messages", b"{}"),
    ("DELETE", "/openai/v1/vector_stores/v", b""),
    ("GET", "/gemini/v1beta/cachedContents", b""),
    ("POST", "/deepgram/v1/projects/p/keys", b"{}"),
    ("POST", "/openai_passthrough/v1/responses", b'{"model":"m","previous_response_id":"r"}'),
    ("GET", "/openai_passthrough/v1/files;a=b/file-1", b""),
    ("POST", "/openai_passthrough/v1/files;a=b/file-1", b"{}"),
    ("DELETE", "/openai/v1/models/ft:gpt:acme", b""),
    ("GET", "/openai_passthrough/v1/%2566iles", b""),
    ("GET", "/gemini/v1beta/interactions/i1", b""),
    ("POST", "/gemini/v1beta/interactions", b'{"model":"m","previous_interaction_id":"i1"}'),
    ("GET", "/vertex_ai/v1/projects/p/locations/east/customJobs", b""),
    ("POST", "/vertex_ai/v1/projects/p/locations/east/models/1:copy", b"{}"),
    ("POST", "/openai_passthrough/v1/batches", b'{"input_file_id":"file-1"}'),
    ("POST", "/openai/v1/threads/runs", b'{"assistant_id":"asst_1","model":"m"}'),
    (
        "POST",
        "/openai/v1/chat/completions",
        b'{"model":"m","messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}',
    ),
    (
        "POST",
        "/openai_passthrough/v1/responses",
        b'{"model":"m","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}',
    ),
)
NOT_STORED = (
    ("POST", "/vertex_ai/v1/projects/p/locations/east/publishers/google/models/m:predict", b"{}"),
    ("POST", "/vertex_ai/v1/projects/p/locations/east/endpoints/1:predict", b"{}"),
    ("POST", "/vertex_ai/v1/projects/p/locations/east/cachedContents", b"{}"),
    ("POST", "/anthropic/v1/messages", b'{"model":"m","messages":[{"input":{"file_id":"f"}}]}'),
    (
        "POST",
        "/openai/v1/chat/completions",
        b'{"model":"m","metadata":{"file_id":"f"},"tools":[{"function":{"parameters":'
        b'{"properties":{"file_id":{"type":"string"}},"default":{"file_id":"f"}}}}]}',
    ),
    (
        "POST",
        "/openai_passthrough/v1/responses",
        b'{"model":"m","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}',
    ),
)


@pytest.mark.parametrize(("method", "path", "data"), NOT_STORED)
def test_what_only_looks_kept_passes(method: str, path: str, data: bytes) -> None:
    resolve(request(method, path), data)


def test_body_that_could_hide_what_it_refers_to_is_refused() -> None:
    headers = {"content-encoding": "br"}
    with pytest.raises(Forbidden):
        resolve(request(path="/openai/v1/chat/completions", headers=headers), b"\x0b\x02\x80")


@pytest.mark.parametrize(("method", "path", "data"), STORED)
def test_what_a_provider_keeps_is_not_everybodys(method: str, path: str, data: bytes) -> None:
    with pytest.raises(Forbidden, match="pass_through_stored_objects"):
        resolve(request(method, path), data)
    resolve(request(method, path, key=Key("m", is_master=True)), data)
    resolve(request(method, path, stored=True), data)
    resolve(request(method, path, key=None), data)


def test_body_that_can_be_read_in_two_ways_is_written_anew() -> None:
    found = resolve(request(), b'{"model":"a", "model":"b"}')
    assert (found.body, found.deployment.model) == (b'{"model":"b"}', "b")
    found = resolve(request(), b'[{"model":"a","model":"b"}]')
    assert found.body == b'[{"model":"b"}]'


def test_form_names_its_model_and_passes_as_it_is() -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\0\r\n--x--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    found = resolve(request(path="/openai/audio/transcriptions", headers=headers), form)
    assert (found.deployment.model, found.body) == ("whisper", None)
    assert (found.path, found.format) == ("/v1/audio/transcriptions", ("transcriptions", "openai"))


def forwarded(found: Passage) -> set[str]:
    return {name for name in found.call.headers if name in found.kept}


HEADERS = {
    "authorization": "Bearer sk-known",
    "x-api-key": "theirs",
    "x-litellm-api-key": "sk-known",
    "cookie": "a=b",
    "content-type": "application/json",
    "anthropic-beta": "x",
    "openai-organization": "theirs",
    "accept-encoding": "br",
    "x-forwarded-for": "10.0.0.1",
    "x-any": "1",
    "x-pass-x-wanted": "2",
    "x-pass-x-ours": "no",
    "x-pass-authorization": "no",
    "x-pass-host": "no",
    "x-pass-content-type": "no",
    "x-pass-content-encoding": "no",
    "x-pass-content-length": "no",
    "x-pass-x-http-method-override": "no",
    "x-pass-cookie": "no",
    "x-pass-x-gateway-cluster": "no",
    "x-pass-x-amz-date": "no",
    "x-pass-openai-organization": "no",
    "x-pass-x-goog-user-project": "no",
    "x-pass-": "no",
}


def test_only_what_is_about_the_format_goes_to_a_provider() -> None:
    found = resolve(request(headers=HEADERS), b"{}")
    assert forwarded(found) == {"content-type", "anthropic-beta"}
    assert found.headers == {"x-wanted": "2"}


@pytest.mark.parametrize(
    "shown", ["key=theirs", "access_token=a", "Api-Key=a", "X-Amz-Signature=a&X-Amz-Date=b"]
)
def test_credential_in_the_query_stays_here(shown: str) -> None:
    asked = request(path=f"/anthropic/v1/x?alt=sse&{shown}&page_token=p")
    assert resolve(asked, b"{}").path == "/v1/x?alt=sse&page_token=p"


def test_clients_own_credential_goes_without_ours() -> None:
    asked = request(path="/anthropic/v1/x?key=theirs", headers=HEADERS, key=None, own=True)
    found = resolve(asked, b"{}")
    assert forwarded(found) == {
        "authorization",
        "x-api-key",
        "content-type",
        "anthropic-beta",
        "openai-organization",
    }
    assert (found.signed, found.path) == (False, "/v1/x?key=theirs")
    assert (found.deployment.headers, found.deployment.api_key) == ({}, None)


def test_endpoint_forwards_headers_only_if_it_says_so() -> None:
    found = resolve(request(path="/custom", headers=HEADERS), b"{}")
    assert "x-any" not in forwarded(found)
    every = PassThrough("/custom", ENDPOINT.deployment, forward_headers=True)
    twice = {**HEADERS, "x-again": "Bearer sk-known"}
    found = resolve(request(path="/custom", headers=twice, endpoint=every), b"{}")
    kept = {"x-any", "cookie", "x-api-key", "content-type", "anthropic-beta"}
    assert forwarded(found) == kept | {"openai-organization"}


@pytest.mark.parametrize(
    ("asked", "merge", "sent"),
    [
        ("", False, "own=1&lang=en"),
        ("?a=%2F&lang=de", False, "a=%2F&lang=de"),
        ("?a=1&own=2", True, "a=1&own=2&lang=en"),
        ("?a=1", True, "a=1&own=1&lang=en"),
        ("?key=sk-known&a=1", False, "a=1&lang=en"),
        ("?key=theirs", False, "key=theirs&lang=en"),
    ],
)
def test_query_of_an_endpoint_is_the_clients_and_its_own(
    asked: str, merge: bool, sent: str
) -> None:
    endpoint = PassThrough(
        "/custom",
        ENDPOINT.deployment,
        query="own=1",
        merge_query=merge,
        default_query={"lang": "en"},
    )
    found = resolve(request(path=f"/custom{asked}", endpoint=endpoint), b"")
    assert found.path == f"/base?{sent}"


def test_endpoint_takes_what_lies_below_it() -> None:
    priced = PassThrough("/custom", ENDPOINT.deployment, include_subpath=True, cost_nanousd=5)
    found = resolve(request(path="/custom/a/b%2Fc", endpoint=priced), b"\0")
    assert (found.path, found.cost_nanousd, found.cost_told) == ("/base/a/b%2Fc", 5, True)
    assert (found.signed, found.format) == (False, None)
    assert (found.call.group, found.deployment.model) == ("/custom", "/custom")


@pytest.mark.parametrize(
    ("base", "rest", "whole"),
    [
        ("", "/v1/messages", "/v1/messages"),
        ("/v1", "/v1/files", "/v1/files"),
        ("/v1", "/files", "/v1/files"),
        ("/v1beta", "/v1/models", "/v1/models"),
        ("/api/v1", "/chat", "/api/v1/chat"),
        ("/api/v1", "/v1/chat", "/api/v1/chat"),
        ("/api/v1", "/api/v1/chat", "/api/v1/chat"),
        ("/a/v1", "/voices", "/a/v1/voices"),
        ("/a/v1", "/v2/x/", "/a/v2/x/"),
    ],
)
def test_base_and_path_join_without_doubling(base: str, rest: str, whole: str) -> None:
    assert joined(base, rest) == whole


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/anthropic/v1/messages", body(messages=[{"role": "user", "content": "a Secret"}])),
        ("/anthropic/v1/anything", body(deep=[{"below": {"it": "a Secret"}}])),
        ("/custom", body(text="secret")),
    ],
)
async def test_guardrails_see_what_would_pass(path: str, data: bytes) -> None:
    guard = BannedKeywords("words", ("secret",)).check
    with pytest.raises(GuardrailRefused):
        await Passages(guard)(request(path=path), data)
    harmless = data.lower().replace(b"secret", b"word")
    found = await Passages(guard)(request(path=path), harmless)
    assert (found.body, found.call.endpoint) == (None, "pass_through")
    assert found.call.applied_guardrails == ("words",)


async def redact(asked: Call) -> Call:
    return asked.but(body={**asked.body, "prompt": "[REDACTED]"}, body_changed=True)


async def test_what_a_guardrail_takes_out_does_not_pass() -> None:
    found = await Passages(redact)(request(), body(model="claude", prompt="secret"))
    assert found.body is not None
    assert orjson.loads(found.body) == {"model": "claude-4", "prompt": "[REDACTED]"}
    form = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nsecret\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    found = await Passages(redact)(request(path="/openai/images/edits", headers=headers), form)
    assert found.body is not None
    assert b"[REDACTED]" in found.body and b"secret" not in found.body
    assert found.headers["content-type"].endswith("form-c1")

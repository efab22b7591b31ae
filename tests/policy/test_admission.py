"""The admission stages: who may call what, and with which words they are refused."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from extproc.domain.key import Key, digest
from extproc.domain.snapshot import Rules
from extproc.errors import (
    AuthError,
    ExpiredKey,
    GatewayError,
    InvalidRequest,
    KeysUnavailable,
    ModelDenied,
    RequestTooLarge,
    UnknownKey,
)
from extproc.policy.access import allows, check_model_access
from extproc.policy.identify import Authenticate
from extproc.policy.params import GATEWAY_FIELDS, read_params
from extproc.policy.plan import order, plan_attempts
from extproc.policy.size import check_declared_size
from extproc.stores.base import StoreUnavailable
from tests.calls import call, deployment, snapshot

MASTER = "sk-master"
KNOWN = Key(digest("sk-known"), name="sk-...nown")


class OneKey:
    def __init__(self, key: Key | None = KNOWN, away: bool = False) -> None:
        self.key, self.away = key, away

    async def find(self, key_hash: str) -> Key | None:
        if self.away:
            raise StoreUnavailable
        return self.key if self.key and self.key.hash == key_hash else None


def authenticate(keys: OneKey | None = None) -> Authenticate:
    return Authenticate(OneKey() if keys is None else keys, digest(MASTER), lambda: 1000.0)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sk-known"},
        {"authorization": "bearer sk-known"},
        {"x-litellm-api-key": "Bearer sk-known", "authorization": "Bearer nonsense"},
        {"api-key": "sk-known"},
        {"x-api-key": "sk-known"},
        {"x-goog-api-key": "sk-known"},
    ],
)
async def test_key_is_found_where_clients_put_it(headers: dict[str, str]) -> None:
    assert (await authenticate()(call(key=None, headers=headers))).key == KNOWN


async def test_master_key_is_the_admin() -> None:
    key = (await authenticate()(call(headers={"authorization": f"Bearer {MASTER}"}))).key
    assert key is not None and key.is_master


async def test_hash_of_a_key_is_no_key() -> None:
    for secret in (digest(MASTER), KNOWN.hash):
        with pytest.raises(AuthError):
            await authenticate()(call(headers={"authorization": f"Bearer {secret}"}))


@pytest.mark.parametrize(
    ("headers", "error", "words"),
    [
        ({}, AuthError, "No api key passed in."),
        ({"authorization": "sk-known"}, AuthError, "Malformed API Key"),
        ({"authorization": "Bearer "}, AuthError, ""),
        ({"authorization": "Bearer pk-1234567890"}, AuthError, "Received=pk-1****7890"),
        ({"authorization": "Bearer sk-\udcff"}, UnknownKey, "sk-...sk-?"),
        ({"authorization": "Bearer \udcff"}, AuthError, ""),
        ({"authorization": "Bearer sk-unknown"}, UnknownKey, "sk-...nown, Key Hash (Token) ="),
    ],
)
async def test_bad_credentials_are_refused_in_litellms_words(
    headers: dict[str, str], error: type[GatewayError], words: str
) -> None:
    with pytest.raises(error) as refused:
        await authenticate()(call(headers=headers))
    assert words in refused.value.message and refused.value.status == 401
    assert "sk-unknown" not in refused.value.message
    assert orjson.dumps(refused.value.envelope())


async def test_a_browsers_websocket_shows_its_key_among_the_protocols() -> None:
    offers = {"sec-websocket-protocol": "realtime, openai-insecure-api-key.sk-known"}
    assert (await authenticate()(call(headers=offers))).key == KNOWN
    with pytest.raises(UnknownKey):
        await authenticate()(call(headers={**offers, "api-key": "sk-unknown"}))


async def test_own_key_header_replaces_the_others() -> None:
    rules = Rules(key_header="X-Team-Key")
    ours = call(headers={"x-team-key": "sk-known"}, snapshot=snapshot(rules=rules))
    assert (await authenticate()(ours)).key == KNOWN
    with pytest.raises(AuthError):
        await authenticate()(replace(ours, headers={"authorization": "Bearer sk-known"}))


@pytest.mark.parametrize(
    ("change", "error"),
    [({"blocked": True}, AuthError), ({"expires_at": 999.0}, ExpiredKey)],
)
async def test_blocked_and_expired_keys_are_refused(
    change: dict[str, Any], error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        await authenticate(OneKey(replace(KNOWN, **change)))(
            call(headers={"authorization": "Bearer sk-known"})
        )


async def test_unknown_key_without_database_is_503_not_401() -> None:
    with pytest.raises(KeysUnavailable) as refused:
        await authenticate(OneKey(away=True))(call(headers={"authorization": "Bearer sk-known"}))
    assert refused.value.status == 503


async def test_declared_size_is_refused_with_the_documented_body() -> None:
    rules = Rules(max_request_bytes=0, max_request_mb_shown=1e-09)
    with pytest.raises(RequestTooLarge) as refused:
        await check_declared_size(
            call(headers={"content-length": "118"}, snapshot=snapshot(rules=rules))
        )
    assert refused.value.envelope() == {
        "error": {
            "message": "Request size is too large. Request size is 0.0001125335693359375 MB. "
            "Max size is 1e-09 MB",
            "type": "bad_request_error",
            "param": "content-length",
            "code": 400,
        }
    }


def body(**more: Any) -> dict[str, Any]:
    return {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}], **more}


TIMEOUTS = {"timeout", "request_timeout", "stream_timeout"}


async def test_gateway_fields_are_taken_out_and_unknown_ones_left() -> None:
    sent = body(custom=1, user="u", **{name: {} for name in GATEWAY_FIELDS - TIMEOUTS})
    read = await read_params(call(body=sent))
    assert read.body == body(custom=1, user="u") and read.body_changed and read.asked == sent


@pytest.mark.parametrize(
    ("sent", "headers", "seconds"),
    [
        ({"timeout": 5}, {}, 5.0),
        ({"request_timeout": 7}, {}, 7.0),
        ({}, {"x-litellm-timeout": "2.5"}, 2.5),
        ({}, {}, None),
    ],
)
async def test_clients_choose_their_time_out(
    sent: dict[str, Any], headers: dict[str, str], seconds: float | None
) -> None:
    read = await read_params(call(body=body(**sent), headers=headers))
    assert read.timeout_seconds == seconds and "timeout" not in read.body


@pytest.mark.parametrize("value", [0, -1, "soon", float("nan"), float("inf"), [], {}])
async def test_senseless_time_outs_are_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="'timeout' must be a number of seconds"):
        await read_params(call(body=body(timeout=value)))


async def test_body_without_gateway_fields_is_unchanged() -> None:
    read = await read_params(call(body=body()))
    assert read.body == body() and not read.body_changed


async def test_extra_body_stands_for_what_it_holds() -> None:
    extra = {"top_k": 3, "model": "other", "tags": ["t"]}
    read = await read_params(call(body=body(extra_body=extra)))
    assert read.body == body(top_k=3) and read.body_changed and read.asked["tags"] == ["t"]
    assert (await read_params(call(body=body(extra_body=None)))).body == body()


async def test_extra_body_smuggles_no_credentials_and_must_be_an_object() -> None:
    with pytest.raises(AuthError, match="Rejected Request: api_base is not allowed"):
        await read_params(call(body=body(extra_body={"api_base": "x"})))
    with pytest.raises(InvalidRequest, match="'extra_body' must be an object"):
        await read_params(call(body=body(extra_body=[])))


async def test_credentials_that_are_allowed_are_left_out() -> None:
    allowing = snapshot(rules=Rules(allow_client_side_credentials=True))
    sent = body(api_key="k", api_base="https://x.example", aws_access_key_id="a")
    read = await read_params(call(body=sent, snapshot=allowing))
    assert read.body == body() and read.body_changed and read.asked == sent


@pytest.mark.parametrize("name", ["api_base", "api_key", "base_url", "user_config"])
async def test_clients_may_not_choose_upstream_or_credentials(name: str) -> None:
    with pytest.raises(AuthError, match=f"Rejected Request: {name} is not allowed"):
        await read_params(call(body=body(**{name: "x"})))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"messages": []}, "Missing required parameter: 'model'"),
        ({"model": 1, "messages": []}, "'model' must be a string."),
        ({"model": "gpt"}, "/chat/completions: Missing required parameter: 'messages'."),
        (body(messages="Hi"), "Invalid type for 'messages'"),
        (body(messages=[]), "at least one message"),
        (body(messages=[1]), "'messages[0]'"),
        (body(stream="yes"), "Invalid type for 'stream'"),
        (body(metadata=[]), "expected an object, but got list"),
        (body(n=True), "Invalid type for 'n'"),
        ({"model": "x" * 257, "messages": [{"role": "user"}]}, "at most 256 characters"),
        ({"model": "openai/a\nb", "messages": [{"role": "user"}]}, "printable"),
    ],
)
async def test_wrong_bodies_are_named(sent: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read_params(call(body=sent))
    assert words in refused.value.message and refused.value.status == 400


@pytest.mark.parametrize(
    ("options", "always", "sent", "asked"),
    [
        (None, None, {"include_usage": True}, False),
        ({"include_usage": True}, None, {"include_usage": True}, True),
        ({"include_usage": False, "x": 1}, None, {"include_usage": True, "x": 1}, False),
        (None, True, {"include_usage": True}, True),
        (None, False, None, False),
    ],
)
async def test_usage_of_a_stream_is_asked_for_and_hidden_again(
    options: Any, always: bool | None, sent: Any, asked: bool
) -> None:
    rules = Rules(always_include_stream_usage=always)
    request = body(stream=True, stream_options=options)
    read = await read_params(call(body=request, snapshot=snapshot(rules=rules)))
    assert read.body["stream_options"] == sent and read.usage_asked is asked


async def test_key_alias_changes_the_group_not_the_name_shown() -> None:
    read = await read_params(call(key=Key("h", aliases={"gpt": "other"}), body=body()))
    assert (read.model, read.group) == ("gpt", "other")


@pytest.mark.parametrize(
    ("models", "name", "allowed"),
    [
        ((), "gpt", True),
        (("gpt",), "gpt", True),
        (("other",), "gpt", False),
        (("openai/*",), "openai/gpt-4o", True),
        (("openai/*",), "anthropic/claude", False),
        (("*",), "gpt", True),
        (("all-proxy-models",), "gpt", True),
        (("no-default-models",), "gpt", False),
    ],
)
def test_model_lists(models: tuple[str, ...], name: str, allowed: bool) -> None:
    assert allows(Key("h", models=models), name) is allowed


async def test_denied_model_is_403() -> None:
    with pytest.raises(ModelDenied, match="'gpt' is not available for this API key"):
        await check_model_access(call(key=Key("h", models=("other",))))


async def test_unknown_model_is_named() -> None:
    with pytest.raises(InvalidRequest, match="Invalid model name passed in model=nope"):
        await plan_attempts(call(model="nope", group="nope"))


@pytest.mark.parametrize(
    ("asked", "headers", "own", "attempts"),
    [
        ({}, {}, None, 3),
        ({}, {}, 5, 6),
        ({"num_retries": 0}, {}, 5, 1),
        ({}, {"x-litellm-num-retries": "1"}, 5, 2),
        ({}, {"x-litellm-num-retries": "²"}, 5, 6),
        ({}, {"x-litellm-num-retries": "9" * 5000}, 5, 6),
        ({"num_retries": 10**9}, {}, None, 21),
    ],
)
async def test_number_of_attempts(
    asked: dict[str, Any], headers: dict[str, str], own: int | None, attempts: int
) -> None:
    planned = await plan_attempts(
        call(asked=asked, headers=headers, snapshot=snapshot(deployment(num_retries=own)))
    )
    assert planned.plan is not None and planned.plan.attempts == attempts


def test_lowest_order_goes_first_and_weights_decide_within_it() -> None:
    heavy, light = deployment("a", order=1, weight=9), deployment("b", order=1, weight=1)
    later, last = deployment("c", order=2), deployment("d")
    firsts = 0
    for seed in range(1000):
        ordered = order([last, later, light, heavy], str(seed))
        assert {d.id for d in ordered[:2]} == {"a", "b"}
        assert [d.id for d in ordered[2:]] == ["c", "d"]
        firsts += ordered[0].id == "a"
    assert 850 < firsts < 950


async def test_every_worker_makes_the_same_plan() -> None:
    many = snapshot(*(deployment(str(n)) for n in range(10)))
    plans = [(await plan_attempts(call(snapshot=many))).plan for _ in range(2)]
    assert plans[0] == plans[1]


@pytest.mark.parametrize(("models", "denied"), [(("gpt",), True), ((), False)])
async def test_a_key_with_a_model_list_opens_no_session_that_names_its_model_later(
    models: tuple[str, ...], denied: bool
) -> None:
    asked = call(
        endpoint="realtime",
        path="/v1/realtime?model=gpt&intent=transcription",
        key=Key("h", models=models),
    )
    if denied:
        with pytest.raises(ModelDenied):
            await check_model_access(asked)
    else:
        assert await check_model_access(asked) is asked


@pytest.mark.parametrize("body", [{"prompt": {"id": "p"}}, {"conversation": "c"}, {}])
async def test_a_response_needs_no_input_of_its_own(body: dict[str, Any]) -> None:
    asked = call(endpoint="responses", body={"model": "gpt", **body})
    assert (await read_params(asked)).model == "gpt"

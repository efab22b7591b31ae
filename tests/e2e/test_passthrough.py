"""Requests that pass through to a provider's own API, and to configured endpoints."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest

from tests.e2e.gateway import Gateway, free_port
from tests.e2e.origin import Origin, Said
from tests.e2e.upstream import PROVIDER_KEY

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 4},
}
EVENTS = (
    ("message_start", {"message": {**MESSAGE, "content": [], "stop_reason": None}}),
    ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
    ("content_block_stop", {"index": 0}),
    ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
    ("message_stop", {}),
)
STREAM = tuple(
    b"event: %s\ndata: %s\n\n" % (name.encode(), json.dumps({"type": name, **data}).encode())
    for name, data in EVENTS
)
ASKED = {
    "model": "claude",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}],
}
SSE = {"content-type": "text/event-stream", "request-id": "req_1", "set-cookie": "a=b"}
COST = 10 * 0.001 + 4 * 0.002


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    running = Origin().start()
    running.answers |= {
        "/v1/messages": Said((json.dumps(MESSAGE).encode(),)),
        "/v1/models": Said((b'{"data":[]}',)),
        "/v1/files": Said((b'{"id":"file_1"}',)),
        "/v1/files/file_1": Said((b"",), 204),
        "/v1/files/file_1/content": Said(
            (bytes(range(256)) * 4000,), 200, {"content-type": "image/png", "etag": "x"}
        ),
        "/answers": Said((b'{"good":true}',)),
        "/answers/below/it": Said((b'{"below":true}',)),
        "/failing": Said((b"<b>no</b>",), 500, {"content-type": "text/html"}),
        "/told": Said(
            (b"{}",), 200, {"x-litellm-response-cost": "0.25", "x-litellm-total-tokens": "77"}
        ),
    }
    yield running
    running.stop()


def config(origin: Origin, **general: Any) -> dict[str, Any]:
    endpoints = [
        {
            "path": "/custom/answers",
            "target": f"{origin.url}/answers?version=1",
            "headers": {"Authorization": "Bearer os.environ/CUSTOM_KEY", "x-team": "ours"},
            "include_subpath": True,
            "cost_per_request": 0.000000123,
            "methods": ["POST", "GET"],
            "default_query_params": {"lang": "en"},
        },
        {
            "path": "/custom/failing",
            "target": f"{origin.url}/failing",
            "cost_per_request": 1,
            "forward_headers": True,
        },
        {"path": "/custom/told", "target": f"{origin.url}/told"},
        {
            "path": "/custom/dead",
            "target": f"http://127.0.0.1:{free_port()}",
            "cost_per_request": 1,
        },
        {
            "path": "/custom/open",
            "target": f"{origin.url}/answers",
            "auth": False,
            "forward_headers": True,
        },
    ]
    row = {
        "model_name": "claude",
        "litellm_params": {
            "model": "anthropic/claude-test",
            "api_base": origin.url,
            "api_key": PROVIDER_KEY,
            "input_cost_per_token": 0.001,
            "output_cost_per_token": 0.002,
            "use_in_pass_through": True,
        },
    }
    return {
        "model_list": [row],
        "litellm_settings": {"stream_timeout": 2},
        "general_settings": {"pass_through_endpoints": endpoints, **general},
    }


@pytest.fixture(scope="module")
def passing(origin: Origin) -> Iterator[Gateway]:
    opened = config(origin, pass_through_stored_objects=True)
    running = Gateway(opened, {"CUSTOM_KEY": "custom-secret"})
    running.start()
    yield running
    running.stop()


@pytest.fixture
def key(passing: Gateway) -> str:
    return passing.new_key()


def ask(gateway: Gateway, method: str, path: str, key: str = "", **more: Any) -> httpx.Response:
    headers = {**(gateway.auth(key) if key else {}), **more.pop("headers", {})}
    return gateway.http.request(method, path, headers=headers, **more)


def test_answer_passes_as_it_is_and_is_billed_to_the_key(
    passing: Gateway, origin: Origin, key: str
) -> None:
    base = f"{passing.url}/anthropic"
    with anthropic.Anthropic(base_url=base, auth_token=key, max_retries=0) as client:
        message = client.messages.create(**ASKED)  # type: ignore[call-overload]
    assert message.model == "claude-test"
    assert message.content[0].text == "Hello"
    asked = origin.last("/v1/messages")
    assert json.loads(asked.body) == {**ASKED, "model": "claude-test"}
    assert asked.headers["x-api-key"] == PROVIDER_KEY
    assert asked.headers["anthropic-version"]
    (row,) = passing.settled_rows(key, 1)
    assert (row["call_type"], row["model_group"]) == ("pass_through_endpoint", "claude")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (10, 4)
    assert row["spend"] == pytest.approx(COST)


def test_stream_passes_byte_by_byte_and_is_billed(
    passing: Gateway, origin: Origin, key: str
) -> None:
    origin.answers["/v1/messages"] = Said((*STREAM, b": bye\n\n"), 200, SSE)
    try:
        answer = ask(passing, "POST", "/anthropic/v1/messages", key, json={**ASKED, "stream": True})
    finally:
        origin.answers["/v1/messages"] = Said((json.dumps(MESSAGE).encode(),))
    assert answer.content == b"".join((*STREAM, b": bye\n\n"))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["llm_provider-request-id"] == "req_1"
    assert "set-cookie" not in answer.headers
    (row,) = passing.settled_rows(key, 1)
    assert row["spend"] == pytest.approx(COST)
    assert row["status"] == "success"


def test_silent_stream_is_broken_off_and_its_part_is_billed(
    passing: Gateway, origin: Origin, key: str
) -> None:
    hold = threading.Event()
    origin.answers["/v1/messages"] = Said(STREAM[:3], 200, SSE, hold)
    path = "/anthropic/v1/messages"
    got = b""
    try:
        with (
            pytest.raises(httpx.RemoteProtocolError),
            passing.http.stream("POST", path, json=ASKED, headers=passing.auth(key)) as answer,
        ):
            for piece in answer.iter_raw():
                got += piece
    finally:
        hold.set()
        origin.answers["/v1/messages"] = Said((json.dumps(MESSAGE).encode(),))
    assert got == b"".join(STREAM[:3])
    (row,) = passing.settled_rows(key, 1)
    assert row["status"] == "failure"
    assert row["spend"] > 0


def test_client_credentials_and_cookies_stay_here(
    passing: Gateway, origin: Origin, key: str
) -> None:
    mine = {
        "cookie": "a=b",
        "x-api-key": "sk-ant-mine",
        "x-goog-api-key": "mine",
        "openai-organization": "org-mine",
        "x-custom": "1",
        "x-pass-x-wanted": "yes",
        "x-pass-authorization": "Bearer mine",
    }
    assert ask(passing, "GET", "/anthropic/v1/models?limit=2", key, headers=mine).status_code == 200
    asked = origin.last("/v1/models")
    assert (asked.method, asked.path) == ("GET", "/v1/models?limit=2")
    assert asked.headers["x-wanted"] == "yes"
    assert asked.headers["x-api-key"] == PROVIDER_KEY
    assert not {"cookie", "authorization", "openai-organization", "x-custom"} & set(asked.headers)
    assert key not in str(asked) and "mine" not in str(asked)
    assert not [name for name in asked.headers if name.startswith(("x-gateway", "x-envoy"))]


def test_key_may_come_in_the_query_and_does_not_leave(
    passing: Gateway, origin: Origin, key: str
) -> None:
    answer = ask(passing, "GET", f"/anthropic/v1/models?key={key}&limit=3")
    assert answer.status_code == 200
    assert origin.last("/v1/models").path == "/v1/models?limit=3"


def test_any_method_and_body_pass(passing: Gateway, origin: Origin, key: str) -> None:
    upload = {"file": ("a.bin", bytes(range(256)), "application/octet-stream")}
    assert ask(passing, "POST", "/anthropic/v1/files", key, files=upload).json() == {"id": "file_1"}
    assert bytes(range(256)) in origin.last("/v1/files").body
    assert ask(passing, "PUT", "/anthropic/v1/files", key, content=b"raw\0").status_code == 200
    assert (origin.last("/v1/files").method, origin.last("/v1/files").body) == ("PUT", b"raw\0")
    gone = ask(passing, "DELETE", "/anthropic/v1/files/file_1", key)
    assert (gone.status_code, gone.content) == (204, b"")
    assert origin.last("/v1/files/file_1").method == "DELETE"
    picture = ask(passing, "GET", "/anthropic/v1/files/file_1/content", key)
    assert picture.content == bytes(range(256)) * 4000
    assert (picture.headers["content-type"], picture.headers["etag"]) == ("image/png", "x")
    assert ask(passing, "HEAD", "/anthropic/v1/models", key).status_code == 200
    rows = passing.settled_rows(key, 5)
    assert {row["spend"] for row in rows} == {0}
    unknown = [bool(row["metadata"].get("unknown_price")) for row in rows]
    assert sum(unknown) == 0  # what is kept costs nothing, and what is asked for neither


def test_error_passes_untouched_and_is_not_asked_again(
    passing: Gateway, origin: Origin, key: str
) -> None:
    before = origin.count("/failing")
    answer = ask(
        passing,
        "POST",
        "/custom/failing",
        key,
        json={},
        headers={"x-custom": "1", "x-api-key": key},
    )
    assert (answer.status_code, answer.text) == (500, "<b>no</b>")
    assert answer.headers["content-type"] == "text/html"
    assert origin.count("/failing") == before + 1
    asked = origin.last("/failing")
    assert asked.headers["x-custom"] == "1"
    assert key not in str(asked)
    (row,) = passing.settled_rows(key, 1)
    assert (row["spend"], row["status"]) == (0, "failure")


def test_configured_endpoint_has_its_headers_query_and_price(
    passing: Gateway, origin: Origin, key: str
) -> None:
    answer = ask(
        passing,
        "POST",
        "/custom/answers?q=1",
        key,
        json={"a": 1},
        headers={"x-team": "theirs", "cookie": "a=b"},
    )
    assert answer.json() == {"good": True}
    asked = origin.last("/answers")
    assert asked.path == "/answers?q=1&lang=en"
    assert asked.headers["authorization"] == "Bearer custom-secret"
    assert asked.headers["x-team"] == "ours"
    assert "cookie" not in asked.headers
    assert asked.body == b'{"a":1}'
    below = ask(passing, "GET", "/custom/answers/below/it", key)
    assert below.json() == {"below": True}
    assert origin.last("/answers/below/it").path == "/answers/below/it?version=1&lang=en"
    rows = passing.settled_rows(key, 2)
    assert [row["spend"] for row in rows] == [pytest.approx(0.000000123)] * 2


def test_upstream_may_tell_what_the_request_cost(passing: Gateway, key: str) -> None:
    assert ask(passing, "GET", "/custom/told", key).status_code == 200
    (row,) = passing.settled_rows(key, 1)
    assert (row["spend"], row["total_tokens"]) == (0.25, 77)


def test_what_is_not_configured_is_not_there(passing: Gateway, key: str) -> None:
    assert ask(passing, "GET", "/custom/nothing", key).status_code == 404
    assert ask(passing, "GET", "/custom/told/below", key).status_code == 404
    assert ask(passing, "DELETE", "/custom/answers", key).status_code == 405
    assert ask(passing, "GET", "/mistral/v1/models", key).status_code == 404
    assert ask(passing, "GET", "/anthropic/v1/..%2fsecret", key).status_code == 400


def test_key_is_needed_and_must_be_good(passing: Gateway, origin: Origin, key: str) -> None:
    before = len(origin.asked)
    assert ask(passing, "GET", "/anthropic/v1/models").status_code == 401
    assert ask(passing, "GET", "/custom/told").status_code == 401
    assert ask(passing, "GET", "/anthropic/v1/models", "sk-unknown").status_code == 401
    passing.manage("/key/block", {"key": key})

    def refused() -> bool:
        return ask(passing, "GET", "/anthropic/v1/models", key).status_code == 401

    assert refused()
    assert len(origin.asked) == before
    assert ask(passing, "GET", "/custom/open").json() == {"good": True}


def test_keys_of_the_gateway_do_not_leave_where_headers_are_forwarded(
    passing: Gateway, origin: Origin, key: str
) -> None:
    master = passing.auth()["authorization"].removeprefix("Bearer ")
    for secret in (key, master):
        headers = {"authorization": f"Bearer {secret}", "cookie": f"a={secret}", "x-mine": "1"}
        answer = ask(passing, "POST", f"/custom/open?key={secret}&q=1", json={}, headers=headers)
        assert answer.status_code == 200
        asked = origin.last("/answers")
        assert asked.headers["x-mine"] == "1"
        assert secret not in str(asked)


def test_query_does_not_hide_the_model_that_runs(
    passing: Gateway, origin: Origin, key: str
) -> None:
    before = len(origin.asked)
    answer = ask(passing, "POST", "/anthropic/v1/messages?model=cheap", key, json=ASKED)
    assert (answer.status_code, len(origin.asked)) == (400, before)


def test_what_is_not_read_is_billed_as_unknown(passing: Gateway, key: str) -> None:
    assert ask(passing, "POST", "/anthropic/v1/models", key, json={}).status_code == 200
    (row,) = passing.settled_rows(key, 1)
    assert row["spend"] == 0
    assert row["metadata"]["unknown_price"]


def test_key_reaches_only_its_models(passing: Gateway, origin: Origin) -> None:
    limited = passing.new_key(models=["other"])
    before = len(origin.asked)
    for body in (
        json.dumps(ASKED).encode(),
        b'{"model":"other","model":"claude"}',
        b'{"requests":[{"params":{"model":"claude"}}]}',
        json.dumps(ASKED).encode("utf-16"),
    ):
        answer = ask(passing, "POST", "/anthropic/v1/messages", limited, content=body)
        assert answer.status_code in (400, 403), body
    assert len(origin.asked) == before


def test_upstream_that_is_away_is_a_clear_error(passing: Gateway, key: str) -> None:
    answer = ask(passing, "POST", "/custom/dead", key, json={})
    assert answer.status_code == 503
    assert "the upstream failed" in answer.json()["error"]["message"]
    (row,) = passing.settled_rows(key, 1)
    assert (row["spend"], row["status"]) == (0, "failure")


def test_clients_own_credentials_pass_where_the_operator_says_so(origin: Origin) -> None:
    own = config(origin, use_client_credentials_pass_through_routes=True)
    environ = {"CUSTOM_KEY": "custom-secret", "ANTHROPIC_API_BASE": origin.url}
    gateway = Gateway(own, environ)
    try:
        gateway.start()
        key = gateway.new_key()
        mine = {"x-api-key": "sk-ant-mine", "cookie": "a=b"}
        answer = ask(gateway, "POST", "/anthropic/v1/messages", json=ASKED, headers=mine)
        assert answer.status_code == 200
        asked = origin.last("/v1/messages")
        assert asked.headers["x-api-key"] == "sk-ant-mine"
        assert "cookie" not in asked.headers
        ask(gateway, "POST", "/anthropic/v1/messages", key, json=ASKED, headers=mine)
        asked = origin.last("/v1/messages")
        assert asked.headers["x-api-key"] == PROVIDER_KEY
        assert key not in str(asked) and "authorization" not in asked.headers
        assert len(gateway.settled_rows(key, 1)) == 1
        assert ask(gateway, "POST", "/anthropic/v1/messages", json=ASKED).status_code == 401
        gone = {"x-api-key": f"sk-{'x' * 22}"}
        assert ask(gateway, "GET", "/anthropic/v1/models", headers=gone).status_code == 401
        path = "/anthropic/v1/files/file_1"
        assert ask(gateway, "GET", path, key).status_code == 403
        assert ask(gateway, "DELETE", path, headers=mine).status_code == 204
        assert ask(gateway, "GET", "/custom/told").status_code == 401
        assert gateway.chat({"model": "claude", "messages": []}, "sk-ant-mine").status_code == 401
    finally:
        gateway.stop()

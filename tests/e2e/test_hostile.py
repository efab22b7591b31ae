"""Input that no honest client sends: a clear 4xx in the envelope each time, and life goes on."""

import json
from typing import Any

import httpx
import pytest

from tests.e2e.gateway import Gateway, run_id
from tests.e2e.upstream import Upstream
from tests.e2e.words import is_envelope

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = {"model": "solo", "messages": MESSAGES}


def send(gateway: Gateway, content: bytes, path: str = "/v1/chat/completions") -> httpx.Response:
    headers = {**gateway.auth(), "content-type": "application/json"}
    return gateway.http.post(path, content=content, headers=headers)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"12",
        b'{"model": "solo", "messages": [}',
        b'{"model": "solo", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
        b'{"model": "solo", "messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
        b"\x00\x01\x02",
        b"[" * 100_000,
        b'{"model": "solo", "messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"model=solo&messages=hi",
    ],
    ids=lambda content: repr(content[:40]),
)
def test_bodies_that_are_not_a_json_object(gateway: Gateway, content: bytes) -> None:
    answer = send(gateway, content)
    assert answer.status_code == 400, answer.text[:500]
    assert is_envelope(answer), answer.text[:500]
    assert answer.json()["error"]["type"] == "invalid_request_error"


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": MESSAGES}),
    ("/v1/chat/completions", {"model": 7, "messages": MESSAGES}),
    ("/v1/chat/completions", {"model": None, "messages": MESSAGES}),
    ("/v1/chat/completions", {"model": ["solo"], "messages": MESSAGES}),
    ("/v1/chat/completions", {"model": "solo"}),
    ("/v1/chat/completions", {"model": "solo", "messages": MESSAGES, "metadata": "text"}),
    ("/v1/chat/completions", {"model": "no-such-model", "messages": MESSAGES}),
    ("/v1/chat/completions", {"model": "solo" * 100_000, "messages": MESSAGES}),
    ("/v1/completions", {"model": "solo"}),
    ("/v1/embeddings", {"model": "solo"}),
]


@pytest.mark.parametrize(("path", "body"), WRONG, ids=lambda value: str(value)[:60])
def test_fields_missing_or_of_a_wrong_type(
    gateway: Gateway, path: str, body: dict[str, Any]
) -> None:
    answer = send(gateway, json.dumps(body).encode(), path)
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert is_envelope(answer), answer.text[:500]


@pytest.mark.parametrize(
    "more",
    [
        {"messages": "text"},
        {"messages": 7},
        {"messages": [None]},
        {"messages": [{"role": 1, "content": {"a": 1}}]},
        {"stream": "yes"},
        {"stream": 1},
        {"stream_options": "text", "stream": True},
        {"stream_options": ["include_usage"], "stream": True},
        {"n": 10**400},
        {"max_tokens": -(10**30)},
        {"temperature": 1e308},
        {"tools": "hammer"},
        {"tags": 5},
        {"num_retries": "many"},
        {"num_retries": 10**9},
        {"timeout": "soon"},
        {"user": {"a": 1}},
        {"guardrails": 7},
        {"cache": "please"},
    ],
    ids=lambda more: str(more)[:60],
)
def test_odd_values_never_break_the_gateway(gateway: Gateway, more: dict[str, Any]) -> None:
    """Ours to refuse, or the provider's to judge; never a 5xx."""
    answer = send(gateway, json.dumps({**CHAT, **more}).encode())
    assert answer.status_code < 500, answer.text[:500]
    if answer.status_code >= 400:
        assert is_envelope(answer), answer.text[:500]


@pytest.mark.parametrize("name", ["api_base", "api_key", "base_url"])
def test_a_client_may_not_choose_the_upstream(
    gateway: Gateway, upstream: Upstream, name: str
) -> None:
    run = run_id("R4")
    answer = gateway.chat({**CHAT, "x_demo": {"run": run}, name: "http://127.0.0.1:1"})
    assert answer.status_code == 401
    assert f"{name} is not allowed in request body" in answer.json()["error"]["message"]
    assert not upstream.seen(run)


def test_ten_thousand_headers(gateway: Gateway) -> None:
    body = json.dumps(CHAT).encode()
    many = b"".join(b"x-h%d: v\r\n" % n for n in range(10_000))
    answer = gateway.raw(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\n"
        + many
        + b"content-length: %d\r\n\r\n" % len(body)
        + body,
    )
    assert answer.startswith(b"HTTP/1.1 431"), answer[:200]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n",
    ],
)
def test_broken_http_is_refused(gateway: Gateway, data: bytes) -> None:
    assert gateway.raw(data).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "content-type", "x-litellm-tags"])
@pytest.mark.parametrize("value", [b"\xff\xfe\xfd", b"", b"a" * 20_000])
def test_odd_header_values(gateway: Gateway, name: str, value: bytes) -> None:
    headers = {k.encode(): v.encode() for k, v in gateway.auth().items()}
    headers[name.encode()] = value
    answer = gateway.http.post("/v1/chat/completions", json=CHAT, headers=headers)
    assert answer.status_code < 500, answer.text[:500]
    if answer.status_code >= 400:
        assert is_envelope(answer), answer.text[:500]


def test_more_bytes_than_allowed_without_a_declared_length(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("413")
    head = json.dumps({**CHAT, "x_demo": {"run": run}})[:-1].encode() + b', "pad": "'

    def pieces() -> Any:
        yield head
        for _ in range(36):
            yield b"x" * 1024 * 1024
        yield b'"}'

    try:
        answer = gateway.http.post("/v1/chat/completions", content=pieces(), headers=gateway.auth())
    except httpx.WriteError:  # refused and closed while we were still sending
        return
    finally:
        assert not upstream.seen(run)
    assert answer.status_code == 413
    assert is_envelope(answer), answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/assistants", 501),
        ("POST", "/team/new", 501),
    ],
)
def test_routes_that_are_not_served(gateway: Gateway, method: str, path: str, status: int) -> None:
    answer = gateway.http.request(method, path, headers=gateway.auth(), json={})
    assert answer.status_code == status, answer.text
    assert is_envelope(answer), answer.text
    if status == 501:
        assert path in answer.json()["error"]["message"]


def test_the_gateway_still_answers_after_all_this(gateway: Gateway) -> None:
    assert gateway.chat(CHAT).status_code == 200

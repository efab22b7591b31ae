"""Guardrails and the size limit through a gateway that has them switched on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.gateway import Gateway, run_id
from tests.e2e.upstream import Upstream, config
from tests.e2e.words import is_envelope

LIMIT_MB = 0.05


@pytest.fixture(scope="module")
def strict(upstream: Upstream) -> Iterator[Gateway]:
    settings = config(
        upstream,
        litellm_settings={
            "callbacks": ["hide_secrets", "banned_keywords"],
            "banned_keywords_list": ["verboten"],
        },
        general_settings={"max_request_size_mb": LIMIT_MB},
    )
    running = Gateway(settings)
    running.start()
    yield running
    running.stop()


def chat(text: Any, run: str, **more: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {"model": "solo", "messages": [message], "x_demo": {"run": run, "words": 1}, **more}


SECRETS = [
    ("API_KEY = 'sk_1234567890abcdef'", "API_KEY = '[REDACTED]'"),
    ("openai_api_key=sk-1234998222", "openai_api_key=[REDACTED]"),
]


@pytest.mark.parametrize(("text", "redacted"), SECRETS)
@pytest.mark.parametrize("parts", [False, True])
def test_secrets_are_hidden_from_the_provider(
    strict: Gateway, upstream: Upstream, text: str, redacted: str, parts: bool
) -> None:
    run = run_id("secret")
    content = [{"type": "text", "text": text}] if parts else text
    answer = strict.chat(chat(content, run))
    assert answer.status_code == 200, answer.text
    assert "hide_secrets" in answer.headers["x-litellm-applied-guardrails"]
    body = upstream.seen(run)[0]["body_head"]
    assert redacted in body
    assert text not in body


def test_secrets_are_hidden_in_prompts_and_inputs(strict: Gateway, upstream: Upstream) -> None:
    text, redacted = SECRETS[1]
    for path, field in (("/v1/completions", "prompt"), ("/v1/embeddings", "input")):
        run = run_id("secret-field")
        body = {"model": "solo", field: [text, "plain"], "x_demo": {"run": run}}
        answer = strict.http.post(path, json=body, headers=strict.auth())
        assert answer.status_code == 200, answer.text
        assert redacted in upstream.seen(run)[0]["body_head"]


def test_a_key_may_switch_it_off(strict: Gateway, upstream: Upstream) -> None:
    run, key = run_id("secret-off"), strict.new_key(permissions={"hide_secrets": False})
    strict.chat(chat(SECRETS[1][0], run), key)
    assert SECRETS[1][0] in upstream.seen(run)[0]["body_head"]


@pytest.mark.parametrize("text", ["this is verboten", "VERBOTEN!", "un-Verboten-ly"])
@pytest.mark.parametrize("stream", [False, True])
def test_banned_keywords_are_refused(
    strict: Gateway, upstream: Upstream, text: str, stream: bool
) -> None:
    run = run_id("banned")
    answer = strict.chat(chat(text, run, stream=stream))
    assert answer.status_code == 400
    assert is_envelope(answer) or "provider_specific_fields" in answer.json()["error"]
    assert "Keyword banned. Keyword=verboten" in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not upstream.seen(run)


def too_large(body: bytes) -> dict[str, Any]:
    size = len(body) / 1024**2
    message = f"Request size is too large. Request size is {size} MB. Max size is {LIMIT_MB} MB"
    error = {"message": message, "type": "bad_request_error", "param": "content-length"}
    return {"error": {**error, "code": 400}}


def test_too_large_a_request_is_refused_word_for_word(strict: Gateway, upstream: Upstream) -> None:
    run = run_id("large")
    body = json.dumps(chat("x" * 100_000, run)).encode()
    answer = strict.http.post("/v1/chat/completions", content=body, headers=strict.auth())
    assert (answer.status_code, answer.json()) == (400, too_large(body))
    assert not upstream.seen(run)


def test_a_declared_length_is_refused_before_the_body_is_sent(strict: Gateway) -> None:
    head = {"host": "h", "content-type": "application/json", "content-length": "1000000"}
    lines = [f"{name}: {value}" for name, value in {**head, **strict.auth()}.items()]
    request = ["POST /v1/chat/completions HTTP/1.1", *lines, "", ""]
    answer = strict.raw("\r\n".join(request).encode())
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == too_large(b"x" * 1_000_000)


def test_an_undeclared_length_is_measured(strict: Gateway, upstream: Upstream) -> None:
    run = run_id("undeclared")
    body = json.dumps(chat("x" * 60_000, run)).encode()
    pieces = iter([body[:1000], body[1000:]])
    answer = strict.http.post("/v1/chat/completions", content=pieces, headers=strict.auth())
    assert answer.status_code in (400, 413)
    assert is_envelope(answer), answer.text
    if answer.status_code == 400:
        assert answer.json() == too_large(body)
    assert not upstream.seen(run)

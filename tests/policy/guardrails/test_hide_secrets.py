"""Secrets are hidden from providers, with real helpers; what cannot be scanned is refused."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.errors import GuardrailFailed, GuardrailRefused
from extproc.policy.guardrails.hide_secrets import WARM, HideSecrets
from extproc.policy.pool import HelperPool
from tests.calls import call

SECRET, HIDDEN = "openai_api_key=sk-1234998222", "openai_api_key=[REDACTED]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[HelperPool]:
    pool = HelperPool()
    await pool.warm(WARM)
    yield pool
    await pool.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


def saying(text: Any, **changes: Any) -> Call:
    return call(body={"model": "gpt", "messages": [{"role": "user", "content": text}]}, **changes)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("API_KEY = 'sk_1234567890abcdef'", "API_KEY = '[REDACTED]'"),
        (SECRET, HIDDEN),
        (
            f"What is the value of my open ai key? {SECRET}",
            f"What is the value of my open ai key? {HIDDEN}",
        ),
    ],
)
async def test_secrets_are_redacted(pool: HelperPool, text: str, redacted: str) -> None:
    given = saying(text)
    checked = await HideSecrets("hide_secrets", pool).check(given)
    assert checked.body["messages"][0]["content"] == redacted
    assert given.body["messages"][0]["content"] == text
    assert checked.body_changed
    assert checked.applied_guardrails == ("hide_secrets",)


@pytest.mark.parametrize(
    ("endpoint", "body", "redacted"),
    [
        (
            "chat",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": SECRET}]}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": HIDDEN}]}]},
        ),
        ("completions", {"prompt": ["fine", SECRET]}, {"prompt": ["fine", HIDDEN]}),
        ("embeddings", {"input": SECRET}, {"input": HIDDEN}),
    ],
)
async def test_every_kind_of_request_is_redacted(
    pool: HelperPool, endpoint: Any, body: dict[str, Any], redacted: dict[str, Any]
) -> None:
    given = call(endpoint=endpoint, body=body)
    assert (await HideSecrets("h", pool).check(given)).body == redacted


@pytest.mark.parametrize("text", ["Tell me a secret, what is an API key?", "", None])
async def test_harmless_requests_are_not_written_anew(pool: HelperPool, text: Any) -> None:
    given = saying(text)
    checked = await HideSecrets("hide_secrets", pool).check(given)
    assert checked.body is given.body
    assert not checked.body_changed
    assert checked.applied_guardrails == ("hide_secrets",)


async def test_the_log_names_the_types_and_never_the_secret(
    pool: HelperPool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await HideSecrets("hide_secrets", pool).check(saying(SECRET))
    assert caplog.messages == ["Detected and redacted secrets in message: ['Secret Keyword']"]


async def test_a_key_may_switch_it_off(pool: HelperPool) -> None:
    off = Key("hash", permissions={"hide_secrets": False})
    given = saying(SECRET, key=off)
    assert await HideSecrets("hide_secrets", pool).check(given) is given
    for on in (None, Key("hash"), Key("hash", permissions={"hide_secrets": True})):
        assert (await HideSecrets("h", pool).check(saying(SECRET, key=on))).body_changed


async def test_more_text_than_the_cap_is_refused(pool: HelperPool) -> None:
    guardrail = HideSecrets("hide_secrets", pool, max_characters=len(SECRET) - 1)
    with pytest.raises(GuardrailRefused, match="too long to be checked for secrets"):
        await guardrail.check(saying(SECRET))


async def test_a_scan_past_its_deadline_is_refused_and_the_next_one_works() -> None:
    pool = HelperPool()
    try:
        with pytest.raises(GuardrailFailed, match="could not be checked for secrets") as failed:
            await HideSecrets("h", pool, deadline_seconds=0.001).check(saying(SECRET))
        assert failed.value.status == 500
        checked = await HideSecrets("h", pool, deadline_seconds=30).check(saying(SECRET))
        assert checked.body_changed
    finally:
        await pool.close()


async def test_without_helpers_the_call_is_refused() -> None:
    closed = HelperPool()
    await closed.close()
    with pytest.raises(GuardrailFailed):
        await HideSecrets("h", closed).check(saying(SECRET))

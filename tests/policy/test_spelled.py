"""Inputs in token numbers become text for whoever reads text, with a real helper."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from extproc.domain.call import Call
from extproc.domain.snapshot import GuardrailRule, Rules
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy import tokens
from extproc.policy.pool import HelperPool
from extproc.policy.spelled import SpellOut
from tests.calls import call, deployment, snapshot

HELLO, WORLD = [15339], [14957]
CUT = [11410, 236]
"""The first two of the three tokens of one emoji."""
GUARDED = Rules(guardrails=(GuardrailRule("words", "banned_keywords"),))

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spell_out() -> AsyncIterator[SpellOut]:
    pool = HelperPool()
    await pool.warm(tokens.WARM)
    yield SpellOut(pool)
    await pool.close()


def asking(value: Any, provider: str = "gemini", rules: Rules | None = None, **more: Any) -> Call:
    served = snapshot(deployment("d", provider=provider), rules=rules or Rules())
    kind = {"endpoint": "embeddings", "snapshot": served, **more}
    member = "prompt" if kind["endpoint"] == "completions" else "input"
    return call(body={"model": "gpt", member: value}, **kind)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (HELLO, "hello"),
        ([HELLO, WORLD], ["hello", "world"]),
        (["a", HELLO], ["a", "hello"]),
        ([*CUT, *HELLO], "hello"),
        ([*HELLO, *CUT], "hello"),
    ],
    ids=["one", "several", "mixed", "cut before", "cut behind"],
)
async def test_numbers_are_spelled_out(spell_out: SpellOut, sent: Any, text: Any) -> None:
    made = await spell_out(asking(sent))
    assert (made.body["input"], made.body_changed) == (text, True)


@pytest.mark.parametrize(
    "sent", ["hello", ["hello"], [], [[]], [-1], [100_256], [True], [1.5]], ids=repr
)
async def test_all_else_stays(spell_out: SpellOut, sent: Any) -> None:
    given = asking(sent)
    assert await spell_out(given) is given


@pytest.mark.parametrize("provider", ["openai", "azure", "hosted_vllm", "nebius"])
async def test_who_reads_numbers_gets_them(spell_out: SpellOut, provider: str) -> None:
    given = asking(HELLO, provider)
    assert await spell_out(given) is given


async def test_a_guardrail_reads_text(spell_out: SpellOut) -> None:
    made = await spell_out(asking(HELLO, "openai", GUARDED, endpoint="completions"))
    assert made.body["prompt"] == "hello"


async def test_what_is_no_text_is_refused(spell_out: SpellOut) -> None:
    with pytest.raises(InvalidRequest, match="are no text"):
        await spell_out(asking([*CUT, *CUT, *CUT, *CUT, *CUT]))


async def test_without_a_helper_nothing_passes_unread() -> None:
    pool = HelperPool()
    await pool.close()
    with pytest.raises(Unavailable, match="Send text"):
        await SpellOut(pool)(asking(HELLO))

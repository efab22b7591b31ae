"""Inputs in token ids become text for whoever reads text, with a real helper."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from extproc.domain.call import Call
from extproc.domain.snapshot import GuardrailRule, Rules
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy import tokens
from extproc.policy.detokenize import Detokenize
from extproc.policy.pool import HelperPool
from tests.calls import call, deployment, snapshot

HELLO, WORLD = [15339], [14957]
CUT = [11410, 236]
"""The first two of the three tokens of one emoji."""
GUARDED = Rules(guardrails=(GuardrailRule("words", "banned_keywords"),))

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def detokenize() -> AsyncIterator[Detokenize]:
    pool = HelperPool()
    await pool.warm(tokens.WARM)
    yield Detokenize(pool)
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
async def test_numbers_are_decoded_out(detokenize: Detokenize, sent: Any, text: Any) -> None:
    made = await detokenize(asking(sent))
    assert (made.body["input"], made.body_changed) == (text, True)


@pytest.mark.parametrize("sent", ["hello", ["hello"], [], [[]], [True], [1.5]], ids=repr)
async def test_all_else_stays(detokenize: Detokenize, sent: Any) -> None:
    given = asking(sent)
    assert await detokenize(given) is given


@pytest.mark.parametrize("provider", ["openai", "azure", "hosted_vllm", "nebius"])
async def test_who_takes_token_ids_gets_them(detokenize: Detokenize, provider: str) -> None:
    given = asking(HELLO, provider)
    assert await detokenize(given) is given


async def test_a_guardrail_reads_text(detokenize: Detokenize) -> None:
    made = await detokenize(asking(HELLO, "openai", GUARDED, endpoint="completions"))
    assert made.body["prompt"] == "hello"


@pytest.mark.parametrize("sent", [CUT * 5, [-1], [100_256], [*HELLO, 10**9]], ids=str)
async def test_what_is_no_text_is_refused(detokenize: Detokenize, sent: list[int]) -> None:
    with pytest.raises(InvalidRequest, match="are no text"):
        await detokenize(asking(sent))


async def test_no_guardrail_is_passed_by_an_id_of_no_token(detokenize: Detokenize) -> None:
    with pytest.raises(InvalidRequest, match="are no text"):
        await detokenize(asking([*HELLO, 100_257], "openai", GUARDED))


async def test_without_a_helper_nothing_passes_unread() -> None:
    pool = HelperPool()
    await pool.close()
    with pytest.raises(Unavailable, match="Send text"):
        await Detokenize(pool)(asking(HELLO))

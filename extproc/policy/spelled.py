"""The stage that spells out inputs sent as token numbers, where somebody wants to read text.

LangChain, for one, sends what it wants embedded as the numbers of OpenAI's tokens. Guardrails read
text, and so do the providers that have tokens of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extproc.domain.call import Call
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.pool import HelperPool, PoolUnavailable

MEMBERS: Mapping[Endpoint, str] = {"embeddings": "input", "completions": "prompt"}
"""What may be sent as numbers."""
READERS = frozenset({"openai", "azure", "hosted_vllm", "nebius"})
"""Providers that take them."""
NUMBERS = range(100_256)
"""The tokens of cl100k_base, which is the encoding of every model that is asked so."""
DEADLINE_SECONDS = 5.0

_SPELL = "extproc.policy.tokenizer:spell"


@dataclass(frozen=True, slots=True)
class SpellOut:
    """Before the guardrails."""

    pool: HelperPool

    async def __call__(self, call: Call) -> Call:
        member = MEMBERS.get(call.endpoint)
        if member is None:
            return call
        value: Any = call.body.get(member)
        if not _has_numbers(value) or not _text_is_wanted(call):
            return call
        single = _is_run(value)
        items = [value] if single else list(value)
        places = [place for place, item in enumerate(items) if _is_run(item)]
        texts = await self._spelled([items[place] for place in places])
        for place, text in zip(places, texts, strict=True):
            if text is None:
                raise InvalidRequest(
                    f"'{member}' holds token numbers that are no text in OpenAI's cl100k_base "
                    "encoding. Send the text itself.",
                    param=member,
                )
            items[place] = text
        return call.but(
            body={**call.body, member: items[0] if single else items}, body_changed=True
        )

    async def _spelled(self, runs: list[list[int]]) -> list[str | None]:
        try:
            texts: list[str | None] = await self.pool.call(
                _SPELL, runs, deadline_seconds=DEADLINE_SECONDS
            )
        except PoolUnavailable as error:
            raise Unavailable(f"Token numbers could not be read: {error}. Send text.") from None
        return texts


def _text_is_wanted(call: Call) -> bool:
    if call.snapshot.rules.guardrails:
        return True
    return any(each.provider not in READERS for each in call.snapshot.find(call.group))


def _has_numbers(value: Any) -> bool:
    return _is_run(value) or (isinstance(value, list) and any(map(_is_run, value)))


def _is_run(value: Any) -> bool:
    """Whether it is a text in numbers; numbers that stand for no token are not ours to read."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(n) is int and n in NUMBERS for n in value)
    )

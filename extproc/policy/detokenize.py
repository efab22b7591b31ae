"""The stage that turns inputs sent as token ids into text, where somebody wants to read text.

LangChain, for one, sends what it wants embedded as ids of OpenAI's tokens. Guardrails read text,
and so do the providers that have tokens of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extproc.domain.call import Call
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.pool import HelperPool, PoolUnavailable

MEMBERS: Mapping[Endpoint, str] = {"embeddings": "input", "completions": "prompt"}
"""What may be sent as token ids."""
TAKE_TOKEN_IDS = frozenset({"openai", "azure", "hosted_vllm", "nebius"})
"""Providers that take them."""
TOKEN_IDS = range(100_256)
"""Those of cl100k_base, which is the encoding of every model that is asked so."""
DEADLINE_SECONDS = 5.0

_DECODE = "extproc.policy.tokenizer:decode"


@dataclass(frozen=True, slots=True)
class Detokenize:
    """Before the guardrails."""

    pool: HelperPool

    async def __call__(self, call: Call) -> Call:
        member = MEMBERS.get(call.endpoint)
        if member is None:
            return call
        value: Any = call.body.get(member)
        if not _has_token_ids(value) or not _text_is_wanted(call):
            return call
        single = _is_token_ids(value)
        items = [value] if single else list(value)
        places = [place for place, item in enumerate(items) if _is_token_ids(item)]
        texts = await self._decoded([items[place] for place in places])
        for place, text in zip(places, texts, strict=True):
            if text is None:
                raise InvalidRequest(
                    f"'{member}' holds token ids that are no text in OpenAI's cl100k_base "
                    "encoding. Send the text itself.",
                    param=member,
                )
            items[place] = text
        return call.but(
            body={**call.body, member: items[0] if single else items}, body_changed=True
        )

    async def _decoded(self, inputs: list[list[int]]) -> list[str | None]:
        """None for what is no text, and for ids of no token: those must not reach the tokenizer."""
        known = [ids if all(n in TOKEN_IDS for n in ids) else [] for ids in inputs]
        try:
            texts: list[str | None] = await self.pool.call(
                _DECODE, known, deadline_seconds=DEADLINE_SECONDS
            )
        except PoolUnavailable as error:
            raise Unavailable(f"Token ids could not be read: {error}. Send text.") from None
        return texts


def _text_is_wanted(call: Call) -> bool:
    if call.snapshot.rules.guardrails:
        return True
    return any(each.provider not in TAKE_TOKEN_IDS for each in call.snapshot.find(call.group))


def _has_token_ids(value: Any) -> bool:
    return _is_token_ids(value) or (isinstance(value, list) and any(map(_is_token_ids, value)))


def _is_token_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(n) is int for n in value)

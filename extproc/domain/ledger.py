"""The records that every attempt leaves, and the row they become.

An attempt is *begun* before it leaves for the provider and *ended* once, whatever happened. A
begun record whose process died without an end becomes a row marked `interrupted`. A long attempt
is *noted* in between, so that such a row has what it used until then.
Times are epoch seconds, money is integer nano-USD.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, TypeAlias

from extproc.domain.usage import Usage
from extproc.domain.value import value

INCOMPLETE = "incomplete"
"""`Ended.error` of an attempt whose client left before its end."""


@value
class Begun:
    """An attempt about to leave."""

    attempt_id: str
    call_id: str
    number: int
    at: float
    key_hash: str
    call_type: str
    """LiteLLM's name of the endpoint: acompletion, atext_completion, aembedding."""
    model_group: str
    model: str
    provider: str
    deployment_id: str
    api_base: str
    prompt_tokens_estimate: int
    prompt_cost_nanousd: int | None
    """What the prompt alone would cost: billed if the process dies before the end is known."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """user, tags, key alias, requester address: what the spend row shows beside the figures."""


@value
class Ended:
    """How an attempt ended. `cost_nanousd` is None when no price is known."""

    attempt_id: str
    at: float
    status: str
    """success or failure."""
    http_status: int
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int | None = 0
    estimated: bool = False
    first_byte_at: float | None = None
    error: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """response id, model the provider named, guardrails that ran."""


@value
class Noted:
    """What an attempt has come to so far: each note replaces the one before."""

    so_far: Ended

    @property
    def attempt_id(self) -> str:
        return self.so_far.attempt_id


Record: TypeAlias = Begun | Noted | Ended


@value
class SpendRow:
    """One ledger row."""

    begun: Begun
    ended: Ended
    interrupted: bool = False


def unconfirmed(row: SpendRow) -> bool:
    """Whether the client left before the provider said a word: maybe nothing ever got there."""
    return row.ended.http_status == 0 and row.ended.error == INCOMPLETE


def interrupted(begun: Begun, noted: Noted | None = None) -> SpendRow:
    """The row of an attempt whose process died: what was noted, else its prompt, by estimate."""
    if noted is not None:
        ended = replace(noted.so_far, status="failure", error="interrupted")
        return SpendRow(begun, ended, interrupted=True)
    ended = Ended(
        attempt_id=begun.attempt_id,
        at=begun.at,
        status="failure",
        http_status=0,
        usage=Usage(input=begun.prompt_tokens_estimate),
        cost_nanousd=begun.prompt_cost_nanousd,
        estimated=True,
        error="interrupted",
    )
    return SpendRow(begun, ended, interrupted=True)

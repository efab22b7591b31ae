"""Work at a provider that goes on after its call, from its creation until it is billed."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from extproc.domain.value import value

Kind: TypeAlias = Literal["batch", "response"]
"""A response is such work where it is made in the background."""


@value
class OpenBill:
    """Times are epoch seconds."""

    id: str
    """The provider's, of the batch or the response."""
    key_hash: str
    deployment_id: str
    call_id: str
    created_at: float
    failures: int = 0
    """How often in a row it could not be looked at."""
    kind: Kind = "batch"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """user, tags, key alias: what the creating call's spend row shows."""


@value
class SeenBatch:
    """A batch as its provider just showed it."""

    job: OpenBill
    files: tuple[str, ...]
    """The provider's ids of what it reads and writes."""
    over: bool

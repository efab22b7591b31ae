"""A batch at a provider, from its creation until it is billed."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from extproc.domain.value import value


@value
class BatchJob:
    """Times are epoch seconds."""

    id: str
    """The provider's."""
    key_hash: str
    deployment_id: str
    call_id: str
    created_at: float
    failures: int = 0
    """How often in a row it could not be looked at."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """user, tags, key alias: what the creating call's spend row shows."""


@value
class SeenBatch:
    """A batch as its provider just showed it."""

    job: BatchJob
    files: tuple[str, ...]
    """The provider's ids of what it reads and writes."""
    over: bool

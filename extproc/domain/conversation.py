"""A response that is remembered, so that its key can ask for it, or go on from it, again."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from extproc.domain.value import value

Json: TypeAlias = dict[str, Any]


@value
class Remembered:
    """One response under the id that its client knows. Times are epoch seconds."""

    id: str
    owner: str
    """The hash of the key that made it."""
    deployment_id: str
    created_at: float
    expires_at: float = 0.0
    response: Json | None = None
    """What the client was answered; None where the provider itself remembers it."""
    items: Sequence[Json] = ()
    """The whole conversation: what was asked, earlier turns included, then what was answered."""
    background: bool = False
    """Whether it was made after its call, and is billed when it is over."""

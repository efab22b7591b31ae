"""One row a key: its type and its effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Key:
    """`kind` is a name of kinds.KINDS, or several joined by " or "."""

    kind: str
    effect: str = ""
    """What it does now; empty while it is only recognised."""
    members: "Table | None" = None
    """The keys of a mapping, or of each item of a list; None where any name may stand."""


Table: TypeAlias = Mapping[str, Key]


def words(text: str) -> tuple[str, ...]:
    """The names in a table's text."""
    return tuple(text.split())


def unused(kind: str, names: str) -> dict[str, Key]:
    """Rows of keys that are recognised and have no effect yet."""
    return {name: Key(kind) for name in words(names)}

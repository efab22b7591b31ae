"""What can be wrong with a config: an error that stops the start, or a warning that does not."""

from collections.abc import Iterable
from difflib import get_close_matches


class ConfigError(Exception):
    """A config that cannot be used; the message is one line: file, line, YAML path, reason."""


class LeftOut(Exception):
    """A deployment that cannot be used; the gateway starts without it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, where a known name is like it; nothing where none is."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


class Warnings:
    """Collects what the operator should know, each thing once, in the order it was found."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def add(self, line: str) -> None:
        self._lines[line] = None

    def without_effect(self, path: str) -> None:
        self.add(f"{path}: recognised, has no effect yet")

    def unknown(self, path: str, name: str, known: Iterable[str]) -> None:
        """`name` is not in any table; says which known one is nearest."""
        self.add(f"{path}: unknown, ignored{nearest(name, known)}")

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)

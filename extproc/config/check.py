"""Compares a section of the document with its table: types, unknown keys, keys without effect."""

import re
from collections.abc import Iterator
from typing import Any

from extproc.config.kinds import converted
from extproc.config.problems import ConfigError, Warnings
from extproc.config.rows import Key, Table
from extproc.config.yamlfile import Node

_INDEX = re.compile(r"\[\d+\]")


def section(node: Node, table: Table, path: str, warnings: Warnings) -> dict[str, Any]:
    """The known keys that are given, with their values converted.

    An unknown key and a reference to an unset variable earn a warning and are absent; a wrong type
    raises ConfigError. A list whose items have a table of their own is handed on as its nodes.
    """
    return _Section(warnings).values(node, table, path)


def unset(node: Node) -> Iterator[str]:
    """The variables that the node's `os.environ/NAME` references miss."""
    if node.unset:
        yield node.unset
    items = node.value.values() if isinstance(node.value, dict) else node.value
    if isinstance(node.value, (dict, list)):
        for item in items:
            yield from unset(item)


def rows(nodes: list[Node], path: str) -> Iterator[tuple[str, Node]]:
    """The items of a list that must be mappings, each with its path."""
    for index, node in enumerate(nodes):
        if not isinstance(node.value, dict):
            raise ConfigError(f"{node.where}: {path}[{index}]: expected a mapping")
        yield f"{path}[{index}]", node


class _Section:
    def __init__(self, warnings: Warnings, below_unused: bool = False) -> None:
        self._warnings = warnings
        self._below_unused = below_unused

    def values(self, node: Node, table: Table, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in node.value.items():
            below = f"{path}.{name}" if path else name
            key = table.get(name)
            if key is None:
                self._warnings.unknown(f"{item.where}: {below}", name, table)
            elif self._given(item, below, key):
                found[name] = self._value(item, key, below)
        return found

    def _given(self, item: Node, path: str, key: Key) -> bool:
        missing = unset(item) if key.members is None else filter(None, [item.unset])
        for name in missing:
            self._warnings.add(f"{item.where}: {path}: os.environ/{name} is not set")
        return item.value is not None

    def _value(self, item: Node, key: Key, path: str) -> Any:
        value = converted(item, key.kind, path)
        if not key.effect and not self._below_unused:
            self._warnings.without_effect(_INDEX.sub("[]", path))
        if key.members is None:
            return value
        if isinstance(item.value, list):
            return item.value
        inner = _Section(self._warnings, self._below_unused or not key.effect)
        return inner.values(item, key.members, path)

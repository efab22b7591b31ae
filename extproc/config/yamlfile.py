"""Reads one YAML file into nodes that remember where they stood.

Built on libyaml's event stream rather than on PyYAML's composer: the composer recurses in C and a
hostile file overflows its stack, and it neither sees duplicate keys nor bounds what aliases expand
to. Only plain YAML is read: mappings, sequences, strings, numbers, booleans, null, `<<` merges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from extproc.config.problems import ConfigError

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000
"""Counted with every alias expanded, so that a few lines cannot stand for millions."""

_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where it was written. Containers hold nodes: dict[str, Node], list[Node]."""

    value: Any
    file: str
    line: int
    text: str = ""
    """A scalar as it was written: `007` stays `007`, a price keeps its digits."""
    unset: str = ""
    """The variable of an `os.environ/NAME` that is not set; `value` is None then."""
    referenced: bool = False
    """Whether the value came from the environment: it is never shown."""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def plain(self) -> Any:
        """The value as plain Python."""
        if isinstance(self.value, dict):
            return {name: node.plain for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value


def read(path: Path) -> Node:
    """The file's one document. Raises ConfigError with one line for whatever is wrong."""
    text = _text(path)
    try:
        return _Reader(str(path), yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", "unreadable")
        raise ConfigError(f"{path}: not YAML: {reason}") from None


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: not a file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"{path}: {size} bytes; a config may have {MAX_BYTES}")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not text in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"{path}: cannot be read: {reason}") from None


class _Reader:
    """Turns one file's events into nodes."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self._file = file
        self._events = events
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self._constructor = yaml.constructor.SafeConstructor()

    def document(self) -> Node:
        event = next(self._events)
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise ConfigError(f"{self._file}: is empty")
        root = self._node(event, 0)
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise ConfigError(f"{self._at(event)}: holds more than one YAML document")
        return root

    def _at(self, event: yaml.Event) -> str:
        return f"{self._file}:{_line(event)}"

    def _count(self, size: int, event: yaml.Event) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise ConfigError(f"{self._at(event)}: more than {MAX_NODES} values")

    def _node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ConfigError(f"{self._at(event)}: nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._nodes
        self._count(1, event)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._made(self._sequence(event, depth), event)
        else:
            node = self._made(self._mapping(event, depth), event)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._nodes - before)
        return node

    def _made(self, value: Any, event: Any, text: str = "") -> Node:
        return Node(value, self._file, _line(event), text)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise ConfigError(f"{self._at(event)}: alias *{event.anchor} names nothing before it")
        node, size = self._anchors[event.anchor]
        self._count(size, event)
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        tag = event.tag
        if tag is None or tag == "!":
            tag = _implicit_tag(event)
        if tag not in _SCALARS:
            raise ConfigError(f"{self._at(event)}: the YAML tag {tag} is not supported")
        if tag == _TAG + "timestamp":
            return self._made(event.value, event, event.value)
        try:
            value = self._constructor.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, OverflowError, IndexError):
            kind = tag.removeprefix(_TAG)
            raise ConfigError(f"{self._at(event)}: not a YAML {kind}") from None
        return self._made(value, event, event.value)

    def _sequence(self, start: yaml.SequenceStartEvent, depth: int) -> list[Node]:
        self._plain_collection(start, "seq")
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, start: yaml.MappingStartEvent, depth: int) -> dict[str, Node]:
        self._plain_collection(start, "map")
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise ConfigError(f"{self._at(event)}: a key must be plain text")
            name, is_merge = event.value, event.value == "<<" and event.implicit[0]
            self._count(1, event)
            value = self._node(next(self._events), depth + 1)
            if is_merge:
                self._merge(value, merged)
            elif name in own:
                raise ConfigError(
                    f"{self._at(event)}: {name!r} is given twice, first on line {own[name].line}"
                )
            else:
                own[name] = value
        return {**merged, **own}

    def _plain_collection(self, start: Any, kind: str) -> None:
        if start.tag not in (None, "!", _TAG + kind):
            raise ConfigError(f"{self._at(start)}: the YAML tag {start.tag} is not supported")

    def _merge(self, value: Node, into: dict[str, Node]) -> None:
        """`<<: *base` or `<<: [*a, *b]`: what stands first wins."""
        for base in value.value if isinstance(value.value, list) else [value]:
            if not isinstance(base.value, dict):
                raise ConfigError(f"{base.where}: << takes a mapping")
            for name, node in base.value.items():
                into.setdefault(name, node)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _implicit_tag(event: yaml.ScalarEvent) -> str:
    resolver: Any = yaml.resolver.Resolver()
    return str(resolver.resolve(yaml.ScalarNode, event.value, event.implicit))

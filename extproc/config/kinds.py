"""The types that a key's value may have: how each is told and what it becomes.

A value from the environment is text, and PyYAML reads `1e-6` as text, so that numbers and booleans
are taken from text as well. A kind may name alternatives: "boolean or string".
"""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from extproc.config.problems import ConfigError
from extproc.config.yamlfile import Node

_WRONG = object()
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _boolean(node: Node) -> Any:
    if isinstance(node.value, bool):
        return node.value
    word = node.value.strip().lower() if isinstance(node.value, str) else ""
    return True if word in _TRUE else False if word in _FALSE else _WRONG


def _number(node: Node) -> Any:
    """An int where one was written, else a finite float."""
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
        return _WRONG
    for cast in (int, float) if not isinstance(node.value, float) else (float,):
        try:
            value = cast(node.value)
            if math.isfinite(value):
                return value
        except (ValueError, OverflowError):
            continue
    return _WRONG


def _integer(node: Node) -> Any:
    value = _number(node)
    if value is _WRONG or not float(value).is_integer():
        return _WRONG
    return int(value)


def _count(node: Node) -> Any:
    value = _integer(node)
    return value if value is not _WRONG and value >= 0 else _WRONG


def _positive(node: Node) -> Any:
    value = _integer(node)
    return value if value is not _WRONG and value > 0 else _WRONG


def _weight(node: Node) -> Any:
    value = _number(node)
    return value if value is not _WRONG and value >= 0 else _WRONG


def _seconds(node: Node) -> Any:
    value = _number(node)
    return float(value) if value is not _WRONG and value > 0 else _WRONG


def _price(node: Node) -> Any:
    """Exact: from the digits as they were written, never through a float."""
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
        return _WRONG
    try:
        price = Decimal((node.text or str(node.value)).replace("_", "").strip())
    except InvalidOperation:
        return _WRONG
    return price if price.is_finite() and 0 <= price < 1_000_000 else _WRONG


def _string(node: Node) -> Any:
    if isinstance(node.value, bool):
        return _WRONG
    if isinstance(node.value, (int, float)):
        return node.text
    return node.value if isinstance(node.value, str) else _WRONG


def _strings(node: Node) -> Any:
    if not isinstance(node.value, list):
        return _WRONG
    texts = [_string(item) for item in node.value if item.value is not None]
    return _WRONG if _WRONG in texts else texts


def _texts(node: Node) -> Any:
    """A mapping of text to text."""
    if not isinstance(node.value, dict):
        return _WRONG
    texts = {name: _text(item) for name, item in node.value.items() if item.value is not None}
    return _WRONG if _WRONG in texts.values() else texts


def _text(node: Node) -> Any:
    return node.text if isinstance(node.value, bool) else _string(node)


def _list(node: Node) -> Any:
    return node.plain if isinstance(node.value, list) else _WRONG


def _mapping(node: Node) -> Any:
    return node.plain if isinstance(node.value, dict) else _WRONG


def _any(node: Node) -> Any:
    return node.plain


KINDS: Mapping[str, Callable[[Node], Any]] = {
    "boolean": _boolean,
    "number": _number,
    "integer": _integer,
    "count": _count,
    "positive": _positive,
    "weight": _weight,
    "seconds": _seconds,
    "price": _price,
    "string": _string,
    "strings": _strings,
    "texts": _texts,
    "list": _list,
    "mapping": _mapping,
    "any": _any,
}

MEANING: Mapping[str, str] = {
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "count": "a whole number, 0 or more",
    "positive": "a whole number above 0",
    "weight": "a number, 0 or more",
    "seconds": "a number of seconds above 0",
    "price": "a price in USD, 0 or more",
    "string": "text",
    "strings": "a list of text",
    "texts": "a mapping of text to text",
    "list": "a list",
    "mapping": "a mapping",
    "any": "anything",
}
"""How a kind is called in a message and on the reference page."""


def meaning(kind: str) -> str:
    return " or ".join(MEANING[name] for name in kind.split(" or "))


def converted(node: Node, kind: str, path: str) -> Any:
    """The node's value as `kind`. Raises ConfigError; a secret is not shown in it."""
    for name in kind.split(" or "):
        value = KINDS[name](node)
        if value is not _WRONG:
            return value
    raise ConfigError(f"{node.where}: {path}: expected {meaning(kind)}, got {_shown(node)}")


def _shown(node: Node) -> str:
    if node.referenced:
        return "what the environment variable holds"
    if isinstance(node.value, (bool, int, float)):
        return node.text
    if isinstance(node.value, str):
        return f"the text {node.value!r}" if len(node.value) <= 20 else "text"
    return "a mapping" if isinstance(node.value, dict) else "a list"

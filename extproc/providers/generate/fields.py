"""Reads Google's JSON as leniently as Google does: either spelling, one for an array of one.

https://protobuf.dev/programming-guides/json/
"""

import re
from collections.abc import Iterator
from typing import Any

from extproc.domain.call import Json
from extproc.providers.chat import wrong

_SNAKE = re.compile(r"_([a-z])")


def members(value: Any, where: str) -> Json:
    """An object's members that are not null, with the names in camelCase. Raises InvalidRequest."""
    if not isinstance(value, dict):
        raise wrong(where, "an object")
    return camel({name: member for name, member in value.items() if member is not None})


def camel(value: Json) -> Json:
    """The same members, with the names in camelCase; of two spellings the last counts."""
    if not any("_" in name for name in value):
        return value
    return {_SNAKE.sub(_upper, name): member for name, member in value.items()}


def _upper(found: re.Match[str]) -> str:
    return found[1].upper()


def repeated(value: Any, where: str) -> Iterator[tuple[str, Json]]:
    """Each object of an array, as `members` gives it, and where it stands."""
    if value is None:
        return
    if isinstance(value, dict):
        yield where, members(value, where)
        return
    if not isinstance(value, list):
        raise wrong(where, "an array of objects")
    for place, item in enumerate(value):
        yield f"{where}[{place}]", members(item, f"{where}[{place}]")


def text(value: Json, name: str, where: str) -> str:
    """A member that must be a string."""
    found = value.get(name)
    if not isinstance(found, str):
        raise wrong(f"{where}.{name}", "a string")
    return found

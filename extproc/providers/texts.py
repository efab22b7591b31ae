"""The text parts of an OpenAI request body: found, and rewritten without touching the body.

Where text may stand is data (`_SHAPES`), followed through the body side by side. A rewritten body
shares every unchanged part with the old one, which is never changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is text in a value: the string itself, its items, some of its members."""

    text: bool = False
    each: "_Shape | None" = None
    fields: Mapping[str, "_Shape"] = field(default_factory=dict)


_TEXT = _Shape(text=True)
_PART = _Shape(fields={"text": _TEXT, "refusal": _TEXT})
_CONTENT = _Shape(text=True, each=_PART, fields=_PART.fields)
_DESCRIBED = _Shape(fields={"description": _TEXT})
_FUNCTION = _Shape(fields={"arguments": _TEXT})
_TOOL_CALL = _Shape(fields={"function": _FUNCTION, "custom": _Shape(fields={"input": _TEXT})})
_MESSAGE = _Shape(
    fields={
        "content": _CONTENT,
        "refusal": _TEXT,
        "function_call": _FUNCTION,
        "tool_calls": _Shape(each=_TOOL_CALL),
    }
)
_STRINGS = _Shape(text=True, each=_TEXT)
_ITEM = _Shape(
    fields={
        "content": _CONTENT,
        "summary": _CONTENT,
        "arguments": _TEXT,
        "input": _TEXT,
        "output": _CONTENT,
    }
)
_SHAPES: Mapping[str, _Shape] = {
    "chat": _Shape(
        fields={
            "messages": _Shape(each=_MESSAGE),
            "prediction": _Shape(fields={"content": _CONTENT}),
            "tools": _Shape(each=_Shape(fields={"function": _DESCRIBED, "custom": _DESCRIBED})),
            "functions": _Shape(each=_DESCRIBED),
        }
    ),
    "completions": _Shape(fields={"prompt": _STRINGS, "suffix": _TEXT}),
    "embeddings": _Shape(fields={"input": _STRINGS}),
    "responses": _Shape(fields={"instructions": _TEXT, "input": _Shape(text=True, each=_ITEM)}),
}


def texts(endpoint: str, body: Json) -> list[str]:
    """Every text part, in the order of the body. What is not shaped as the API says is skipped."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    _rewritten(body, _SHAPES[endpoint], keep)
    return found


def with_texts(endpoint: str, body: Json, new_texts: Sequence[str]) -> Json:
    """`body` with its text parts replaced, one for one as `texts` lists them.

    The same object when nothing differs. Raises ValueError when the count differs.
    """
    left: Iterator[str] = iter(new_texts)
    count = 0

    def take(text: str) -> str:
        nonlocal count
        count += 1
        return next(left, text)

    new_body: Json = _rewritten(body, _SHAPES[endpoint], take)
    if count != len(new_texts):
        raise ValueError(f"{len(new_texts)} texts for {count} text parts")
    return new_body


def _rewritten(value: Any, shape: _Shape, change: Callable[[str], str]) -> Any:
    """`value` itself, or a copy of it along the paths where `change` gave another text."""
    if isinstance(value, str):
        return change(value) if shape.text else value
    if isinstance(value, list) and shape.each is not None:
        items = [_rewritten(item, shape.each, change) for item in value]
        return items if _differs(items, value) else value
    if isinstance(value, dict) and shape.fields:
        members = {
            name: _rewritten(member, shape.fields[name], change)
            for name, member in value.items()
            if name in shape.fields
        }
        changed = any(member is not value[name] for name, member in members.items())
        return {**value, **members} if changed else value
    return value


def _differs(new: list[Any], old: list[Any]) -> bool:
    return any(a is not b for a, b in zip(new, old, strict=True))

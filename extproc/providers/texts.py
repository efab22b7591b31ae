"""The text parts of a client's request body: found, and rewritten without touching the body.

Where text may stand is data (`_SHAPES`), followed through the body side by side. A rewritten body
shares every unchanged part with the old one, which is never changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from extproc.domain.call import Json
from extproc.domain.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is text in a value: the string itself, its items, some of its members."""

    text: bool = False
    each: "_Shape | None" = None
    fields: Mapping[str, "_Shape"] = field(default_factory=dict)
    deep: bool = False
    """Every string in it is text, however deep: the arguments of a tool."""
    when: str | None = None
    """Only where its `type` is this."""


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
_DEEP = _Shape(deep=True)
_TEXT_SOURCE = _Shape(fields={"data": _TEXT, "content": _CONTENT}, when="text")
_RESULT = _Shape(text=True, each=_Shape(fields={"text": _TEXT, "source": _TEXT_SOURCE}))
_BLOCK = _Shape(
    fields={
        "text": _TEXT,
        "content": _RESULT,
        "input": _DEEP,
        "source": _TEXT_SOURCE,
        "title": _TEXT,
        "context": _TEXT,
    }
)
_MESSAGES = _Shape(
    fields={
        "system": _CONTENT,
        "messages": _Shape(
            each=_Shape(fields={"content": _Shape(text=True, each=_BLOCK, fields=_BLOCK.fields)})
        ),
        "tools": _Shape(each=_DESCRIBED),
    }
)
_GOOGLE_PART = _Shape(
    fields={
        "text": _TEXT,
        **dict.fromkeys(("functionCall", "function_call"), _Shape(fields={"args": _DEEP})),
        **dict.fromkeys(
            ("functionResponse", "function_response"), _Shape(fields={"response": _DEEP})
        ),
    }
)
_GOOGLE_CONTENT = _Shape(
    text=True, fields={"parts": _Shape(text=True, each=_GOOGLE_PART, fields=_GOOGLE_PART.fields)}
)
_DECLARATIONS = _Shape(each=_DESCRIBED)
_GENERATE = _Shape(
    fields={
        "contents": _Shape(text=True, each=_GOOGLE_CONTENT, fields=_GOOGLE_CONTENT.fields),
        **dict.fromkeys(("systemInstruction", "system_instruction"), _GOOGLE_CONTENT),
        "tools": _Shape(
            each=_Shape(
                fields=dict.fromkeys(
                    ("functionDeclarations", "function_declarations"), _DECLARATIONS
                )
            )
        ),
    }
)
_RESPONSES = _Shape(fields={"instructions": _TEXT, "input": _Shape(text=True, each=_ITEM)})
_PROMPT = _Shape(fields={"prompt": _TEXT})
_DOCUMENT = _Shape(text=True, each=_TEXT, fields={"text": _TEXT})
_SHAPES: Mapping[Endpoint, _Shape] = {
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
    "messages": _MESSAGES,
    "count_tokens": _MESSAGES,
    "generate": _GENERATE,
    "count_contents": _Shape(
        fields={
            **_GENERATE.fields,
            **dict.fromkeys(("generateContentRequest", "generate_content_request"), _GENERATE),
        }
    ),
    "responses": _RESPONSES,
    "response_tokens": _RESPONSES,
    "images": _PROMPT,
    "image_edits": _PROMPT,
    "speech": _Shape(fields={"input": _TEXT, "instructions": _TEXT}),
    "transcriptions": _PROMPT,
    "translations": _PROMPT,
    "moderations": _Shape(fields={"input": _Shape(text=True, each=_DOCUMENT)}),
    "rerank": _Shape(fields={"query": _TEXT, "documents": _Shape(each=_DOCUMENT)}),
    "realtime": _Shape(),
    "pass_through": _DEEP,
}


def texts(endpoint: Endpoint, body: Json) -> list[str]:
    """Every text part, in the order of the body. What is not shaped as the API says is skipped."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    _rewritten(body, _SHAPES[endpoint], keep)
    return found


def with_texts(endpoint: Endpoint, body: Json, new_texts: Sequence[str]) -> Json:
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
        return change(value) if shape.text or shape.deep else value
    if shape.deep:
        return _everywhere(value, change)
    if isinstance(value, list) and shape.each is not None:
        items = [_rewritten(item, shape.each, change) for item in value]
        return items if _differs(items, value) else value
    if isinstance(value, dict) and shape.fields and shape.when in (None, value.get("type")):
        members = {
            name: _rewritten(member, shape.fields[name], change)
            for name, member in value.items()
            if name in shape.fields
        }
        changed = any(member is not value[name] for name, member in members.items())
        return {**value, **members} if changed else value
    return value


def _everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """The same for every string below `value`."""
    if isinstance(value, list):
        items = [_rewritten(item, _DEEP, change) for item in value]
        return items if _differs(items, value) else value
    if isinstance(value, dict):
        members = {name: _rewritten(member, _DEEP, change) for name, member in value.items()}
        return members if any(members[name] is not value[name] for name in value) else value
    return value


def _differs(new: list[Any], old: list[Any]) -> bool:
    return any(a is not b for a, b in zip(new, old, strict=True))

"""What the simulated provider is asked and what it says, before any wire format.

The text is WORDS, round and round, and every word is exactly one token of o200k_base, so that the
tokens of an answer, or of any part of one that a client received, are known by counting words.
The prompt counts one token for each word (split at white space) of its texts.
"""

import base64
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, Literal

import orjson

from extproc.demo.orders import Orders
from extproc.demo.request import Json

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CREATED = 1_700_000_000
MODEL = "demo"
THOUGHTS = 4
"""Words of thinking, where a request asks for thinking and its orders do not say how much."""

_EXAMPLES = {"string": "one", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
_TEXTS = ("text", "content", "parts", "toolResult")
"""Members of a prompt, in any format, that hold its texts or lead to them."""

Finish = Literal["stop", "length", "call"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the request offers."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the answer calls."""

    id: str
    name: str
    arguments: Json

    @property
    def text(self) -> str:
        """Its arguments as compact JSON."""
        return orjson.dumps(self.arguments).decode()

    @property
    def tokens(self) -> int:
        """One for every four characters."""
        return -(-len(self.name + self.text) // 4)


@dataclass(frozen=True, slots=True)
class Question:
    """One request, whatever format it came in."""

    id: str
    body: Mapping[str, Any] = field(default_factory=dict)
    model: str = MODEL
    prompt_tokens: int = 0
    stream: bool = False
    limit: int | None = None
    """The most tokens of text that the client wants."""
    tools: tuple[Tool, ...] = ()
    forced: str | None = None
    """The tool that must be called; empty for any, None where none must."""
    thinking: bool = False
    """Whether the client wants to see the thinking."""
    choices: int = 1
    generates: bool = True
    """Whether the answer is words, rather than vectors, scores or a picture."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question, before it is cut into events or written as one body."""

    question: Question
    orders: Orders

    @property
    def id(self) -> str:
        return self.question.id

    @property
    def words(self) -> int:
        """How many words each choice says."""
        limit = self.question.limit
        return self.orders.words if limit is None else min(self.orders.words, max(0, limit))

    @property
    def pieces(self) -> list[str]:
        """The text, word by word; empty where the answer is calls."""
        return [] if self.calls else [word(number) for number in range(self.words)]

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def thoughts(self) -> list[str]:
        """The thinking that is shown, word by word."""
        shown = self.reasoning if self.question.thinking else 0
        return [word(number) for number in range(shown)]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The call that the request forces, or those that were ordered."""
        tools, forced = self.question.tools, self.question.forced
        if not tools:
            return ()
        if self.orders.calls:
            chosen = [tools[number % len(tools)] for number in range(self.orders.calls)]
        elif forced is not None:
            chosen = [next((tool for tool in tools if forced in ("", tool.name)), tools[0])]
        else:
            return ()
        return tuple(
            Call(f"call_{self.id}" + (f"_{number}" if number else ""), tool.name, _example(tool))
            for number, tool in enumerate(chosen)
        )

    @property
    def finish(self) -> Finish:
        if self.calls:
            return "call"
        return "length" if self.words < self.orders.words else "stop"

    @property
    def tokens(self) -> int:
        """Tokens of visible answer."""
        if not self.question.generates:
            return 0
        each = sum(call.tokens for call in self.calls) if self.calls else self.words
        return self.question.choices * each

    @property
    def reasoning(self) -> int:
        return self.orders.reasoning or (THOUGHTS if self.question.thinking else 0)

    @property
    def prompt(self) -> int:
        return self.question.prompt_tokens

    @property
    def completion(self) -> int:
        """All that is paid as output."""
        return self.tokens + self.reasoning + self.orders.audio_output

    @property
    def fresh(self) -> int:
        """The part of the prompt that was not cached."""
        return max(0, self.prompt - self.orders.cached)

    def counted(self, name: str, usage: Json) -> Json:
        """`{name: usage}` as ordered: with it, without it, or with odd values in it."""
        if self.orders.usage == "none":
            return {}
        return {name: _odd(usage) if self.orders.usage == "odd" else usage}

    def padded(self, name: str = "obfuscation") -> Json:
        """The padding that was ordered, under a name that clients of the format ignore."""
        return {name: "x" * self.orders.event_bytes} if self.orders.event_bytes else {}


def word(number: int) -> str:
    """The number-th word of an answer, with the space that parts it from the one before."""
    return (" " if number else "") + WORDS[number % len(WORDS)]


def tokens_of(value: Any) -> int:
    """One for each word of the texts in a prompt; a list of token ids counts its length."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, int):
        return 1
    if isinstance(value, dict):
        return sum(tokens_of(value[name]) for name in _TEXTS if name in value)
    return sum(map(tokens_of, value)) if isinstance(value, list) else 0


def objects(value: Any) -> list[Json]:
    """The objects of a list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inputs(value: Any) -> list[Any]:
    """One text, one list of tokens, or a list of either, as a list."""
    if isinstance(value, list) and value and not isinstance(value[0], int):
        return value
    return [value]


def vector(text: Any, size: Any = None) -> list[float]:
    """A text's embedding: the same for the same text."""
    size = size if isinstance(size, int) and 0 < size <= 4096 else 8
    digest = sha256(orjson.dumps(text)).digest()
    return [digest[i % len(digest)] / 255 - 0.5 for i in range(size)]


def packed(values: list[float]) -> str:
    """A vector as base64 of little-endian floats."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def ranked(query: Any, documents: Iterable[Any], top: Any = None) -> list[tuple[int, float]]:
    """(index, score) of each document, best first: the share of the query's words it holds."""
    wanted = set(str(query).lower().split())
    rows = []
    for index, document in enumerate(documents):
        text = document.get("text", "") if isinstance(document, dict) else document
        held = wanted & set(str(text).lower().split())
        rows.append((index, round(len(held) / max(1, len(wanted)), 4)))
    rows.sort(key=lambda row: -row[1])
    return rows[:top] if isinstance(top, int) else rows


def _example(tool: Tool) -> Json:
    """Arguments that fit the types of the tool's properties."""
    properties = tool.schema.get("properties", {})
    return {name: _EXAMPLES.get(str(p.get("type")).lower()) for name, p in properties.items()}


def _odd(usage: Json) -> Json:
    """Numbers as text, null and negative in turn; parts as a list, or a word for a number."""
    numbers, parts = count(), count()

    def bent(value: Any) -> Any:
        if isinstance(value, dict):
            first = next(parts) == 0
            return [] if first else dict.fromkeys(value, "many")
        if isinstance(value, int):
            return (str(value), None, -1)[next(numbers) % 3]
        return value

    return {name: bent(value) for name, value in usage.items()}

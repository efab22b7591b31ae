"""Whatever a provider's chat answers, every client format shows: the text, the calls, the bill.

Each reviewed chat case is driven through each bridge: the provider's bytes in, the client's out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from extproc.domain.call import Json
from extproc.providers import decoders, registry
from extproc.providers.base import Request
from extproc.providers.bridge import over
from tests.providers import cases
from tests.providers.matrix import objects, read

ASKED: Mapping[str, Json] = {
    "completions": {"model": "m", "prompt": "Hi"},
    "messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "generate": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "responses": {"model": "m", "input": "Hi"},
}


def answered() -> Iterator[Path]:
    """The chat cases whose provider answers to the end."""
    for folder in cases.found():
        case = read(folder)
        if case.endpoint == "chat" and "usage.json" in case.files and "error" not in case.answer:
            yield folder


CASES = [pytest.param(path, id="/".join(path.parts[-2:])) for path in answered()]


def bridged(endpoint: str, folder: Path) -> tuple[list[Json], Any]:
    """What a client of that format gets for the case's upstream answer, and what is billed."""
    chat, _ = cases.request_of(folder)
    bridge = replace(registry.BRIDGES[endpoint], request=lambda _: dict(chat.body))  # type: ignore[index]
    translator = over(bridge, registry.find("chat", folder.parts[-2]))
    asked: Request = replace(chat, body={**ASKED[endpoint], "stream": chat.streaming}, made=[])
    kind, raw = cases.upstream(folder)
    if kind not in cases.STREAMS:
        body = orjson.loads(raw)
        body = {"list": body} if isinstance(body, list) else body
        whole = translator.response(body, asked)
        said = translator.unstream(whole.body, asked) if chat.streaming else [whole.body]
        return said, whole.usage
    chunks, decoder = translator.chunks(asked), decoders.decoder_of(cases.STREAMS[kind])
    said = [event for frame in decoder.feed(raw) for event in _fed(chunks, frame)]
    said += [event for frame in decoder.flush() for event in _fed(chunks, frame)]
    said += [] if chunks.done else chunks.finish()
    assert chunks.done
    return said, chunks.usage


def _fed(chunks: Any, frame: Any) -> list[Json]:
    return [] if chunks.done or not frame.data else chunks.feed(frame)


def chat_text(said: list[Json], member: str = "content") -> str:
    """What the first choice of an answer, or of a stream's chunks, says in a member."""
    parts = []
    for each in said:
        for choice in each.get("choices", ()):
            part = choice.get("message") or choice.get("delta") or {}
            if choice.get("index", 0) == 0 and isinstance(part.get(member), str):
                parts.append(part[member])
    return "".join(parts)


def _messages_text(said: list[Json]) -> str:
    found = (each.get("text") for each in objects(said) if each.get("type") in TEXTS)
    return "".join(text for text in found if isinstance(text, str))


TEXTS = ("text", "text_delta", "output_text")


def _generate_text(said: list[Json]) -> str:
    first = [c for each in said for c in each.get("candidates", ()) if c.get("index", 0) == 0]
    parts = [part for c in first for part in c.get("content", {}).get("parts", ())]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def _responses_text(said: list[Json]) -> str:
    deltas = [each["delta"] for each in said if each.get("type") == "response.output_text.delta"]
    return "".join(deltas) if len(said) > 1 else _messages_text(said)


def _completions_text(said: list[Json]) -> str:
    first = [c for each in said for c in each.get("choices", ()) if c.get("index", 0) == 0]
    return "".join(choice.get("text") or "" for choice in first)


TEXT: Mapping[str, Callable[[list[Json]], str]] = {
    "completions": _completions_text,
    "messages": _messages_text,
    "generate": _generate_text,
    "responses": _responses_text,
}


def names(said: Any) -> set[str]:
    """The names of the tools that are called, in whatever format."""
    found = set()
    for each in objects(said):
        called = each.get("function") or each.get("functionCall")
        if each.get("type") in ("tool_use", "function_call"):
            called = each
        if isinstance(called, dict) and isinstance(called.get("name"), str):
            found.add(called["name"])
    return found


@pytest.mark.parametrize("endpoint", sorted(registry.BRIDGES))
@pytest.mark.parametrize("folder", CASES)
def test_every_format_shows_what_the_chat_says_and_bills_the_same(
    endpoint: str, folder: Path
) -> None:
    case = read(folder)
    said, usage = bridged(endpoint, folder)
    if refusal := chat_text(list(case.said), "refusal"):
        assert refusal in orjson.dumps(said).decode()
    else:
        assert TEXT[endpoint](said) == chat_text(list(case.said))
    assert json.loads(cases._usage(usage, "")) == case.usage or "estimated_from" in case.usage
    if endpoint != "completions":
        assert names(said) >= names(case.said)

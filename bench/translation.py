"""What translating costs, timed in this process: each format against OpenAI's, which passes.

A conversation with two tools is written for the provider, sent (as bytes), and its answer read
and written for the client: all that a worker does with a body, and nothing else.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any, NamedTuple, TypeAlias

import orjson

from bench.answers import STREAMS, WHOLE
from bench.targets import Verdict, judged
from extproc.domain.deployment import Deployment, Upstream
from extproc.providers import registry
from extproc.providers.base import Request, Translator
from extproc.providers.dialects import OPENAI
from extproc.providers.frames import Frame

PASSES = "openai"
TRANSLATED = ("anthropic", "gemini", "bedrock")
MOST_REQUEST_MICROSECONDS, MOST_EVENT_MICROSECONDS = 150.0, 60.0
ROUNDS = 2000

Work: TypeAlias = Callable[[], None]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Looks up the {name} of a place.",
            "parameters": {
                "type": "object",
                "properties": {"place": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
                "required": ["place"],
            },
        },
    }
    for name in ("weather", "population")
]
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"place": "Oslo"}'},
}
BODY: dict[str, Any] = {
    "model": "asked",
    "messages": [
        {"role": "system", "content": "You answer briefly."},
        {"role": "user", "content": "How warm is it in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius": 3}'},
        {"role": "assistant", "content": "Three degrees."},
        {"role": "user", "content": "And how many people live there?"},
    ],
    "tools": TOOLS,
    "temperature": 0.2,
    "max_tokens": 500,
}


class Cost(NamedTuple):
    """Medians in microseconds."""

    schema: str
    request: float
    event: float


def costs(rounds: int = ROUNDS) -> Sequence[Cost]:
    """OpenAI's first. They take turns: a slow moment of the machine is a slow one for each."""
    works = {schema: _works(schema) for schema in (PASSES, *TRANSLATED)}
    times: dict[str, tuple[list[int], list[int]]] = {schema: ([], []) for schema in works}
    for _ in range(rounds):
        for schema, (exchange, stream, _) in works.items():
            exchanges, streams = times[schema]
            exchanges.append(_nanoseconds(exchange))
            streams.append(_nanoseconds(stream))
    return [
        Cost(schema, median(exchanges) / 1000, median(streams) / 1000 / works[schema][2])
        for schema, (exchanges, streams) in times.items()
    ]


def verdicts(found: Sequence[Cost]) -> Iterator[Verdict]:
    """How much more than OpenAI's each costs."""
    usual, *others = found
    for cost in others:
        text = f"µs that {cost.schema} adds to a request"
        more = cost.request - usual.request
        yield judged(text, more, MOST_REQUEST_MICROSECONDS, at_least=False)
        text = f"µs that {cost.schema} adds to an event"
        yield judged(text, cost.event - usual.event, MOST_EVENT_MICROSECONDS, at_least=False)


def rows(found: Sequence[Cost]) -> list[list[str]]:
    header = ["translation", "µs/request", "µs/event"]
    return [header, *([c.schema, f"{c.request:.1f}", f"{c.event:.1f}"] for c in found)]


def _works(schema: str) -> tuple[Work, Work, int]:
    """(one exchange, one stream, how many events that has)"""
    translator = registry.find("chat", schema)
    deployment = Deployment(
        "d", "asked", schema, "a-model", Upstream("https", "provider.test", 443), schema=schema
    )
    request = Request(BODY, deployment, call_id="c", at=1.7e9)
    answer = orjson.dumps(WHOLE[schema])
    frames = [Frame(orjson.dumps(data), event) for event, data in STREAMS[schema]]
    streamed = replace(request, streaming=True)
    return (
        partial(_exchange, translator, request, answer),
        partial(_stream, translator, streamed, frames),
        len(frames),
    )


def _exchange(translator: Translator, request: Request, answer: bytes) -> None:
    orjson.dumps(translator.request(request).body)
    incoming = translator.response(orjson.loads(answer), request)
    orjson.dumps(OPENAI.stamp(incoming.body, "asked"))


def _stream(translator: Translator, request: Request, frames: Sequence[Frame]) -> None:
    chunks = translator.chunks(request)
    for frame in frames:
        for chunk in chunks.feed(frame):
            shown = OPENAI.chunk(chunk, "asked", True)
            if shown is not None:
                OPENAI.frame(shown)


def _nanoseconds(work: Work) -> int:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began

"""What translating costs, timed in this process: each format against OpenAI's, which passes.

A conversation with two tools is written for the provider, sent (as bytes), and its answer read
and written for the client: all that a worker does with a body, and nothing else.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

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
    """OpenAI's first."""
    return [_cost(schema, rounds) for schema in (PASSES, *TRANSLATED)]


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


def _cost(schema: str, rounds: int) -> Cost:
    translator = registry.find("chat", schema)
    deployment = Deployment(
        "d", "asked", schema, "a-model", Upstream("https", "provider.test", 443), schema=schema
    )
    request = Request(BODY, deployment, call_id="c", at=1.7e9)
    answer = orjson.dumps(WHOLE[schema])
    frames = [Frame(orjson.dumps(data), event) for event, data in STREAMS[schema]]
    streamed = replace(request, streaming=True)
    return Cost(
        schema,
        _median_microseconds(lambda: _exchange(translator, request, answer), rounds),
        _median_microseconds(lambda: _stream(translator, streamed, frames), rounds) / len(frames),
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


def _median_microseconds(work: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - began)
    return median(times) / 1000

"""What a request tells the simulated provider to do, besides answering.

Three ways to say the same words, so that a person, a config file and a test can each use one:

    curl -H 'x-demo-status: 429' …                 a header per word
    api_base: http://127.0.0.1:9000/status=429/v1  a path segment per word
    {"model": …, "x_demo": {"status": 429}}        a field of the body, one object or a list

A list is read from the front: the first entry that applies is obeyed, so that
`[{"at": "a", "status": 500}, {"words": 3}]` fails on deployments whose path holds the segment `a`
and answers three words elsewhere, and `[{"run": "k", "first": 2, "cut_at": 1}]` cuts only the
first two requests of run `k`. The body's list comes first, then the headers, then the path.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

HEADER_PREFIX = "x-demo-"
BODY_FIELD = "x_demo"

Place = Literal["headers"] | int
"""`headers`: before the first byte of the answer; n: after n events (0: after the headers).

The halves of a JSON body count as its two events.
"""


class BadOrders(Exception):
    """Words the provider does not know, or values of the wrong type."""


class Orders(BaseModel):
    """One entry. All seconds are floats; the defaults are a provider that behaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = Field(default="", description="Only where the path holds this segment.")
    run: str = Field(default="", description="Names the requests that `first` counts.")
    first: int = Field(default=0, description="Only on the first N requests of the run.")

    status: int = Field(default=200, description="Fail with this status.")
    headers: dict[str, str] = Field(default={}, description="More headers of the answer.")
    body: str | None = Field(default=None, description="Exactly this body, JSON or not.")

    words: int = Field(default=12, ge=0, description="How many words to answer.")
    calls: int = Field(default=0, ge=0, description="Call this many of the tools offered.")
    delay: float = Field(default=0.0, ge=0, description="Seconds before each event.")
    event_bytes: int = Field(default=0, ge=0, description="Padding in each event or JSON answer.")
    usage: Literal["full", "none", "odd"] = Field(
        default="full", description="odd: numbers as strings, nulls, negative parts."
    )
    cached: int = Field(default=0, description="Cached part of the prompt's tokens.")
    reasoning: int = Field(default=0, description="Tokens of reasoning on top of the words.")
    audio_input: int = Field(default=0, description="Audio part of the prompt's tokens.")
    audio_output: int = Field(default=0, description="Tokens of audio on top of the words.")

    stall_at: Place | None = Field(default=None, description="Where to fall silent.")
    stall: float = Field(default=0.0, ge=0, description="For how many seconds.")
    cut_at: Place | None = Field(default=None, description="Where to break the connection.")
    cut_how: Literal["fin", "rst"] = Field(default="fin", description="Close it, or reset it.")
    error_at: int | None = Field(default=None, description="An error event after n events.")
    no_done: bool = Field(
        default=False,
        description="A clean end without what ends the format's answers: [DONE], message_stop.",
    )

    gzip: Literal["", "whole", "streamed"] = Field(default="", description="Compress.")
    split: int = Field(default=0, ge=0, description="Write N bytes at a time.")
    crlf: bool = Field(default=False, description="CRLF line ends in the stream.")
    comments: bool = Field(default=False, description="A `: ping` before each event.")
    no_last_newline: bool = Field(default=False, description="End right after the last data.")
    content_length: int | None = Field(
        default=None, description="Declare the true length plus this, then close."
    )
    json_answer: bool = Field(default=False, description="JSON although a stream was asked.")


def read_orders(
    segments: list[str], headers: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[Orders]:
    """Every entry a request carries, in the order they are tried. Raises BadOrders."""
    given = body.get(BODY_FIELD) or []
    entries: list[Any] = list(given) if isinstance(given, list) else [given]
    entries.append(
        {
            name.removeprefix(HEADER_PREFIX).replace("-", "_"): value
            for name, value in headers.items()
            if name.startswith(HEADER_PREFIX)
        }
    )
    entries.append(dict(segment.split("=", 1) for segment in segments if "=" in segment))
    for entry in filter(None, entries):
        try:
            yield Orders.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadOrders(f"{BODY_FIELD}: {where}: {first['msg']}") from None

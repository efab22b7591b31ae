"""How the events of a stream are written: SSE, JSON lines, or AWS event-stream messages."""

from collections.abc import Callable
from dataclasses import dataclass
from struct import pack
from zlib import crc32

from extproc.demo.orders import Orders

RAW = "PayloadPart"
"""The AWS event whose data is bytes, not JSON."""
_STRING = 7
"""The type of a header's value in an AWS message."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    data: bytes
    tokens: int = 0
    """How many tokens of answer it carries."""
    name: str = ""
    """The event's name, where the format names events."""
    ends: bool = False
    """Whether it tells the client that the answer is complete."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A way to write events."""

    media: str
    write: Callable[[Event, Orders], bytes]


def _sse(event: Event, orders: Orders) -> bytes:
    eol = b"\r\n" if orders.crlf else b"\n"
    before = b": ping" + eol + eol if orders.comments else b""
    name = b"event: " + event.name.encode() + eol if event.name else b""
    return before + name + b"data: " + event.data + eol + eol


def _line(event: Event, orders: Orders) -> bytes:
    return event.data + (b"\r\n" if orders.crlf else b"\n")


def aws_message(event: Event, _: Orders) -> bytes:
    """The event with its lengths, headers and checksums.

    https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html
    """
    failed = event.name.endswith("Exception")
    kind = "exception" if failed else "event"
    media = "application/octet-stream" if event.name == RAW else "application/json"
    headers = _headers({f":{kind}-type": event.name, ":content-type": media, ":message-type": kind})
    prelude = pack(">II", 16 + len(headers) + len(event.data), len(headers))
    message = prelude + pack(">I", crc32(prelude)) + headers + event.data
    return message + pack(">I", crc32(message))


def _headers(values: dict[str, str]) -> bytes:
    return b"".join(
        pack(">B", len(name)) + name.encode() + pack(">BH", _STRING, len(value)) + value.encode()
        for name, value in values.items()
    )


SSE = Framing("text/event-stream", _sse)
LINES = Framing("application/x-ndjson", _line)
AWS = Framing("application/vnd.amazon.eventstream", aws_message)
JSON_ARRAY = Framing("application/json", lambda event, _: event.data)
"""The events are written as the pieces of one JSON list."""

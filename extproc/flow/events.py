"""What can happen to an attempt. The wire makes these; the flow consumes them.

`at` is epoch seconds: the flow itself never reads a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base class."""

    at: float


@dataclass(frozen=True, slots=True)
class RequestHeaders(Event):
    """Names in lower case, pseudo-headers included; `end` when no body follows."""

    headers: Mapping[str, str]
    end: bool = False


@dataclass(frozen=True, slots=True)
class RequestBody(Event):
    """The whole body: the filter buffers it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ResponseHeaders(Event):
    status: int
    headers: Mapping[str, str]
    end: bool = False


@dataclass(frozen=True, slots=True)
class ResponseBody(Event):
    """One piece of the answer, split wherever the network split it."""

    data: bytes
    end: bool


@dataclass(frozen=True, slots=True)
class ResponseTrailers(Event):
    """The answer's end, where it comes with trailers."""


@dataclass(frozen=True, slots=True)
class Stalled(Event):
    """Nothing came from the provider for as long as the last Watch allowed."""


@dataclass(frozen=True, slots=True)
class StreamClosed(Event):
    """Always the last event, whatever ended the stream."""

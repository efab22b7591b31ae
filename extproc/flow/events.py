"""What can happen to an attempt. The wire makes these; the flow consumes them.

`at` is epoch seconds: the flow itself never reads a clock.
"""

from collections.abc import Mapping

from extproc.domain.value import value


@value
class Event:
    """Base class."""

    at: float


@value
class RequestHeaders(Event):
    """Names in lower case, pseudo-headers included; `end` when no body follows."""

    headers: Mapping[str, str]
    end: bool = False


@value
class RequestBody(Event):
    """The whole body: the filter buffers it."""

    data: bytes


@value
class ResponseHeaders(Event):
    status: int
    headers: Mapping[str, str]
    end: bool = False


@value
class ResponseBody(Event):
    """One piece of the answer, split wherever the network split it."""

    data: bytes
    end: bool


@value
class ResponseTrailers(Event):
    """The answer's end, where it comes with trailers."""


@value
class Stalled(Event):
    """Nothing came from the provider for as long as the last Watch allowed."""


@value
class StreamClosed(Event):
    """Always the last event, whatever ended the stream."""

"""Which decoder takes an answer apart, by its content type."""

from collections.abc import Callable, Mapping

from extproc.providers.eventstream import EventStreamDecoder
from extproc.providers.frames import Decoder, LineDecoder
from extproc.providers.sse import SSEDecoder

DECODERS: Mapping[str, Callable[[], Decoder]] = {
    "text/event-stream": SSEDecoder,
    "application/x-ndjson": LineDecoder,
    "application/ndjson": LineDecoder,
    "application/vnd.amazon.eventstream": EventStreamDecoder,
}


def is_stream(content_type: str) -> bool:
    return _kind(content_type) in DECODERS


def decoder_of(content_type: str) -> Decoder:
    """A new decoder for a stream of this content type."""
    return DECODERS[_kind(content_type)]()


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()

"""A piece of a streamed answer, whatever wire format delimits it."""

from typing import Protocol

from extproc.domain.value import value

MAX_FRAME_BYTES = 16 * 1024 * 1024


class BadFrame(Exception):
    """The stream cannot be taken apart any further: too large a frame, or a broken one."""


@value
class Frame:
    """`data` of one event, message or line; or a comment's text when there is no data."""

    data: bytes
    event: str = ""
    """What the wire format calls it: an SSE event's name, an AWS event's type."""
    comment: bytes = b""


class Decoder(Protocol):
    """Takes a stream apart. Pieces may be split anywhere."""

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that this piece completes. Raises BadFrame."""
        ...

    def flush(self) -> list[Frame]:
        """What is left when the stream ends. Raises BadFrame."""
        ...


class LineDecoder:
    """Newline-delimited JSON: each line that is not blank is a frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, piece: bytes) -> list[Frame]:
        self._buffer += piece
        end = self._buffer.rfind(b"\n", self._searched) + 1
        whole = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._searched = len(self._buffer)
        if self._searched > MAX_FRAME_BYTES:
            raise BadFrame("a line of the stream is too large")
        return [Frame(line.strip()) for line in whole.split(b"\n") if line.strip()]

    def flush(self) -> list[Frame]:
        return self.feed(b"\n") if self._buffer else []

"""Server-sent events, one piece of bytes at a time, by the WHATWG rules.

Pieces may be split anywhere: inside a UTF-8 character, between CR and LF, between two newlines.
Lines end in LF, CRLF or CR. Comments are kept, because they are keep-alives that must pass.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from extproc.providers.frames import MAX_FRAME_BYTES, BadFrame, Frame


class SSEDecoder:
    """Feed it pieces; it returns each event once it is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._carriage_return = False
        self._searched = 0
        self._started = False

    def feed(self, piece: bytes) -> list[Frame]:
        if self._carriage_return:
            piece, self._carriage_return = b"\r" + piece, False
        if b"\r" in piece:
            if piece.endswith(b"\r"):
                piece, self._carriage_return = piece[:-1], True
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._buffer += piece
        if not self._started and len(self._buffer) >= 3:
            self._started = True
            if self._buffer.startswith(b"\xef\xbb\xbf"):
                del self._buffer[:3]
        return self._complete_events()

    def flush(self) -> list[Frame]:
        """What is left when the stream ends, even without its last newline."""
        self._buffer += b"\n\n"
        self._carriage_return = False
        return self._complete_events()

    def _complete_events(self) -> list[Frame]:
        events = []
        start = 0
        while (end := self._buffer.find(b"\n\n", max(start, self._searched - 1))) >= 0:
            event = _parse(bytes(self._buffer[start:end]))
            if event is not None:
                events.append(event)
            start = end + 2
        if start:
            del self._buffer[:start]
        self._searched = len(self._buffer)
        if self._searched > MAX_FRAME_BYTES:
            raise BadFrame("an event of the stream is too large")
        return events


def _parse(block: bytes) -> Frame | None:
    """None for an event without data: by the rules it is not dispatched."""
    if block.startswith(b"data:") and b"\n" not in block:
        data = block[5:].removeprefix(b" ")
        return Frame(data) if data else None
    lines: list[bytes] = []
    comments: list[bytes] = []
    name = ""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
        elif not field and line:
            comments.append(value)
    data = b"\n".join(lines)
    if not data and not comments:
        return None
    return Frame(data, name, b"\n".join(comments))


def encode(data: bytes) -> bytes:
    """One event whose data is one line (JSON never holds a raw newline)."""
    return b"data: " + data + b"\n\n"


def encode_comment(text: bytes) -> bytes:
    return b"".join(b": " + line + b"\n" for line in text.split(b"\n")) + b"\n"

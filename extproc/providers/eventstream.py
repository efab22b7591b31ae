"""AWS event-stream messages, one piece of bytes at a time; both checksums are verified.

    total length 4 │ headers length 4 │ CRC of these 4 │ headers │ payload │ CRC of it all 4

The frame's event is the `:event-type`; for what went wrong it is `exception:{:exception-type}`,
with the exception's JSON as data, or `error:{:error-code}`, with `{"message": …}`. botocore has a
parser too; this one bounds a message, copies each byte once and reports whatever is wrong with it
as BadFrame.
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from collections.abc import Mapping
from struct import Struct, error
from zlib import crc32

import orjson

from extproc.providers.frames import MAX_FRAME_BYTES, BadFrame, Frame

_PRELUDE = Struct("!III")
_CRC = Struct("!I")
_LENGTH = Struct("!H")
_OVERHEAD = _PRELUDE.size + _CRC.size
_STRING, _BYTES = 7, 6
_SIZES: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: the booleans, integers, timestamp and uuid."""


class EventStreamDecoder:
    """Feed it pieces; it returns each message once it is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[Frame]:
        self._buffer += piece
        frames = []
        start = 0
        while (length := _length(self._buffer, start)) and start + length <= len(self._buffer):
            frames.append(_message(bytes(self._buffer[start : start + length])))
            start += length
        if start:
            del self._buffer[:start]
        return frames

    def flush(self) -> list[Frame]:
        """A message that was cut short is none."""
        return []


def _length(buffer: bytearray, start: int) -> int:
    """How long the message at `start` is in all; 0 while its prelude is not there."""
    if len(buffer) - start < _PRELUDE.size:
        return 0
    total, headers, checksum = _PRELUDE.unpack_from(buffer, start)
    if crc32(buffer[start : start + 8]) != checksum:
        raise BadFrame("a message of the event stream has a wrong prelude")
    if total > MAX_FRAME_BYTES:
        raise BadFrame("a message of the event stream is too large")
    if total < headers + _OVERHEAD:
        raise BadFrame("a message of the event stream is shorter than its headers")
    return int(total)


def _message(message: bytes) -> Frame:
    end = len(message) - _CRC.size
    if _CRC.unpack_from(message, end)[0] != crc32(message[:end]):
        raise BadFrame("a message of the event stream has a wrong checksum")
    start = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
    try:
        headers = _headers(message[_PRELUDE.size : start])
    except (error, IndexError, KeyError, UnicodeDecodeError):
        raise BadFrame("a message of the event stream has unreadable headers") from None
    payload = message[start:end]
    kind = headers.get(":message-type")
    if kind == "exception":
        return Frame(payload or b"{}", f"exception:{headers.get(':exception-type', '')}")
    if kind == "error":
        text = headers.get(":error-message", "")
        return Frame(orjson.dumps({"message": text}), f"error:{headers.get(':error-code', '')}")
    return Frame(payload, headers.get(":event-type", ""))


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are strings; those of other types are stepped over."""
    headers: dict[str, str] = {}
    place = 0
    while place < len(data):
        value = place + 1 + data[place] + 1
        name, kind = data[place + 1 : value - 1].decode(), data[value - 1]
        if kind not in (_STRING, _BYTES):
            place = value + _SIZES[kind]
            continue
        value, length = value + 2, _LENGTH.unpack_from(data, value)[0]
        place = value + length
        if kind == _STRING:
            headers[name] = data[value:place].decode()
    if place > len(data):
        raise IndexError("the last header's value is cut")
    return headers

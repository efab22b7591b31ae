"""Reads what a WebSocket server says from the bytes that pass by, and changes none of them."""

from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed


class Messages:
    """One connection's text messages, as far as they are short enough to be kept.

    Binary messages and long ones are skipped. What is no WebSocket ends the reading.
    """

    def __init__(self, longest: int) -> None:
        """`longest` is in characters."""
        self.closing = False
        """Whether the server has said that it says no more."""
        self.broken = False
        """Whether nothing more can be read."""
        self._frames = FrameProtocol(client=True, extensions=[])
        self._longest = longest
        self._parts: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[str]:
        """The messages that `data` completes."""
        complete: list[str] = []
        if self.closing or self.broken:
            return complete
        self._frames.receive_bytes(data)
        try:
            for frame in self._frames.received_frames():
                if isinstance(frame.payload, str):
                    self._take(frame.payload, frame.message_finished, complete)
                self.closing = self.closing or frame.opcode is Opcode.CLOSE
        except ParseFailed:
            self.broken = True
            self._parts.clear()
        return complete

    def _take(self, part: str, last: bool, complete: list[str]) -> None:
        self._size += len(part)
        if self._size <= self._longest:
            self._parts.append(part)
        if last and self._size <= self._longest:
            complete.append("".join(self._parts))
        if last or self._size > self._longest:
            self._parts.clear()
        if last:
            self._size = 0

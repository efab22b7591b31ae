"""A model's thoughts in chat's words: their text, and a stream's signed blocks put together."""

from extproc.domain.call import Json
from extproc.providers.answers import text


class Blocks:
    """Thinking blocks of a stream, put together: a signature ends its block."""

    def __init__(self) -> None:
        self.whole: list[Json] = []
        self._open = False

    def add(self, piece: Json) -> None:
        if piece.get("type") != "thinking":
            self.whole.append(piece)
            self._open = False
            return
        if not self._open:
            self.whole.append({"type": "thinking", "thinking": "", "signature": ""})
            self._open = True
        block = self.whole[-1]
        block["thinking"] += text(piece.get("thinking"))
        if signature := text(piece.get("signature")):
            block["signature"] = signature
            self._open = False


def spoken(part: Json) -> str:
    """The thoughts of a chat message or delta as text."""
    return text(part.get("reasoning_content")) or text(part.get("reasoning"))

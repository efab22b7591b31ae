"""A reasoning item's `encrypted_content` as we write it: chat's signed thinking blocks, whole.

A provider wants its own blocks back, signatures and all; the client carries them without reading.
They are encoded, not encrypted: they hold nothing that the client may not see.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers.answers import objects, text

PREFIX = "thinking.v1."
PARAGRAPH = "\n\n"


def sealed(blocks: list[Json]) -> str | None:
    """The blocks in one string; None where there is nothing that must come back."""
    if not any(block.get("signature") or block.get("data") for block in blocks):
        return None
    return PREFIX + urlsafe_b64encode(orjson.dumps(blocks)).rstrip(b"=").decode()


def opened(encrypted: Any) -> list[Json]:
    """The blocks that `sealed` put away; none for another gateway's or a provider's content."""
    data = text(encrypted).removeprefix(PREFIX)
    if data == encrypted or not data.isascii():
        return []
    try:
        return objects(orjson.loads(urlsafe_b64decode(data + "=" * (-len(data) % 4))))
    except (NotBase64, ValueError):
        return []


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

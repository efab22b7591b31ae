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

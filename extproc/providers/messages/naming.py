"""Ids and names that one side would refuse, written so that both take them and none is lost.

Anthropic's tool ids are `^[a-zA-Z0-9_-]+$`: any other id is shown to the client in base64url,
behind a mark. OpenAI's function names have at most 64 characters where Anthropic allows 128
(and MCP tools need them): a longer one is cut and ends in its hash.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat

SHOWN_ID = re.compile(r"[a-zA-Z0-9_-]+")
MARK = "toolu_b64_"
MAX_NAME = 64


def shown_id(call_id: str) -> str:
    """A tool call's id as the client sees it."""
    if SHOWN_ID.fullmatch(call_id) and not call_id.startswith(MARK):
        return call_id
    encoded = urlsafe_b64encode(call_id.encode("utf-8", "surrogatepass"))
    return MARK + encoded.decode().rstrip("=")


def upstream_id(shown: str, *, signed: bool) -> str:
    """The provider's own id again; `signed` keeps a thought signature, which only Gemini reads."""
    call_id = shown
    if shown.startswith(MARK):
        encoded = shown.removeprefix(MARK)
        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            call_id = raw.decode("utf-8", "surrogatepass")
        except (NotBase64, ValueError):
            return shown
        if not call_id or shown_id(call_id) != shown:
            return shown
    return call_id if signed else call_id.partition(chat.SIGNED_ID)[0] or call_id


def upstream_name(name: str) -> str:
    """A tool's name as every provider takes it."""
    if len(name) <= MAX_NAME:
        return name
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: MAX_NAME - 9]}_{digest}"


def shown_names(body: Json) -> dict[str, str]:
    """The client's names of those of its tools that were sent under another."""
    tools: Any = body.get("tools")
    names = [tool.get("name") for tool in tools or () if isinstance(tool, dict)]
    return {upstream_name(n): n for n in names if isinstance(n, str) and len(n) > MAX_NAME}

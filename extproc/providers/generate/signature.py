"""What a provider must have back of its thoughts, inside Google's opaque `thoughtSignature`.

Google's own signatures, which are base64, stay as they are. Anything else travels as base64 of
    {"thought_signature": …, "thinking_blocks": […], "reasoning_content": …}
each member being one that the chat format knows. Clients send signatures back unread.
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from base64 import b64encode
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers.generate.blob import decoded, standard

_KINDS = {"thought_signature": str, "thinking_blocks": list, "reasoning_content": str}


def packed(state: Json) -> str | None:
    """The signature of what is in `state`; None for nothing."""
    state = {name: value for name, value in state.items() if value}
    own = state.get("thought_signature")
    if not state or (len(state) == 1 and isinstance(own, str) and standard(own) == own):
        return own
    return b64encode(orjson.dumps(state)).decode()


def unpacked(signature: Any) -> Json:
    """The state that a signature stands for; a foreign one is the `thought_signature`."""
    if not isinstance(signature, str) or not signature:
        return {}
    try:
        state = orjson.loads(decoded(signature) or b"")
    except orjson.JSONDecodeError:
        state = None
    if not isinstance(state, dict):
        return {"thought_signature": standard(signature) or signature}
    return {
        name: value
        for name, value in state.items()
        if name in _KINDS and isinstance(value, _KINDS[name]) and _objects(value)
    }


def _objects(value: Any) -> bool:
    return not isinstance(value, list) or all(isinstance(item, dict) for item in value)

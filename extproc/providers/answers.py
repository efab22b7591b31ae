"""A provider's answer, read with tolerance: what is not of the expected type counts as missing."""

from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.providers import lenient
from extproc.providers.failures import unusable_answer
from extproc.providers.frames import Frame

MOST = 2**31
"""A larger number is no count of tokens."""


def record(value: Any) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """The objects of an array; a single object is an array of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def content_text(content: Any) -> str:
    """A chat message's or delta's content; parts, which some providers send, are put together."""
    return text(content) or "".join(text(part.get("text")) for part in objects(content))


def count(value: Any) -> int | None:
    """A whole number of things; Cohere writes them as 37.0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return None
    return int(value)


def named(table: Mapping[str, str], value: Any, otherwise: str) -> str:
    """What the provider's word means in ours."""
    return table.get(value, otherwise) if isinstance(value, str) else otherwise


def arguments(value: Any) -> str:
    """A tool call's arguments as the JSON text that they are in OpenAI's format."""
    if isinstance(value, str):
        return value or "{}"
    try:
        return orjson.dumps(value).decode() if isinstance(value, dict) else "{}"
    except orjson.JSONEncodeError:  # nested too deeply
        return "{}"


def event(frame: Frame, deployment: Deployment) -> Json:
    """The object that one frame of a stream holds. Raises ProviderError."""
    try:
        found = lenient.loads(frame.data)
    except orjson.JSONDecodeError:
        raise unusable_answer("an event of the stream is not JSON", deployment) from None
    if not isinstance(found, dict):
        raise unusable_answer("an event of the stream is not an object", deployment)
    return found

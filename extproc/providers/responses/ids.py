"""Ids of responses that carry the deployment they came from.

    resp_ base64url( checksum (4 bytes) | deployment id | 0 | provider's id )

Whoever asks for a response again, by id or as `previous_response_id`, is so sent to the deployment
that remembers it. The checksum tells our ids from a provider's and from mistyped ones; it protects
nothing, that a response belongs to its key is checked where it is looked up.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Any
from zlib import crc32

from extproc.domain.call import Json

PREFIX = "resp_"
_CHECKSUM_BYTES = 4


def encode(deployment_id: str, response_id: str, prefix: str = PREFIX) -> str:
    """The id that clients see."""
    known = f"{deployment_id}\0{response_id}".encode("utf-8", "surrogatepass")
    sealed = crc32(known).to_bytes(_CHECKSUM_BYTES) + known
    return prefix + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode(given: str, prefix: str = PREFIX) -> tuple[str, str] | None:
    """(deployment id, provider's id) of an id that `encode` wrote; None for any other text."""
    text = given.removeprefix(prefix)
    if text == given or not text.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        known = sealed[_CHECKSUM_BYTES:].decode("utf-8", "surrogatepass")
    except (NotBase64, ValueError):
        return None
    deployment_id, separator, response_id = known.partition("\0")
    if not separator or encode(deployment_id, response_id, prefix) != given:
        return None
    return deployment_id, response_id


def stamped(response: Json, deployment_id: str) -> Json:
    """A provider's Response with ids that carry its deployment."""
    shown = {
        name: encode(deployment_id, response[name])
        for name in ("id", "previous_response_id")
        if isinstance(response.get(name), str)
    }
    return {**response, **shown} if shown else response


def stamped_event(event: Json, deployment_id: str) -> Json:
    """The same for an event of a stream, where it holds a Response."""
    response = event.get("response")
    if not isinstance(response, dict):
        return event
    return {**event, "response": stamped(response, deployment_id)}


def unstamped(body: Json) -> Json:
    """A request with the provider's own `previous_response_id`; an id that is not ours stays."""
    previous: Any = body.get("previous_response_id")
    known = decode(previous) if isinstance(previous, str) else None
    return {**body, "previous_response_id": known[1]} if known else body

"""The client's body, parsed once."""

import orjson

from extproc.domain.call import Call
from extproc.errors import InvalidRequest


def parse(call: Call, data: bytes) -> Call:
    """The call with its JSON body. Raises InvalidRequest for anything but a JSON object."""
    call.snapshot.rules.check_size(len(data))
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"Invalid JSON payload: {error}", param="request_body") from None
    if not isinstance(body, dict):
        kind = type(body).__name__
        raise InvalidRequest(
            f"Invalid JSON payload: expected an object, got {kind}.", param="request_body"
        )
    return call.but(body=body, body_bytes=len(data))

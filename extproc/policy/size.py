"""The declared size of a request, refused before a byte of its body is read."""

from extproc.domain.call import Call
from extproc.errors import InvalidRequest


async def check_declared_size(call: Call) -> Call:
    declared = call.headers.get("content-length", "")
    if not declared:
        return call
    if not declared.isdigit():
        raise InvalidRequest("The content-length header is not a number.", param="content-length")
    call.snapshot.rules.check_size(int(declared))
    return call

"""The declared size of a request, refused before a byte of its body is read."""

from extproc.domain.call import Call
from extproc.domain.numbers import whole_number
from extproc.errors import InvalidRequest


async def check_declared_size(call: Call) -> Call:
    declared = call.headers.get("content-length", "")
    if not declared:
        return call
    size_bytes = whole_number(declared)
    if size_bytes is None:
        raise InvalidRequest("The content-length header is not a number.", param="content-length")
    call.snapshot.rules.check_size(size_bytes)
    return call

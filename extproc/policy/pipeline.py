"""The admission stages behind one signature; the two lists that order them are in wiring.

A stage returns a Call that knows more, or raises the GatewayError that the client sees.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from extproc.domain.call import Call

Stage: TypeAlias = Callable[[Call], Awaitable[Call]]


async def run(stages: Sequence[Stage], call: Call) -> Call:
    for stage in stages:
        call = await stage(call)
    return call

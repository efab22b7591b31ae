"""Where calls pass to: the resolver of each endpoint whose calls do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from extproc.domain.call import Call
from extproc.domain.endpoints import Endpoint
from extproc.domain.passage import Answered, Passage
from extproc.flow.commands import Resolve

Resolver = Callable[[Call, bytes], Awaitable[Passage | Answered]]


def resolving(resolvers: Mapping[Endpoint, Resolver]) -> Mapping[Any, Callable[[Any], Any]]:
    """What the effect about them does."""

    async def resolve(command: Resolve) -> Passage | Answered:
        return await resolvers[command.call.endpoint](command.call, command.body)

    return {Resolve: resolve}

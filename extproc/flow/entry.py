"""Which flow serves a stream: decided by the route, when its first event comes."""

from collections.abc import Callable, Mapping
from typing import Protocol

from extproc.domain import routes
from extproc.domain.routes import Route, Served
from extproc.flow.attempt import AttemptFlow
from extproc.flow.events import Event, RequestHeaders
from extproc.flow.exchange import Steps
from extproc.flow.passing import PassFlow
from extproc.flow.realtime import RealtimeFlow


class Flow(Protocol):
    """One stream's state machine."""

    def handle(self, event: Event) -> Steps: ...


FLOWS: Mapping[Served, Callable[[Route], Flow]] = {
    "pass_through": PassFlow,
    "resource": PassFlow,
    "realtime": RealtimeFlow,
}
"""Those that are not translated attempts."""


class Entry:
    """A stream's flow, chosen once."""

    def __init__(self) -> None:
        self._flow: Flow | None = None

    def handle(self, event: Event) -> Steps:
        if self._flow is None:
            self._flow = _chosen(event)
        return self._flow.handle(event)


def _chosen(event: Event) -> Flow:
    """A path that no route knows may be one that the configuration lets pass."""
    route = None
    if isinstance(event, RequestHeaders):
        route = routes.match(event.headers.get(":method", ""), event.headers.get(":path", ""))
    route = route or routes.PASSED
    return FLOWS.get(route.served, AttemptFlow)(route)

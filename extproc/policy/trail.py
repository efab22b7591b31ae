"""What a failed attempt leaves for the next, and how the next one takes it up.

A retry may reach another worker. Here is the call itself, in this worker's bounded memory; the
Trails store holds what every worker needs to know: what went wrong.
"""

from collections import OrderedDict
from collections.abc import Callable

import orjson

from extproc.domain.call import Call
from extproc.errors import GatewayError, ProviderError, Unavailable
from extproc.stores.base import StoreUnavailable, Trail, Trails

EXPIRY_SECONDS = 600.0


class Admitted:
    """Admitted calls that failed once here, oldest first; bounded by number, bytes and age."""

    def __init__(
        self, now: Callable[[], float], capacity: int = 1024, capacity_bytes: int = 32 * 1024**2
    ) -> None:
        self._now = now
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._calls: OrderedDict[str, tuple[float, Call]] = OrderedDict()
        self._bytes = 0

    def keep(self, call: Call) -> None:
        self.take(call.id)
        self._calls[call.id] = self._now(), call
        self._bytes += call.body_bytes
        while self._calls and self._over():
            self._drop_oldest()

    def take(self, call_id: str) -> Call | None:
        """The call, once: whoever takes it keeps it again if it fails again."""
        while self._calls and self._over():
            self._drop_oldest()
        found = self._calls.pop(call_id, None)
        if found is None:
            return None
        self._bytes -= found[1].body_bytes
        return found[1]

    def _drop_oldest(self) -> None:
        _, (_, dropped) = self._calls.popitem(last=False)
        self._bytes -= dropped.body_bytes

    def _over(self) -> bool:
        oldest_at = next(iter(self._calls.values()))[0]
        expired = oldest_at < self._now() - EXPIRY_SECONDS
        return expired or len(self._calls) > self._capacity or self._bytes > self._capacity_bytes


class Trailing:
    """Remembers failed attempts and takes up calls in their later attempts."""

    def __init__(self, trails: Trails, admitted: Admitted) -> None:
        self._trails = trails
        self._admitted = admitted

    async def remember(self, call: Call, error: bytes, status: int) -> None:
        """Best effort: without a trail the next attempt goes by the plan, which is the same."""
        self._admitted.keep(call)
        try:
            await self._trails.remember(call.id, Trail(error.decode(), status))
        except StoreUnavailable:
            return

    def resume(self, call: Call) -> Call | None:
        """The admitted call for attempt `call.attempt`, if its last attempt was here."""
        admitted = self._admitted.take(call.id)
        return admitted and admitted.but(
            attempt=call.attempt, received_at=call.received_at, headers=call.headers
        )

    async def refuse_surplus(self, call: Call) -> Call:
        """Raises the last attempt's error when the call has used up its attempts."""
        if call.plan is None or call.attempt <= call.plan.attempts:
            return call
        try:
            trail = await self._trails.recall(call.id)
        except StoreUnavailable:
            trail = None
        raise _last_error(trail)


def _last_error(trail: Trail | None) -> GatewayError:
    if trail is None or not trail.error:
        return Unavailable(
            "litellm.APIConnectionError: the connection to the provider broke on every attempt."
        )
    error = orjson.loads(trail.error)["error"]
    return ProviderError(error["message"], trail.status, error["type"], param=error["param"])

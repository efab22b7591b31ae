"""Credentials that must be fetched, kept while they are good.

    absent ──use waits──► fresh ──age──► old ──age──► over
                            ▲             │             │
                            └─────────────┴─────────────┘
               a use starts the fetch; while the old one is good nobody waits for it

A fetch runs in a thread, one at a time for each identity, and belongs to nobody: a caller who
leaves does not end it.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from extproc.errors import GatewayError, Unavailable

T = TypeVar("T")

WAIT_SECONDS = 20.0
AGAIN_SECONDS = 5.0
"""How long a failure is the answer, before a fetch is tried again."""
EARLY_SECONDS = 300.0
MARGIN_SECONDS = 10.0
"""What a token must have left, to be good still when it arrives."""
MOST_KEPT = 1000
MOST_FETCHES = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token(Generic[T]):
    """`expires_at`: epoch seconds."""

    value: T = field(repr=False)
    expires_at: float


Fetch = Callable[[float], Token[T]]
"""From the time now. Blocking, bounded in time; raises ProviderError (401) or Unavailable."""


class Tokens:
    """Every identity's token. The identity holds all that the fetch depends on."""

    def __init__(self, now: Callable[[], float], wait_seconds: float = WAIT_SECONDS) -> None:
        self.now = now
        self._wait_seconds = wait_seconds
        self._threads = ThreadPoolExecutor(MOST_FETCHES, "token")
        self._kept: dict[Hashable, _Kept[Any]] = {}

    async def get(self, identity: Hashable, fetch: Fetch[T]) -> T:
        """Its value. Raises what the fetch raised, Unavailable when it takes too long."""
        kept: _Kept[T] = self._of(identity)
        now = self.now()
        if kept.fetching is None and now >= kept.due_at:
            self._start(kept, fetch, now)
        if kept.token is not None and now < kept.good_until:
            return kept.token.value
        if kept.fetching is None:
            raise kept.failure.with_traceback(None)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return (await asyncio.shield(kept.fetching)).value
        except TimeoutError:
            message = f"Credentials: no token within {self._wait_seconds:g} seconds"
            raise Unavailable(message) from None

    def _of(self, identity: Hashable) -> "_Kept[Any]":
        """Moved to the end: the one that was longest out of use goes first."""
        kept = self._kept.pop(identity, None) or _Kept()
        self._kept[identity] = kept
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept

    def _start(self, kept: "_Kept[T]", fetch: Fetch[T], now: float) -> None:
        loop = asyncio.get_running_loop()
        kept.fetching = loop.run_in_executor(self._threads, fetch, now)
        kept.fetching.add_done_callback(partial(self._ended, kept, now))

    def _ended(self, kept: "_Kept[T]", began: float, fetching: asyncio.Future[Token[T]]) -> None:
        kept.fetching = None
        failure = fetching.exception()
        if failure is None:
            kept.hold(fetching.result(), began)
            return
        kept.failure = failure
        kept.due_at = self.now() + AGAIN_SECONDS
        told = failure.message if isinstance(failure, GatewayError) else type(failure).__name__
        log.warning("%s", told)


class _Kept(Generic[T]):
    """One identity's token, the fetch under way, the last failure."""

    def __init__(self) -> None:
        self.token: Token[T] | None = None
        self.good_until = 0.0
        self.due_at = float("-inf")
        self.fetching: asyncio.Future[Token[T]] | None = None
        self.failure: BaseException = Unavailable("no token was fetched")

    def hold(self, token: Token[T], began: float) -> None:
        life = max(token.expires_at - began, 1.0)
        self.token = token
        self.good_until = began + max(life - MARGIN_SECONDS, life * 0.75)
        self.due_at = began + max(life - EARLY_SECONDS, life * 0.5)

"""Virtual keys in this process's memory, in front of the store that has them all.

    fresh      told of every change and read lately, or read at most `staleness_seconds` ago
    doubtful   anything older: read again before use; if the store is away, used for the grace time
    forgotten  changed, as a notification said: not used again before it is read

Whether a key is blocked or expired is not decided here.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from extproc.domain.key import Key
from extproc.stores.base import Keys, StoreUnavailable

REFRESH_SECONDS = 60.0
"""Age at which a key is read again in the background although no change was told."""
_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Entry:
    key: Key
    confirmed_at: float


class CachedKeys:
    """Implements Keys; `run` must be running for it to notice that the store is back.

    `listening` is for whoever hears of changes: true only while none can be missed.
    """

    def __init__(
        self,
        keys: Keys,
        now: Callable[[], float],
        grace_seconds: float = 3600.0,
        staleness_seconds: float = 5.0,
        capacity: int = 100_000,
    ) -> None:
        self.listening = False
        self._keys = keys
        self._now = now
        self._grace_seconds = grace_seconds
        self._staleness_seconds = staleness_seconds
        self._capacity = capacity
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._absent: OrderedDict[str, float] = OrderedDict()
        """Hashes that no key has -> when that was read."""
        self._doubt_before = float("-inf")
        """What was read before this time may have changed unheard."""
        self._reads: dict[str, asyncio.Future[Key | StoreUnavailable | None]] = {}
        """Reads under way. One that an invalidation removed from here is not cached."""
        self._away = False
        self._due: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()

    def peek(self, key_hash: str) -> Key | None:
        """The key if it is fresh here; None means to ask `find`."""
        entry = self._entries.get(key_hash)
        if entry is None or not self._fresh(key_hash, entry):
            return None
        self._entries.move_to_end(key_hash)
        return entry.key

    async def find(self, key_hash: str) -> Key | None:
        """The key, None when there is none. Raises StoreUnavailable when nobody can tell."""
        key = self.peek(key_hash)
        if key is not None:
            return key
        if self._known_absent(key_hash):
            return None
        if not self._away:
            try:
                return await self._read(key_hash)
            except StoreUnavailable as error:
                self._lost(key_hash, error)
        else:
            self._ask_later(key_hash)
        entry = self._entries.get(key_hash)
        if entry is None or self._now() - entry.confirmed_at > self._grace_seconds:
            raise StoreUnavailable("the key store is away, and this key is not known here")
        return entry.key

    def invalidate(self, key_hash: str) -> None:
        """This key changed: it is not used again before it is read."""
        self._entries.pop(key_hash, None)
        self._absent.pop(key_hash, None)
        self._reads.pop(key_hash, None)

    def invalidate_all(self) -> None:
        """Changes may have been missed: every key is read again before use, if it can be."""
        self._doubt_before = self._now()
        self._absent.clear()
        self._reads.clear()

    async def run(self) -> None:
        """Read again in the background what is due, until cancelled."""
        while True:
            await self._wake.wait()
            while self._due:
                key_hash, _ = self._due.popitem(last=False)
                try:
                    await self._read(key_hash)
                except StoreUnavailable as error:
                    self._lost(key_hash, error)
                    await asyncio.sleep(_RETRY_SECONDS)
            self._wake.clear()

    def _fresh(self, key_hash: str, entry: _Entry) -> bool:
        age = self._now() - entry.confirmed_at
        if not self.listening:
            return age < self._staleness_seconds and entry.confirmed_at > self._doubt_before
        if age >= REFRESH_SECONDS:
            self._ask_later(key_hash)
        return entry.confirmed_at > self._doubt_before and age <= self._grace_seconds

    def _known_absent(self, key_hash: str) -> bool:
        read_at = self._absent.get(key_hash)
        return read_at is not None and self._now() - read_at < self._staleness_seconds

    def _ask_later(self, key_hash: str) -> None:
        if len(self._due) < self._capacity:
            self._due[key_hash] = None
            self._wake.set()

    def _lost(self, key_hash: str, error: StoreUnavailable) -> None:
        if not self._away:
            log.warning("keys: the store is away, known keys go on: %s", error)
        self._away = True
        self._ask_later(key_hash)

    async def _read(self, key_hash: str) -> Key | None:
        """Ask the store, once for all who ask at the same time."""
        others = self._reads.get(key_hash)
        if others is not None:
            await asyncio.wait({others})
            if others.cancelled():  # whoever asked has gone
                return await self.find(key_hash)
            found = others.result()
            if isinstance(found, StoreUnavailable):
                raise StoreUnavailable(*found.args)
            return found
        began_at = self._now()
        mine: asyncio.Future[Key | StoreUnavailable | None]
        mine = self._reads[key_hash] = asyncio.get_running_loop().create_future()
        try:
            key = await self._keys.find(key_hash)
            mine.set_result(key)
        except StoreUnavailable as error:
            mine.set_result(error)
            raise
        finally:
            mine.cancel()  # does nothing to one that is done
            current = self._reads.get(key_hash) is mine
            if current:
                del self._reads[key_hash]
        if current:
            self._keep(key_hash, key, began_at)
        if self._away:
            log.warning("keys: the store is back")
            self._away = False
        return key

    def _keep(self, key_hash: str, key: Key | None, read_at: float) -> None:
        if key is None:
            self._entries.pop(key_hash, None)
            _put(self._absent, key_hash, read_at, self._capacity)
        else:
            self._absent.pop(key_hash, None)
            _put(self._entries, key_hash, _Entry(key, read_at), self._capacity)


def _put(cache: OrderedDict[str, _Value], key_hash: str, value: _Value, capacity: int) -> None:
    """Newest last; the one used longest ago makes room."""
    cache[key_hash] = value
    cache.move_to_end(key_hash)
    if len(cache) > capacity:
        cache.popitem(last=False)

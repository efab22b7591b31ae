"""Hears of changed keys from Postgres and makes the cache forget them."""

import asyncio
import logging
import secrets
from typing import Any

import psycopg

from extproc.stores.base import StoreUnavailable
from extproc.stores.keycache import CachedKeys
from extproc.stores.postgres.pool import OPTIONS, cut_after, translated_errors

CHANNEL = "extproc_keys"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0

log = logging.getLogger(__name__)


class KeyListener:
    """Keeps one connection that listens, and sets `listening` on the cache while it is sound.

    A silent connection is found out within `proof_seconds` twice: once until it is asked, once
    until it had to answer. That is to be less than the cache's staleness.
    """

    def __init__(self, url: str, cache: CachedKeys, proof_seconds: float = 2.0) -> None:
        self._url = url
        self._cache = cache
        self._proof_seconds = proof_seconds

    async def run(self) -> None:
        """Listen until cancelled; connect again, with growing pauses, whenever that fails."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                with translated_errors():
                    await self._listen()
            except StoreUnavailable as error:
                if self._cache.listening:
                    pause = _FIRST_PAUSE_SECONDS
                log.warning("keys: cannot hear of changes: %s", error)
            finally:
                self._cache.listening = False
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Until the connection fails, which it does by raising."""
        async with await psycopg.AsyncConnection.connect(self._url, **OPTIONS) as connection:
            with cut_after(connection, self._proof_seconds):
                await connection.execute(f"listen {CHANNEL}".encode())
                await _hear_own_voice(connection)
            self._cache.invalidate_all()
            self._cache.listening = True
            while True:
                async for notice in connection.notifies(timeout=self._proof_seconds):
                    self._cache.invalidate(notice.payload)
                with cut_after(connection, self._proof_seconds):
                    await connection.execute("select 1")


async def _hear_own_voice(connection: psycopg.AsyncConnection[Any]) -> None:
    """Prove that notifications arrive: behind some connection poolers they never do."""
    token = secrets.token_hex(8)
    await connection.execute("select pg_notify(%s, %s)", [CHANNEL, token])
    async for notice in connection.notifies():
        if notice.payload == token:
            return

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import time

import psycopg

from extproc.stores.base import StoreUnavailable
from extproc.stores.keycache import CachedKeys
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.listener import KeyListener
from extproc.stores.postgres.pool import Database
from tests.contracts.values import KEY
from tests.servers import Postgres, eventually, silent


@asynccontextmanager
async def replica(url: str, staleness: float = 5.0) -> AsyncIterator[CachedKeys]:
    """One replica's cache, listening."""
    async with Database(url, limit_seconds=0.5) as database:
        cache = CachedKeys(PostgresKeys(database), time, 3600.0, staleness)
        tasks = [
            asyncio.ensure_future(KeyListener(url, cache, proof_seconds=0.3).run()),
            asyncio.ensure_future(cache.run()),
        ]
        await eventually(lambda: cache.listening, "listening")
        yield cache
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not cache.listening


async def found(cache: CachedKeys) -> object:
    try:
        return await cache.find(KEY.hash)
    except StoreUnavailable:
        return None


async def test_a_change_is_heard_by_every_replica(postgres_url: str) -> None:
    async with (
        Database(postgres_url) as database,
        replica(postgres_url) as first,
        replica(postgres_url) as second,
    ):
        registry = PostgresKeys(database)
        for cache in (first, second):
            assert await cache.find(KEY.hash) is None
        await registry.create(KEY)
        for cache in (first, second):
            await eventually(lambda cache=cache: not cache._known_absent(KEY.hash), "the new key")
            assert await cache.find(KEY.hash) == KEY
        await registry.update(KEY.hash, {"blocked": True})
        for cache in (first, second):
            await eventually(lambda cache=cache: cache.peek(KEY.hash) is None, "the change")
            assert await cache.find(KEY.hash) == replace(KEY, blocked=True)


async def test_a_cut_channel_is_found_and_opened_again(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        await PostgresKeys(database).create(KEY)
    async with replica(postgres_url) as cache:
        assert await cache.find(KEY.hash) == KEY
        async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query similar to '(select 1|listen|select pg_notify)%'"
            )
        await eventually(lambda: not cache.listening, "the cut")
        await eventually(lambda: cache.listening, "listening again")
        assert cache.peek(KEY.hash) is None  # what it did not hear it does not know
        assert await cache.find(KEY.hash) == KEY


async def test_a_silent_server_is_noticed_and_known_keys_go_on(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url, limit_seconds=10.0) as database:
        await PostgresKeys(database).create(KEY)
        async with replica(postgres_url, staleness=0.2) as cache:
            await outlive_a_silence(postgres, database, cache)


async def outlive_a_silence(postgres: Postgres, database: Database, cache: CachedKeys) -> None:
    assert await cache.find(KEY.hash) == KEY
    with silent(postgres.pid):
        await eventually(lambda: not cache.listening, "the silence")
        assert await cache.find(KEY.hash) == KEY
        assert await found(cache) == KEY
    await eventually(lambda: cache.listening, "listening again")
    await PostgresKeys(database).update(KEY.hash, {"blocked": True})
    for _ in range(300):
        if await found(cache) == replace(KEY, blocked=True):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the change never arrived")

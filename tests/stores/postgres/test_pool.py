import asyncio
from time import monotonic

import pytest

from extproc.stores.base import Refused, StoreUnavailable
from extproc.stores.postgres.pool import Database
from tests.servers import Postgres, silent


async def answer(database: Database) -> int:
    async with database.connection() as connection:
        cursor = await connection.execute("select 42 as answer")
        row = await cursor.fetchone()
    assert row is not None
    return int(row["answer"])


async def answers_again(database: Database) -> None:
    for _ in range(50):
        try:
            assert await answer(database) == 42
            return
        except StoreUnavailable:
            await asyncio.sleep(0.1)
    pytest.fail("the pool does not recover")


async def test_a_server_that_is_away_is_unavailable() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none", limit_seconds=0.2) as database:
        with pytest.raises(StoreUnavailable):
            await answer(database)


async def test_a_restarted_server_is_used_without_an_error(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url, limit_seconds=10.0) as database:
        await asyncio.gather(*(answer(database) for _ in range(8)))
        postgres.stop()
        postgres.start()
        assert await answer(database) == 42


async def test_a_stopped_server_fails_calls_and_is_found_again(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url, limit_seconds=0.5) as database:
        await answer(database)
        postgres.stop()
        try:
            with pytest.raises(StoreUnavailable):
                await answer(database)
        finally:
            postgres.start()
        await answers_again(database)


async def test_a_silent_server_hangs_no_call(postgres: Postgres, postgres_url: str) -> None:
    async with Database(postgres_url, limit_seconds=0.3) as database:
        await answer(database)
        with silent(postgres.pid):
            started = monotonic()
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await answer(database)
            assert monotonic() - started < 30, "it hung"
        await answers_again(database)


async def test_a_call_that_left_gives_its_connection_back(postgres_url: str) -> None:
    async with Database(postgres_url, size=1) as database:

        async def sleep_on_the_server() -> None:
            async with database.connection(30.0) as connection:
                await connection.execute("select pg_sleep(60)")

        leaving = asyncio.ensure_future(sleep_on_the_server())
        await asyncio.sleep(0.3)
        leaving.cancel()
        await asyncio.wait({leaving})
        await answers_again(database)


async def test_values_that_do_not_fit_are_refused_and_the_server_is_not_away(
    postgres_url: str,
) -> None:
    async with Database(postgres_url) as database:
        with pytest.raises(Refused):
            async with database.connection() as connection:
                await connection.execute("select 2147483647 + 1")
        assert await answer(database) == 42


async def test_a_missing_schema_is_unavailable(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        with pytest.raises(StoreUnavailable):
            async with database.connection() as connection:
                await connection.execute("select * from no_such_table")

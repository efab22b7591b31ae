import asyncio

import psycopg
import pytest

from extproc.stores.base import StoreUnavailable
from extproc.stores.postgres.migrations import SchemaTooNew, known, migrate
from tests.servers import Postgres


async def test_an_empty_database_is_migrated_once(postgres: Postgres) -> None:
    url = postgres.new_database()
    assert await migrate(url) == list(known())
    assert await migrate(url) == []


async def test_several_at_once_take_turns(postgres: Postgres) -> None:
    url = postgres.new_database()
    applied = await asyncio.gather(*(migrate(url) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], list(known())]


async def test_a_newer_database_is_refused_by_name(postgres: Postgres) -> None:
    url = postgres.new_database()
    await migrate(url)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("insert into schema_migration values ('999_future.sql')")
    with pytest.raises(SchemaTooNew, match=r"999_future\.sql"):
        await migrate(url)


async def test_a_failed_migration_leaves_nothing_behind(postgres: Postgres) -> None:
    url = postgres.new_database()
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("create table gateway_replica (in_the_way text)")
    with pytest.raises(StoreUnavailable):
        await migrate(url)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("drop table gateway_replica")
        cursor = await connection.execute("select to_regclass('virtual_key')")
        assert await cursor.fetchone() == (None,)
    assert await migrate(url) == list(known())


async def test_no_server_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        await migrate("postgresql://nobody@127.0.0.1:1/none")

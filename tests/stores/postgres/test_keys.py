import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from extproc.stores.base import Refused
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.pool import Database
from tests.contracts.values import KEY, a_row


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    async with Database(postgres_url) as database:
        yield database


async def test_changes_are_told_and_spend_is_not(database: Database, postgres_url: str) -> None:
    keys = PostgresKeys(database)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as ear:
        await ear.execute("listen extproc_keys")
        await keys.create(KEY)
        await PostgresLedger(database).apply([a_row()])
        await keys.update(KEY.hash, {"blocked": True, "updated_at": 1.0})
        await keys.delete([KEY.hash])
        await ear.execute("notify extproc_keys, 'end'")
        told = []
        async for notice in ear.notifies():
            told.append(notice.payload)
            if notice.payload == "end":
                break
    assert told == [KEY.hash, KEY.hash, KEY.hash, "end"]


async def test_an_update_beside_the_ledger_loses_no_spend(database: Database) -> None:
    keys, ledger = PostgresKeys(database), PostgresLedger(database)
    await keys.create(replace(KEY, spend_nanousd=0))

    async def change() -> None:
        for n in range(40):
            await keys.update(KEY.hash, {"metadata": {"n": n}})

    async def spend() -> None:
        for n in range(40):
            await ledger.apply([a_row(f"call-{n}", cost=1)])

    await asyncio.gather(change(), spend())
    key = await keys.find(KEY.hash)
    assert key is not None
    assert (key.spend_nanousd, key.metadata) == (40, {"n": 39})


async def test_text_that_postgres_refuses_is_replaced(database: Database) -> None:
    made = await PostgresKeys(database).create(replace(KEY, alias="a\0b", metadata={"x": "\ud800"}))
    assert (made.alias, made.metadata) == ("a\ufffdb", {"x": "\ufffd"})


async def test_an_impossible_time_is_refused(database: Database) -> None:
    with pytest.raises(Refused):
        await PostgresKeys(database).create(replace(KEY, expires_at=1e30))


async def test_a_field_that_no_key_has_is_a_bug(database: Database) -> None:
    with pytest.raises(ValueError, match="hash"):
        await PostgresKeys(database).update(KEY.hash, {"hash": "b"})

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from extproc.stores.base import Refused, SpendQuery, StoreUnavailable
from extproc.stores.journal import DiskJournal
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.pool import Database
from extproc.stores.shipper import Shipper
from extproc.stores.unsent import Unsent
from tests.contracts.values import BEGUN, ENDED, KEY, a_row
from tests.servers import Postgres, eventually, silent


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    async with Database(postgres_url, limit_seconds=0.5) as database:
        yield database


async def test_nul_and_long_texts_are_stored_as_well_as_they_can_be(database: Database) -> None:
    ledger = PostgresLedger(database)
    odd = a_row(model="a\0b", call_id="x" * 100_000, metadata={"user": "u" * 100_000, "n": "\0"})
    assert await ledger.apply([odd, a_row("call-2")]) == 2
    stored = (await ledger.rows(SpendQuery()))[-1].begun
    assert stored.model == "a\ufffdb"
    assert stored.call_id == "x" * 512
    assert stored.metadata == {"user": "u" * 512, "n": "\ufffd"}


@pytest.mark.parametrize(
    "bad",
    [
        replace(a_row("bad"), begun=replace(BEGUN, attempt_id="bad", number=2**40)),
        replace(a_row("bad"), begun=replace(BEGUN, attempt_id="bad", at=float("nan"))),
        replace(a_row("bad"), begun=replace(BEGUN, attempt_id="bad", at=1e30)),
        replace(a_row("bad"), ended=replace(ENDED, attempt_id="bad", cost_nanousd=10**30)),
    ],
)
async def test_an_impossible_row_is_refused_with_its_batch(database: Database, bad: object) -> None:
    ledger = PostgresLedger(database)
    with pytest.raises(Refused):
        await ledger.apply([a_row(), bad])
    assert list(await ledger.rows(SpendQuery())) == []


async def test_the_flag_and_the_columns_for_sql(database: Database, postgres_url: str) -> None:
    about = {"user": "u", "team_id": "t", "organization_id": "o", "end_user": "e"}
    await PostgresLedger(database).apply([a_row(cost=None, metadata=about)])
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        cursor = await connection.execute(
            "select cost_known, user_id, team_id, organization_id, end_user from spend_log"
        )
        assert await cursor.fetchone() == (False, "u", "t", "o", "e")


async def test_a_silent_or_stopped_server_loses_nothing(
    database: Database, postgres: Postgres, tmp_path: Path
) -> None:
    keys, ledger = PostgresKeys(database), PostgresLedger(database)
    await keys.create(replace(KEY, spend_nanousd=0))
    journal = DiskJournal(tmp_path / "w")
    unsent = Unsent(tmp_path / "unsent.log")
    shipper = Shipper(tmp_path, ledger, lambda: ENDED.at, unsent, 20, pause_seconds=0.05)
    running = asyncio.ensure_future(shipper.run())

    async def attempts(name: str) -> None:
        for n in range(50):
            journal.begin(replace(BEGUN, attempt_id=f"{name}-{n}"))
            journal.end(replace(ENDED, attempt_id=f"{name}-{n}", cost_nanousd=1))
            await asyncio.sleep(0.005)

    await attempts("before")
    with silent(postgres.pid):
        await attempts("silent")
    postgres.stop()
    try:
        await attempts("stopped")
    finally:
        postgres.start()
    await attempts("after")
    stored: list[str] = []
    for _ in range(300):
        await asyncio.sleep(0.1)
        try:
            stored = [row.begun.attempt_id for row in await ledger.rows(SpendQuery())]
        except StoreUnavailable:
            continue
        if len(stored) == 200:
            break
    assert len(set(stored)) == len(stored) == 200
    key = await keys.find(KEY.hash)
    assert key is not None
    assert key.spend_nanousd == 200
    await eventually(lambda: shipper.backlog().bytes == 0, "an empty backlog")
    running.cancel()
    await asyncio.wait({running})
    journal.close()

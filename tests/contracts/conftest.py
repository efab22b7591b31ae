"""Each store of a protocol, in memory and on the real server, with the same tests for both."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from extproc.stores.memory import (
    MemoryBills,
    MemoryConversations,
    MemoryKeys,
    MemoryLedger,
    MemoryOwners,
    MemoryReplicas,
    MemoryTrails,
)
from extproc.stores.postgres.bills import PostgresBills
from extproc.stores.postgres.conversations import PostgresConversations
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.owners import PostgresOwners
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.replicas import PostgresReplicas
from extproc.stores.redis import RedisTrails, connect


@dataclass
class Clock:
    at: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Books:
    """A key registry and the ledger over the same keys."""

    keys: Any
    ledger: Any


@dataclass
class Billing:
    """The batches to bill, and the ledger that they are found in."""

    batches: Any
    ledger: Any


@dataclass
class Aging:
    """A store, and how to let time pass for it."""

    store: Any
    pass_seconds: Callable[[float], Any] = field(repr=False)


@pytest.fixture(params=["memory", "postgres"])
async def books(request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    if request.param == "memory":
        keys = MemoryKeys()
        yield Books(keys, MemoryLedger(keys))
        return
    async with Database(request.getfixturevalue("postgres_url"), size=8) as database:
        yield Books(PostgresKeys(database), PostgresLedger(database))


@pytest.fixture(params=["memory", "redis"])
async def trails(request: pytest.FixtureRequest) -> AsyncIterator[Aging]:
    if request.param == "memory":
        clock = Clock()

        async def pass_in_memory(seconds: float) -> None:
            clock.at += seconds

        yield Aging(MemoryTrails(clock), pass_in_memory)
        return
    client = connect(request.getfixturevalue("redis_url"))

    async def pass_in_redis(seconds: float) -> None:
        """Redis keeps its own time: take the same from what every key has left."""
        for name in await client.keys():
            await client.pexpire(name, int(await client.pttl(name) - seconds * 1000))

    yield Aging(RedisTrails(client), pass_in_redis)
    await client.aclose()


@pytest.fixture(params=["memory", "postgres"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[Aging]:
    if request.param == "memory":
        clock = Clock()

        async def pass_in_memory(seconds: float) -> None:
            clock.at += seconds

        yield Aging(MemoryReplicas(clock), pass_in_memory)
        return
    url = request.getfixturevalue("postgres_url")

    async def pass_in_postgres(seconds: float) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(
                "update gateway_replica set seen_at = seen_at - make_interval(secs => %s)",
                [seconds],
            )

    async with Database(url) as database:
        yield Aging(PostgresReplicas(database), pass_in_postgres)


@pytest.fixture(params=["memory", "postgres"])
async def conversations(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryConversations()
        return
    async with Database(request.getfixturevalue("postgres_url"), size=8) as database:
        yield PostgresConversations(database)


@pytest.fixture(params=["memory", "postgres"])
async def billing(request: pytest.FixtureRequest) -> AsyncIterator[Billing]:
    if request.param == "memory":
        ledger = MemoryLedger(MemoryKeys())
        yield Billing(MemoryBills(ledger), ledger)
        return
    async with Database(request.getfixturevalue("postgres_url"), size=8) as database:
        yield Billing(PostgresBills(database), PostgresLedger(database))


@pytest.fixture(params=["memory", "postgres"])
async def owners(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryOwners()
        return
    async with Database(request.getfixturevalue("postgres_url"), size=8) as database:
        yield PostgresOwners(database)

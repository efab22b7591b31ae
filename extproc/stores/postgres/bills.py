"""The work that is to be billed when it is over, in Postgres."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from extproc.domain.openbill import OpenBill, SeenBatch
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load
from extproc.stores.storable import storable

_SQL = load("bills")
_LIMIT_SECONDS = 10.0
_SEE_SECONDS = 1.0
"""A client waits for it."""


class PostgresBills:
    """Implements OpenBills."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def discover(self, at: float, since: float) -> int:
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            cursor = await connection.execute(_SQL["discover"], {"at": at, "since": since})
            return cursor.rowcount

    async def claim(self, at: float, limit: int, lease_seconds: float) -> Sequence[OpenBill]:
        wanted = {"at": at, "limit": limit, "lease": lease_seconds}
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            cursor = await connection.execute(_SQL["claim"], wanted)
            rows = await cursor.fetchall()
        return [_job(row) for row in rows]

    async def later(self, job: OpenBill, at: float, failures: int) -> None:
        values = {**_named(job), "at": at, "failures": failures}
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            await connection.execute(_SQL["later"], values)

    async def close(self, job: OpenBill, state: str) -> None:
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            await connection.execute(_SQL["close"], {**_named(job), "state": state})

    async def see(self, seen: Sequence[SeenBatch], at: float) -> None:
        values = [_seen(each, at) for each in sorted(seen, key=lambda each: each.job.id)]
        async with (
            self._database.connection(_SEE_SECONDS) as connection,
            connection.cursor() as cursor,
        ):
            await cursor.executemany(_SQL["see"], values)

    async def billed(self, deployment_id: str, work_id: str) -> bool:
        wanted = {"deployment_id": storable(deployment_id), "id": storable(work_id)}
        async with self._database.connection() as connection:
            row = await (await connection.execute(_SQL["billed"], wanted)).fetchone()
        return row is not None and bool(row["over"])

    async def using(self, deployment_id: str, file_id: str) -> str | None:
        wanted = {"deployment_id": storable(deployment_id), "file_id": storable(file_id)}
        async with self._database.connection() as connection:
            row = await (await connection.execute(_SQL["using"], wanted)).fetchone()
        return None if row is None else str(row["id"])


def _named(job: OpenBill) -> dict[str, str]:
    return {"deployment_id": job.deployment_id, "id": job.id}


def _seen(seen: SeenBatch, at: float) -> dict[str, Any]:
    job = seen.job
    return {
        "id": storable(job.id),
        "deployment_id": job.deployment_id,
        "key_hash": job.key_hash,
        "call_id": storable(job.call_id),
        "about": orjson.dumps(storable(dict(job.metadata))).decode(),
        "created_at": job.created_at,
        "at": at,
        "files": [storable(each) for each in seen.files],
        "over": seen.over,
    }


def _job(row: Mapping[str, Any]) -> OpenBill:
    same = {name: value for name, value in row.items() if name != "about"}
    return OpenBill(**same, metadata=row["about"])

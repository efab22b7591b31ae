"""The batches that are to be billed, in Postgres."""

from collections.abc import Mapping, Sequence
from typing import Any

from extproc.domain.batch import BatchJob
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load

_SQL = load("batches")
_LIMIT_SECONDS = 10.0


class PostgresBatches:
    """Implements Batches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def discover(self, at: float, since: float) -> int:
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            cursor = await connection.execute(_SQL["discover"], {"at": at, "since": since})
            return cursor.rowcount

    async def claim(self, at: float, limit: int, lease_seconds: float) -> Sequence[BatchJob]:
        wanted = {"at": at, "limit": limit, "lease": lease_seconds}
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            cursor = await connection.execute(_SQL["claim"], wanted)
            rows = await cursor.fetchall()
        return [_job(row) for row in rows]

    async def later(self, batch_id: str, at: float, failures: int) -> None:
        values = {"id": batch_id, "at": at, "failures": failures}
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            await connection.execute(_SQL["later"], values)

    async def close(self, batch_id: str, state: str) -> None:
        async with self._database.connection(_LIMIT_SECONDS) as connection:
            await connection.execute(_SQL["close"], {"id": batch_id, "state": state})


def _job(row: Mapping[str, Any]) -> BatchJob:
    same = {name: value for name, value in row.items() if name != "about"}
    return BatchJob(**same, metadata=row["about"])

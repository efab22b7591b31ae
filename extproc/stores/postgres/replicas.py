"""Heartbeats of the replicas in Postgres, by the database's clock."""

from collections.abc import Sequence

from extproc.stores.base import Replica
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load

_SQL = load("replicas")


class PostgresReplicas:
    """Implements Replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, name: str, generation: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(_SQL["report"], {"name": name, "generation": generation})

    async def list(self) -> Sequence[Replica]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["list"])
            return [Replica(**row) for row in await cursor.fetchall()]

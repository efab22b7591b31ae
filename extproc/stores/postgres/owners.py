"""Whose the things are that providers keep, in Postgres."""

from collections.abc import Sequence

from extproc.domain.resources import Owned
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load
from extproc.stores.storable import storable

_SQL = load("owners")
_NOTE_SECONDS = 1.0
"""A client waits for it."""


class PostgresOwners:
    """Implements Owners."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, owned: Sequence[Owned]) -> None:
        values = [
            {
                "id": storable(each.id),
                "deployment_id": storable(each.deployment_id),
                "owner": each.owner,
                "checked": each.checked,
            }
            for each in sorted(owned, key=lambda each: (each.id, each.deployment_id))
        ]
        async with (
            self._database.connection(_NOTE_SECONDS) as connection,
            connection.cursor() as cursor,
        ):
            await cursor.executemany(_SQL["note"], values)

    async def find(self, ids: Sequence[str]) -> Sequence[Owned]:
        wanted = {"ids": [storable(each) for each in ids]}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_SQL["find"], wanted)).fetchall()
        return [Owned(**row) for row in rows]

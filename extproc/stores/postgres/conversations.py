"""Remembered responses in Postgres."""

from typing import Any

import orjson

from extproc.domain.conversation import Remembered
from extproc.stores.base import Refused
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load
from extproc.stores.storable import storable

_SQL = load("conversations")
_KEEP_SECONDS = 1.0
"""A client waits for it."""
_PURGE_ROWS, _PURGE_SECONDS = 1000, 20.0


class PostgresConversations:
    """Implements Conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, said: Remembered) -> None:
        values = {
            "id": storable(said.id),
            "owner": said.owner,
            "deployment_id": storable(said.deployment_id),
            "created_at": said.created_at,
            "expires_at": said.expires_at,
            "background": said.background,
            "response": None if said.response is None else _json(said.response),
            "items": _json(list(said.items)),
        }
        async with self._database.connection(_KEEP_SECONDS) as connection:
            await connection.execute(_SQL["keep"], values)

    async def find(self, response_id: str, at: float) -> Remembered | None:
        wanted = {"id": storable(response_id), "at": at}
        async with self._database.connection() as connection:
            row = await (await connection.execute(_SQL["find"], wanted)).fetchone()
        return None if row is None else Remembered(**row)

    async def delete(self, response_id: str) -> bool:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["delete"], {"id": storable(response_id)})
            return cursor.rowcount > 0

    async def purge(self, at: float) -> int:
        """In small pieces: a delete of millions would hold the table's rows for long."""
        wanted, purged = {"at": at, "limit": _PURGE_ROWS}, 0
        while True:
            async with self._database.connection(_PURGE_SECONDS) as connection:
                cursor = await connection.execute(_SQL["purge"], wanted)
                purged += cursor.rowcount
                if cursor.rowcount < _PURGE_ROWS:
                    return purged


def _json(value: Any) -> str:
    """NUL, which Postgres takes in no text, only costs when it is there."""
    try:
        data = orjson.dumps(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"a value that JSON does not have: {error}") from error
    if b"\\u0000" in data:
        data = orjson.dumps(storable(orjson.loads(data)))
    return data.decode()

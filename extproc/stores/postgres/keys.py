"""Virtual keys in Postgres, as the data path reads them and as the management API changes them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import orjson
from psycopg.errors import UniqueViolation

from extproc.domain.key import Key
from extproc.stores.base import AliasTaken, KeyPage, Refused
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load
from extproc.stores.storable import storable

_SQL = load("keys")
_COLUMNS = frozenset(field.name for field in fields(Key)) - {"is_master"}
_CHANGEABLE = _COLUMNS - {"hash"}
_TIMES = ("expires_at", "created_at", "updated_at")
_FILTERS = ("user_id", "team_id", "organization_id", "key_hash", "key_alias")
_ALIAS_INDEX = "virtual_key_alias"


class PostgresKeys:
    """Implements Keys and KeyRegistry; a trigger notifies the replicas of every change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_hash: str) -> Key | None:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["find"], {"hash": storable(key_hash)})
            row = await cursor.fetchone()
        return None if row is None else _key(row)

    async def get(self, key_hash: str) -> Key | None:
        return await self.find(key_hash)

    async def create(self, key: Key) -> Key:
        values = {name: getattr(key, name) for name in _COLUMNS}
        row = await self._write("create", {"key": _json(values)})
        if row is None:
            raise AssertionError("an insert that returns no row")
        return _key(row)

    async def update(self, key_hash: str, changes: Mapping[str, Any]) -> Key | None:
        unknown = changes.keys() - _CHANGEABLE
        if unknown:
            raise ValueError(f"not a field of a key that can change: {', '.join(sorted(unknown))}")
        parameters = {"hash": storable(key_hash), "changes": _json(changes)}
        row = await self._write("update", parameters)
        return None if row is None else _key(row)

    async def delete(self, key_hashes: Sequence[str]) -> Sequence[str]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["delete"], {"hashes": storable(key_hashes)})
            return [row["hash"] for row in await cursor.fetchall()]

    async def hashes_of(self, aliases: Sequence[str]) -> Sequence[str]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["hashes_of"], {"aliases": storable(aliases)})
            return [row["hash"] for row in await cursor.fetchall()]

    async def page(self, filters: Mapping[str, str], offset: int, limit: int) -> KeyPage:
        wanted = dict.fromkeys(_FILTERS) | storable(filters)
        async with self._database.connection() as connection:
            counted = await (await connection.execute(_SQL["count"], wanted)).fetchone()
            cursor = await connection.execute(
                _SQL["page"], {**wanted, "offset": offset, "limit": limit}
            )
            keys = [_key(row) for row in await cursor.fetchall()]
        return KeyPage(keys, counted["total"] if counted else 0)

    async def _write(self, query: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        async with self._database.connection() as connection:
            try:
                cursor = await connection.execute(_SQL[query], parameters)
                return await cursor.fetchone()
            except UniqueViolation as error:
                if error.diag.constraint_name == _ALIAS_INDEX:
                    raise AliasTaken(str(error)) from error
                raise


def _json(values: Mapping[str, Any]) -> str:
    try:
        times = {
            name: datetime.fromtimestamp(values[name], UTC)
            for name in _TIMES
            if values.get(name) is not None
        }
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(f"a time that no calendar has: {error}") from error
    return orjson.dumps({**storable(values), **times}).decode()


def _key(row: Mapping[str, Any]) -> Key:
    times = {name: row[name] and row[name].timestamp() for name in _TIMES}
    return Key(**{**row, **times, "models": tuple(row["models"])})

"""Brings the database's schema up to what this code needs, once, whoever asks."""

from collections.abc import Sequence
from importlib.resources import files

import psycopg

from extproc.stores.postgres.pool import OPTIONS, cut_after, translated_errors

_FOLDER = files("extproc.stores.postgres") / "sql" / "migrations"
_LOCK = 0x6C6C6D5F657874  # any number that nobody else takes
_LIMIT_SECONDS = 600.0


class SchemaTooNew(Exception):
    """The database was migrated by a newer version of this program."""


def known() -> Sequence[str]:
    """The migrations of this code, in order."""
    return sorted(entry.name for entry in _FOLDER.iterdir() if entry.name.endswith(".sql"))


async def migrate(url: str) -> list[str]:
    """Apply what is missing, all of it or nothing; the names of what was applied.

    Several may run at once: they take turns. Raises SchemaTooNew and StoreUnavailable.
    """
    with translated_errors():
        async with await psycopg.AsyncConnection.connect(url, **OPTIONS) as connection:
            with cut_after(connection, _LIMIT_SECONDS):
                async with connection.transaction():
                    return await _apply_missing(connection)


async def _apply_missing(connection: psycopg.AsyncConnection[dict[str, str]]) -> list[str]:
    await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    await connection.execute(
        "create table if not exists schema_migration ("
        " name text primary key, applied_at timestamptz not null default now())"
    )
    cursor = await connection.execute("select name from schema_migration")
    applied = {row["name"] for row in await cursor.fetchall()}
    newer = sorted(applied - set(known()))
    if newer:
        raise SchemaTooNew(
            f"The database has migrations that this version does not know: {', '.join(newer)}. "
            "Run the version that made them, or a later one."
        )
    missing = [name for name in known() if name not in applied]
    for name in missing:
        await connection.execute((_FOLDER / name).read_bytes())
        await connection.execute("insert into schema_migration (name) values (%s)", [name])
    return missing

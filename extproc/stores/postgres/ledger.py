"""The ledger in Postgres: rows of spend, and the keys' spend that moves with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import orjson

from extproc.domain.ledger import Begun, Ended, SpendRow
from extproc.domain.usage import Usage
from extproc.stores.base import Refused, SpendQuery
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.queries import load
from extproc.stores.storable import storable

_SQL = load("ledger")
_APPLY_SECONDS = 10.0
_READ_SECONDS = 30.0
_TOKENS = (
    *("input", "output", "cached", "cache_written"),
    *("reasoning", "audio_input", "audio_output"),
)
"""The parts of a Usage that have a column; the others are in `units`, where they are not zero."""
_UNITS = tuple(field.name for field in fields(Usage) if field.name not in _TOKENS)
_SAME_NAME = {
    Begun: tuple(f.name for f in fields(Begun) if f.name not in ("at", "metadata")),
    Ended: ("status", "http_status", "cost_nanousd", "estimated", "error"),
}
"""Fields whose column has their name."""

MAX_TEXT = 512
"""Texts are cut here: some are indexed, and an index takes no long ones."""


class PostgresLedger:
    """Implements Ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, rows: Sequence[SpendRow]) -> int:
        """One statement, so one transaction."""
        async with self._database.connection(_APPLY_SECONDS) as connection:
            cursor = await connection.execute(_SQL["apply"], {"rows": _json(rows)})
            row = await cursor.fetchone()
        return int(row["applied"]) if row else 0

    async def rows(self, query: SpendQuery) -> Sequence[SpendRow]:
        wanted = {
            "key_hash": storable(query.key_hash),
            "call_id": storable(query.request_id),
            "user_id": storable(query.user_id),
            "start_at": query.start_at,
            "end_at": query.end_at,
            "limit": query.limit,
        }
        async with self._database.connection(_READ_SECONDS) as connection:
            cursor = await connection.execute(_SQL["rows"], wanted)
            return [_spend_row(row) for row in await cursor.fetchall()]


def _json(rows: Iterable[SpendRow]) -> str:
    """The rows as JSON; NUL, which Postgres takes in no text, only costs when it is there."""
    try:
        columns = [_columns(row) for row in rows]
        data = orjson.dumps(columns, default=dict)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Refused(f"a value that JSON or the calendar does not have: {error}") from error
    if b"\\u0000" in data:
        data = orjson.dumps(storable(orjson.loads(data)))
    return data.decode()


def _columns(row: SpendRow) -> dict[str, Any]:
    begun, ended = row.begun, row.ended
    return {
        **{name: _cut(getattr(begun, name)) for name in _SAME_NAME[Begun]},
        **{name: getattr(ended, name) for name in _SAME_NAME[Ended]},
        **{f"{name}_tokens": getattr(ended.usage, name) for name in _TOKENS},
        "units": {name: unit for name in _UNITS if (unit := getattr(ended.usage, name))},
        "about": {name: _cut(value) for name, value in begun.metadata.items()},
        "outcome": ended.metadata,
        "started_at": datetime.fromtimestamp(begun.at, UTC),
        "ended_at": datetime.fromtimestamp(ended.at, UTC),
        "first_byte_at": (
            None
            if ended.first_byte_at is None
            else datetime.fromtimestamp(ended.first_byte_at, UTC)
        ),
        "interrupted": row.interrupted,
    }


def _cut(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value


def _spend_row(row: Mapping[str, Any]) -> SpendRow:
    begun = Begun(
        **{name: row[name] for name in _SAME_NAME[Begun]},
        at=row["started_at"].timestamp(),
        metadata=row["about"],
    )
    ended = Ended(
        **{name: row[name] for name in _SAME_NAME[Ended]},
        attempt_id=row["attempt_id"],
        at=row["ended_at"].timestamp(),
        first_byte_at=row["first_byte_at"] and row["first_byte_at"].timestamp(),
        usage=Usage(**{name: row[f"{name}_tokens"] for name in _TOKENS}, **row["units"]),
        metadata=row["outcome"],
    )
    return SpendRow(begun, ended, row["interrupted"])

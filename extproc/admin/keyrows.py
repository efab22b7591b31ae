"""A Key as LiteLLM's clients read it, and what they send as changes to a Key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from extproc.admin.durations import expiry
from extproc.admin.schemas import KeyColumns, KeyFields
from extproc.domain.key import Key
from extproc.domain.usage import NANO, usd


def nanousd(amount: Decimal | None) -> int | None:
    """USD as whole nano-USD, rounded half-up."""
    return None if amount is None else int((amount * NANO).to_integral_value(ROUND_HALF_UP))


def iso(at: float | None) -> str | None:
    """Epoch seconds as ISO-8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


COLUMNS = {"key", *KeyColumns.model_fields}
SETTINGS = tuple(name for name in KeyFields.model_fields if name not in COLUMNS)


def row(key: Key) -> dict[str, Any]:
    """LiteLLM's row of a key, every column present; the secret is nowhere in it."""
    return {
        **dict.fromkeys(SETTINGS),
        **key.settings,
        "token": key.hash,
        "key_name": key.name,
        "key_alias": key.alias,
        "spend": usd(key.spend_nanousd),
        "max_budget": None if key.max_budget_nanousd is None else usd(key.max_budget_nanousd),
        "expires": iso(key.expires_at),
        "models": list(key.models),
        "aliases": dict(key.aliases),
        "metadata": dict(key.metadata),
        "permissions": dict(key.permissions),
        "blocked": key.blocked,
        "user_id": key.user_id,
        "team_id": key.team_id,
        "organization_id": key.organization_id,
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "updated_by": key.created_by,
        "updated_at": iso(key.updated_at),
        "litellm_budget_table": None,
    }


def status(key: Key, now: float) -> str:
    """active, expired or revoked (blocked)."""
    if key.blocked:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


@dataclass(frozen=True, slots=True)
class Column:
    """The Key field that a request field sets, and the value that fits it; null clears it."""

    name: str
    value: Callable[[Any], Any]


KEY_COLUMNS: Mapping[str, Column] = {
    "key_alias": Column("alias", lambda sent: sent or None),
    "models": Column("models", lambda sent: tuple(sent or ())),
    "aliases": Column("aliases", lambda sent: sent or {}),
    "metadata": Column("metadata", lambda sent: sent or {}),
    "permissions": Column("permissions", lambda sent: sent or {}),
    "blocked": Column("blocked", bool),
    "spend": Column("spend_nanousd", lambda sent: nanousd(sent) or 0),
    "max_budget": Column("max_budget_nanousd", nanousd),
    "user_id": Column("user_id", lambda sent: sent),
    "team_id": Column("team_id", lambda sent: sent),
    "organization_id": Column("organization_id", lambda sent: sent),
}


def changes(sent: KeyFields, now: float) -> dict[str, Any]:
    """The Key fields that the request sets; a field left out is kept."""
    named = sent.model_fields_set
    found = {
        column.name: column.value(getattr(sent, field))
        for field, column in KEY_COLUMNS.items()
        if field in named
    }
    if "duration" in named:
        found["expires_at"] = expiry(sent.duration, now)
    return found


def settings(sent: KeyFields, before: Mapping[str, Any]) -> dict[str, Any]:
    """LiteLLM's other fields after the request: replaced where sent, gone where null."""
    named = {
        field: getattr(sent, field)
        for field in type(sent).model_fields
        if field in sent.model_fields_set and field not in COLUMNS
    }
    return {name: value for name, value in {**before, **named}.items() if value is not None}

"""What the management API works with, handed in by wiring."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Annotated, cast

from fastapi import Depends, Request

from extproc.domain.snapshot import Snapshot
from extproc.errors import GatewayError
from extproc.stores.base import KeyRegistry, Keys, Ledger


def new_secret() -> str:
    """A new virtual key: `sk-` and sixteen random bytes."""
    return f"sk-{token_urlsafe(16)}"


class NoDatabase(GatewayError):
    """The gateway runs with DATABASE_URL=none."""

    status, type = 500, "no_db_connection"

    def __init__(self) -> None:
        super().__init__("DB not connected. Set DATABASE_URL to make keys and to keep spend.")


@dataclass(frozen=True, slots=True)
class AdminServices:
    """Without a database `registry`, `ledger` and `keys` are None."""

    registry: KeyRegistry | None
    ledger: Ledger | None
    keys: Keys | None
    master_key_hash: str
    snapshot: Callable[[], Snapshot]
    now: Callable[[], float]
    secret: Callable[[], str] = new_secret
    max_body_bytes: int = 1024 * 1024


def services(request: Request) -> AdminServices:
    return cast(AdminServices, request.app.state.services)


Services = Annotated[AdminServices, Depends(services)]


def registry(services: Services) -> KeyRegistry:
    if services.registry is None:
        raise NoDatabase
    return services.registry


def ledger(services: Services) -> Ledger:
    if services.ledger is None:
        raise NoDatabase
    return services.ledger


Registry = Annotated[KeyRegistry, Depends(registry)]
Spend = Annotated[Ledger, Depends(ledger)]

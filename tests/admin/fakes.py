"""A management app over stores in memory, its keys and its clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson

from extproc.admin.app import create_app
from extproc.admin.services import AdminServices
from extproc.domain.key import Key, hash_key, key_name
from extproc.domain.ledger import Begun, Ended, SpendRow
from extproc.domain.snapshot import Snapshot
from extproc.domain.usage import Usage
from extproc.stores.base import AliasTaken, KeyPage, SpendQuery, StoreUnavailable

MASTER = "sk-the-master-key-of-tests"
NOW = 1_750_000_000.0
SECRETS = {name: f"sk-{name}-key-0123456789" for name in ("virtual", "other", "blocked", "expired")}


def key_of(name: str, **fields: Any) -> Key:
    secret = SECRETS[name]
    return Key(hash=hash_key(secret), name=key_name(secret), alias=name, created_at=NOW, **fields)


class Registry:
    """KeyRegistry and Keys; refuses what Postgres or the data path could not hold."""

    def __init__(self, *keys: Key) -> None:
        self.keys = {key.hash: key for key in keys}

    async def find(self, key_hash: str) -> Key | None:
        return self.keys.get(key_hash)

    get = find

    def _check(self, key: Key) -> None:
        said = (key.alias, key.aliases, key.metadata, key.permissions, key.settings, key.models)
        assert b"\\u0000" not in orjson.dumps([*said, key.user_id, key.team_id])
        assert 0 <= (key.max_budget_nanousd or 0) < 2**63
        assert 0 <= key.spend_nanousd < 2**63
        others = {k.alias for k in self.keys.values() if k.hash != key.hash}
        if key.alias is not None and key.alias in others:
            raise AliasTaken

    async def create(self, key: Key) -> Key:
        self._check(key)
        assert key.hash not in self.keys
        self.keys[key.hash] = key
        return key

    async def update(self, key_hash: str, changes: Mapping[str, Any]) -> Key | None:
        if key_hash not in self.keys:
            return None
        key = replace(self.keys[key_hash], **changes)
        self._check(key)
        self.keys[key_hash] = key
        return key

    async def delete(self, key_hashes: Sequence[str]) -> Sequence[str]:
        return [h for h in key_hashes if self.keys.pop(h, None)]

    async def hashes_of(self, aliases: Sequence[str]) -> Sequence[str]:
        return [key.hash for key in self.keys.values() if key.alias in aliases]

    async def page(self, filters: Mapping[str, str], offset: int, limit: int) -> KeyPage:
        shown = {"key_hash": "hash", "key_alias": "alias"}
        found = [
            key
            for key in reversed(self.keys.values())
            if all(getattr(key, shown.get(f, f)) == value for f, value in filters.items())
        ]
        return KeyPage(found[offset : offset + limit], len(found))


class Ledger:
    def __init__(self, *rows: SpendRow) -> None:
        self.kept = list(rows)

    async def apply(self, rows: Sequence[SpendRow]) -> int:
        self.kept.extend(rows)
        return len(rows)

    async def rows(self, query: SpendQuery) -> Sequence[SpendRow]:
        found = [row for row in self.kept if _matches(row, query)]
        return sorted(found, key=lambda row: -row.begun.at)[: query.limit]


def _matches(row: SpendRow, query: SpendQuery) -> bool:
    begun = row.begun
    return (
        query.key_hash in (None, begun.key_hash)
        and query.request_id in (None, begun.call_id)
        and query.user_id in (None, begun.metadata.get("user"))
        and (query.start_at is None or query.start_at <= begun.at)
        and (query.end_at is None or begun.at < query.end_at)
    )


class Away:
    """Every store while its database is away."""

    def __getattr__(self, name: str) -> Any:
        async def refuse(*_: Any) -> Any:
            raise StoreUnavailable

        return refuse


def spent(call_id: str, key: str, at: float, nanousd: int | None, **fields: Any) -> SpendRow:
    secret = SECRETS.get(key, MASTER)
    begun = Begun(
        attempt_id=f"{call_id}-1",
        call_id=call_id,
        number=1,
        at=at,
        key_hash=hash_key(secret),
        call_type="acompletion",
        model_group="gpt",
        model=fields.pop("model", "gpt-4o"),
        provider="openai",
        deployment_id="d1",
        api_base="https://api.example.com",
        prompt_tokens_estimate=1,
        prompt_cost_nanousd=1,
        metadata=fields.pop("about", {}),
    )
    ended = Ended(
        attempt_id=begun.attempt_id,
        at=at + 2,
        status=fields.pop("status", "success"),
        http_status=fields.pop("http_status", 200),
        usage=Usage(input=10, output=5, cached=4),
        cost_nanousd=nanousd,
        **fields,
    )
    return SpendRow(begun, ended)


@dataclass
class Admin:
    """The app, what it works with, and a way to ask it."""

    registry: Any = field(default_factory=Registry)
    ledger: Any = field(default_factory=Ledger)
    keys: Any = None
    max_body_bytes: int = 1024 * 1024

    def __post_init__(self) -> None:
        self.app = create_app(
            AdminServices(
                registry=self.registry,
                ledger=self.ledger,
                keys=self.keys if self.keys is not None else self.registry,
                master_key_hash=hash_key(MASTER),
                snapshot=lambda: Snapshot("1", {}),
                now=lambda: NOW,
                max_body_bytes=self.max_body_bytes,
            )
        )

    async def ask(
        self, method: str, path: str, caller: str | None = MASTER, /, **sent: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {caller}"} if caller else {}
        headers.update(sent.pop("headers", {}))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://admin"
        ) as client:
            return await client.request(method, path, headers=headers, **sent)

    async def post(self, path: str, body: Any, caller: str | None = MASTER) -> httpx.Response:
        return await self.ask("POST", path, caller, json=body)

    async def get(self, path: str, caller: str | None = MASTER, /, **query: Any) -> httpx.Response:
        return await self.ask("GET", path, caller, params=query)


def four_keys() -> Admin:
    """With a working virtual key, another, a blocked and an expired one."""
    return Admin(
        Registry(
            key_of("virtual", user_id="ada"),
            key_of("other"),
            key_of("blocked", blocked=True),
            key_of("expired", expires_at=NOW - 1),
        )
    )

"""Virtual keys: make, change, delete, block, show."""

import re
from dataclasses import replace
from typing import Any

from extproc.admin.auth import Caller
from extproc.admin.keyrows import changes, row, settings, status
from extproc.admin.replies import Reply
from extproc.admin.schemas import (
    UNENFORCED,
    Body,
    DeleteKeys,
    GenerateKey,
    NamedKey,
    Text,
    UpdateKey,
)
from extproc.admin.services import AdminServices, Registry, Services
from extproc.domain.key import Key, hash_key, key_name
from extproc.errors import BadRequest, Forbidden, NotFound
from extproc.stores.base import AliasTaken, KeyRegistry

ADMIN_USER = "default_user_id"
"""LiteLLM's name for the owner of the master key."""

SECRET = re.compile(r"sk-[!-~]{13,509}")
HASH = re.compile(r"[0-9a-f]{64}")
FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def generate(sent: GenerateKey, registry: Registry, services: Services) -> Reply:
    """The only reply that ever shows the secret."""
    secret = services.secret() if sent.key is None else await _chosen(sent.key, registry, services)
    now = services.now()
    key = Key(
        hash=hash_key(secret),
        name=key_name(secret),
        created_by=ADMIN_USER,
        created_at=now,
        updated_at=now,
        settings=settings(sent, {}),
    )
    key = replace(key, **changes(sent, now))
    try:
        key = await registry.create(key)
    except AliasTaken:
        raise _alias_taken(key.alias) from None
    shown = {**row(key), "key": secret, "token_id": key.hash, "duration": sent.duration}
    return _reply(shown, sent)


async def _chosen(secret: str, registry: KeyRegistry, services: AdminServices) -> str:
    """A secret of the caller's own, if it may be a key."""
    if not secret.startswith("sk-"):
        raise BadRequest("Invalid key format. A virtual key must start with 'sk-'.", param="key")
    if not SECRET.fullmatch(secret):
        raise BadRequest(
            "Invalid key format. A custom key has 16 to 512 printable ASCII characters.",
            param="key",
        )
    taken = hash_key(secret) == services.master_key_hash
    if taken or await registry.get(hash_key(secret)) is not None:
        raise BadRequest("This key already exists.", param="key")
    return secret


async def update(sent: UpdateKey, registry: Registry, services: Services) -> Reply:
    """Fields left out are kept, null clears, `metadata` is replaced as a whole."""
    found = await _named(sent, registry)
    now = services.now()
    changed = {**changes(sent, now), "updated_at": now}
    if sent.key is None:
        del changed["alias"]  # it named the key
    merged = settings(sent, found.settings)
    if merged != dict(found.settings):
        changed["settings"] = merged
    try:
        key = await registry.update(found.hash, changed)
    except AliasTaken:
        raise _alias_taken(sent.key_alias) from None
    if key is None:
        raise _unknown()
    return _reply({**row(key), "key": sent.key or key.hash}, sent)


async def _named(sent: UpdateKey, registry: KeyRegistry) -> Key:
    if sent.key is not None:
        return await _existing(registry, sent.key)
    hashes = await registry.hashes_of([sent.key_alias or ""])
    if not hashes:
        raise _unknown()
    return await _existing(registry, hashes[0])


async def delete(sent: DeleteKeys, registry: Registry) -> Reply:
    """The names as they were sent, of those keys that existed; 404 when none did."""
    if sent.keys:
        by_hash = {key_hash: name for name in sent.keys if (key_hash := _hash(name))}
    elif sent.key_aliases:
        by_hash = {key_hash: key_hash for key_hash in await registry.hashes_of(sent.key_aliases)}
    else:
        raise BadRequest("Pass `keys` or `key_aliases`: which keys are to go?", param="keys")
    deleted = await registry.delete(list(by_hash)) if by_hash else []
    if not deleted:
        raise NotFound("No such keys.", param="keys")
    return _reply({"deleted_keys": [by_hash[key_hash] for key_hash in deleted]}, sent)


async def block(sent: NamedKey, registry: Registry, services: Services) -> Reply:
    return await _set_blocked(sent, registry, services, blocked=True)


async def unblock(sent: NamedKey, registry: Registry, services: Services) -> Reply:
    return await _set_blocked(sent, registry, services, blocked=False)


async def _set_blocked(
    sent: NamedKey, registry: KeyRegistry, services: AdminServices, *, blocked: bool
) -> Reply:
    key_hash = _hash(sent.key)
    if key_hash is None:
        raise BadRequest("Invalid key format.", param="key")
    key = await registry.update(key_hash, {"blocked": blocked, "updated_at": services.now()})
    if key is None:
        raise NotFound("Key not found.", param="key")
    return _reply(row(key), sent)


async def info(
    caller: Caller, registry: Registry, services: Services, key: Text | None = None
) -> Reply:
    """One key; without `key` the calling one. A virtual key sees itself alone."""
    asked = caller.hash if key is None else _hash(key)
    if not caller.is_master and asked != caller.hash:
        raise Forbidden("You are not allowed to access this key's info.")
    found = await _existing(registry, asked or "")
    shown = row(found)
    del shown["token"]
    shown["status"] = status(found, services.now())
    return Reply({"key": key or found.hash, "info": shown})


async def health(caller: Caller) -> Reply:
    """Whoever reaches this has a key that works."""
    return Reply({"key": "healthy", "logging_callbacks": None})


async def _existing(registry: KeyRegistry, name: str) -> Key:
    key_hash = _hash(name)
    key = await registry.get(key_hash) if key_hash else None
    if key is None:
        raise _unknown()
    return key


def _hash(name: str) -> str | None:
    """The hash of a key given in plain or as its hash; None for what can be neither."""
    key_hash = hash_key(name)
    return key_hash if HASH.fullmatch(key_hash) else None


def _unknown() -> NotFound:
    return NotFound("Key not found in database", param="key")


def _alias_taken(alias: str | None) -> BadRequest:
    return BadRequest(
        f"Key with alias '{alias}' already exists. "
        "Unique key aliases across all keys are required.",
        param="key_alias",
    )


def _reply(content: dict[str, Any], sent: Body) -> Reply:
    """Headers name what had no meaning, so that a typo shows, and what has no effect."""
    named = {
        "x-ignored-fields": [name for name in sent.ignored if FIELD.fullmatch(name)],
        "x-unenforced-fields": sorted(UNENFORCED & sent.model_fields_set),
    }
    return Reply(content, headers={h: ", ".join(names[:20]) for h, names in named.items() if names})

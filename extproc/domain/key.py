"""Who is calling: a virtual key or the master key, as the gateway remembers it.

The secret itself is never kept: `hash` is the lower-case hex SHA-256 of the whole key string.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

MASTER_ALIAS = "litellm_proxy_master_key"


def digest(secret: str) -> str:
    """Lower-case hex SHA-256."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def hash_key(secret: str) -> str:
    """The digest; a value that does not start with `sk-` is taken as already hashed."""
    return digest(secret) if secret.startswith("sk-") else secret


def key_name(secret: str) -> str:
    """How a key is shown: `sk-...` and its last four characters."""
    return f"sk-...{secret[-4:]}"


@dataclass(frozen=True, slots=True)
class Key:
    """One virtual key. Times are epoch seconds, money is nano-USD."""

    hash: str
    name: str = ""
    alias: str | None = None
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    permissions: Mapping[str, Any] = field(default_factory=dict)
    blocked: bool = False
    expires_at: float | None = None
    spend_nanousd: int = 0
    max_budget_nanousd: int | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    created_by: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    """LiteLLM's other key fields (tpm_limit, guardrails, …): stored and shown as they came."""
    is_master: bool = False

"""What management requests may hold: LiteLLM's field names, checked before anything is stored.

A body is refused (422) when it holds what Postgres cannot store or JSON cannot say again: NUL
characters, lone surrogates, NaN, integers over 64 bits, nesting without end. Fields that are not
named here are ignored; `ignored` lists them for the caller.
"""

from collections.abc import Iterator
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from extproc.admin.durations import expiry

DEEPEST = 32
MOST_KEYS = 1000
"""How many keys one request may delete."""

MOST_USD = 9_000_000_000
"""In nano-USD it still fits a 64-bit integer."""


def clean(text: str) -> str:
    """The text, if a database can hold it. Raises ValueError."""
    if "\0" in text:
        raise ValueError("NUL characters are not allowed")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("lone surrogates are not allowed")
    return text


def storable(value: Any) -> Any:
    """The JSON value, if it can be stored and read back as it is. Raises ValueError."""
    for depth, part in _parts(value):
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        if isinstance(part, str):
            clean(part)
        elif isinstance(part, int) and not -(2**63) <= part < 2**63:
            raise ValueError("integers must fit 64 bits")
        elif isinstance(part, float) and not isfinite(part):
            raise ValueError("numbers must be finite")
    return value


def _parts(value: Any) -> Iterator[tuple[int, Any]]:
    """Every value and every name in it, with its depth."""
    waiting = [(0, value)]
    while waiting:
        depth, part = waiting.pop()
        yield depth, part
        if depth > DEEPEST:
            continue
        if isinstance(part, dict):
            waiting.extend((depth + 1, name) for name in part)
            waiting.extend((depth + 1, inner) for inner in part.values())
        elif isinstance(part, list):
            waiting.extend((depth + 1, inner) for inner in part)


def _duration(value: str) -> str:
    expiry(value, 0.0)
    return value


Text = Annotated[str, Field(max_length=512), AfterValidator(clean)]
Duration = Annotated[str, AfterValidator(_duration)]
Usd = Annotated[Decimal, Field(ge=0, le=MOST_USD, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=MOST_USD, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Counts = dict[str, Count]
Object = dict[str, Any]
Names = list[str]
LimitType = Literal["guaranteed_throughput", "best_effort_throughput", "dynamic"]


class Body(BaseModel):
    """A request body: checked as a whole first, extra fields kept apart."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return storable(value)

    @property
    def ignored(self) -> list[str]:
        """The fields sent that mean nothing here."""
        return sorted(self.model_extra or {})


class KeyColumns(Body):
    """What a Key has fields of its own for."""

    key_alias: Text | None = None
    duration: Duration | None = None
    models: Names | None = None
    aliases: dict[str, str] | None = None
    user_id: Text | None = None
    team_id: Text | None = None
    organization_id: Text | None = None
    max_budget: Usd | None = None
    spend: Usd | None = None
    metadata: Object | None = None
    permissions: Object | None = None
    blocked: bool | None = None


class KeyFields(KeyColumns):
    """The rest of what may be said about a key: kept in its settings, as it came."""

    agent_id: Text | None = None
    project_id: Text | None = None
    soft_budget: Amount | None = None
    budget_duration: Duration | None = None
    budget_limits: list[Object] | None = None
    budget_id: Text | None = None
    model_max_budget: Object | None = None
    budget_fallbacks: Object | Names | None = None
    tpm_limit: Count | None = None
    rpm_limit: Count | None = None
    tpd_limit: Count | None = None
    max_parallel_requests: Count | None = None
    model_rpm_limit: Counts | None = None
    model_tpm_limit: Counts | None = None
    mcp_rpm_limit: Counts | None = None
    tag_rpm_limit: Counts | None = None
    rpm_limit_type: LimitType | None = None
    tpm_limit_type: LimitType | None = None
    tags: Names | None = None
    enforced_params: Names | None = None
    guardrails: Names | None = None
    policies: Names | None = None
    prompts: Names | None = None
    disable_global_guardrails: bool | None = None
    allowed_routes: Names | None = None
    key_type: Literal["llm_api", "management", "read_only", "default"] | None = None
    allowed_passthrough_routes: Names | None = None
    denied_passthrough_routes: Names | None = None
    allowed_cache_controls: Names | None = None
    allowed_vector_store_indexes: list[Object] | None = None
    object_permission: Object | None = None
    access_group_ids: Names | None = None
    auto_rotate: bool | None = None
    rotation_interval: Duration | None = None
    end_user_budget_id: Text | None = None
    throttle_on_budget_exceeded: bool | None = None
    default_estimated_output_tokens: Count | None = None
    default_estimated_output_tokens_per_model: Counts | None = None
    enable_prompt_caching: bool | None = None
    router_settings: Object | None = None
    send_invite_email: bool | None = None
    config: Object | None = None


UNENFORCED = (KeyFields.model_fields.keys() - KeyColumns.model_fields.keys()) | {
    "max_budget",
    "temp_budget_increase",
    "temp_budget_expiry",
}
"""Stored and shown, and nothing is refused for them yet."""


class GenerateKey(KeyFields):
    """POST /key/generate. `key` is a secret of the caller's own choice."""

    key: str | None = Field(default=None, repr=False)


class UpdateKey(KeyFields):
    """POST /key/update. Without `key`, `key_alias` says which key is meant."""

    key: str | None = Field(default=None, repr=False)
    temp_budget_increase: Amount | None = None
    temp_budget_expiry: Text | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.key is None and self.key_alias is None:
            raise ValueError("name the key by `key` or by `key_alias`")
        return self


class NamedKey(Body):
    """POST /key/block and /key/unblock."""

    key: str = Field(repr=False)


class DeleteKeys(Body):
    """POST /key/delete."""

    keys: Annotated[Names, Field(max_length=MOST_KEYS)] | None = Field(default=None, repr=False)
    key_aliases: Annotated[list[Text], Field(max_length=MOST_KEYS)] | None = None

"""Everything configured, compiled into one immutable object with a generation.

A request keeps the snapshot that it began with; a change builds a new one and swaps the pointer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.endpoints import Endpoint
from extproc.domain.passthrough import Passing
from extproc.errors import RequestTooLarge


@dataclass(frozen=True, slots=True)
class GuardrailRule:
    """One configured guardrail: `name` picks the code, `options` are its settings."""

    name: str
    kind: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that the data path obeys. Sizes are bytes, times are seconds."""

    num_retries: int = 2
    max_request_bytes: int = 32 * 1024 * 1024
    max_request_mb_shown: float | None = None
    """`max_request_size_mb` as the operator wrote it; None when only the default limit holds."""
    request_timeout_seconds: float = 6000.0
    first_byte_seconds: float = 600.0
    stall_seconds: float = 120.0
    key_header: str | None = None
    usual_models: Mapping[Endpoint, str] = field(default_factory=dict)
    """For requests that name no model."""
    forced_models: Mapping[Endpoint, str] = field(default_factory=dict)
    """Whatever model the request names."""
    always_include_stream_usage: bool | None = None
    allow_client_side_credentials: bool = False
    guardrails: tuple[GuardrailRule, ...] = ()

    def check_size(self, size_bytes: int) -> None:
        """Raises RequestTooLarge for a request over the limit."""
        if size_bytes > self.max_request_bytes:
            shown = self.max_request_mb_shown
            limit_mb = self.max_request_bytes / 1024**2 if shown is None else shown
            raise RequestTooLarge(size_bytes, limit_mb)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Model groups, their deployments and the rules, under one generation."""

    generation: str
    groups: Mapping[str, tuple[Deployment, ...]]
    """Exact names and patterns with `*`, each with its deployments in configured order."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """`router_settings.model_group_alias`: a name the client may use -> the group."""
    hidden_aliases: frozenset[str] = frozenset()
    rules: Rules = Rules()
    passing: Passing = field(default_factory=Passing)
    patterns: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The groups with `*`, the most specific (longest) first."""

    def __post_init__(self) -> None:
        patterns = sorted((g for g in self.groups if "*" in g), key=len, reverse=True)
        object.__setattr__(self, "patterns", tuple(patterns))

    def find(self, model: str) -> tuple[Deployment, ...]:
        """The deployments of `model`: alias, exact group, else the most specific pattern."""
        name = self.aliases.get(model, model)
        exact = self.groups.get(name)
        if exact is not None:
            return exact
        for pattern in self.patterns:
            head, _, tail = pattern.partition("*")
            long_enough = len(name) >= len(head) + len(tail)
            if long_enough and name.startswith(head) and name.endswith(tail):
                captured = name[len(head) : len(name) - len(tail)]
                if _climbs(captured):
                    return ()
                return tuple(d.resolved(captured) for d in self.groups[pattern])
        return ()

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(d for group in self.groups.values() for d in group)

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """Every host that a request may go to, each once."""
        reached = (*self.deployments, *self.passing.deployments)
        return tuple(dict.fromkeys(deployment.upstream for deployment in reached))

    def deployment(self, deployment_id: str) -> Deployment | None:
        """The deployment of that id; of a group with `*` as it is configured."""
        everything = (*self.deployments, *self.passing.deployments)
        return next((d for d in everything if d.id == deployment_id), None)


def _climbs(captured: str) -> bool:
    """Whether a part of a model's name would lead elsewhere in a path."""
    return any(part in (".", "..") for part in captured.split("/"))

"""What is known about one request, and what was decided about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.domain.key import Key
from extproc.domain.snapshot import Snapshot

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered deployments of a call: attempt n goes to the n-th, round and round."""

    deployments: tuple[Deployment, ...]
    attempts: int
    """How many attempts there may be in all, the first included."""

    def deployment(self, attempt: int) -> Deployment:
        """The deployment of attempt `attempt`, counted from 1."""
        return self.deployments[(attempt - 1) % len(self.deployments)]


@dataclass(frozen=True)
class Call:
    """Starts with what the client sent; each policy stage returns one that knows more."""

    id: str
    """The gateway's own id (`x-request-id`, made by Envoy): the same on every attempt."""
    endpoint: Endpoint
    path: str
    headers: Mapping[str, str] = field(repr=False)
    """The client's headers, names in lower case."""
    snapshot: Snapshot
    received_at: float
    """Epoch seconds."""
    attempt: int = 1
    path_model: str | None = None
    """The model that the path names (`/engines/{model}/…`, `/openai/deployments/{model}/…`)."""
    path_streams: bool = False
    """Whether the path asks for a stream (`:streamGenerateContent`)."""
    key: Key | None = None
    body: Json = field(default_factory=dict, repr=False)
    """What a provider may see."""
    asked: Json = field(default_factory=dict, repr=False)
    """What the client sent, the gateway's own fields included."""
    body_bytes: int = 0
    body_changed: bool = False
    """Whether `body` no longer is what the client sent, so that it must be written anew."""
    model: str = ""
    """The name the client asked for: answers carry it."""
    group: str = ""
    """The same after the key's aliases: what is looked up."""
    streaming: bool = False
    usage_asked: bool = False
    """Whether the client itself asked for the usage chunk of a stream."""
    timeout_seconds: float | None = None
    """What the client asked for: how long the whole call may take."""
    stream_timeout_seconds: float | None = None
    """How long a stream may be silent."""
    applied_guardrails: tuple[str, ...] = ()
    plan: Plan | None = None

    def but(self, **changes: Any) -> "Call":
        """A copy with these fields changed: dataclasses.replace at a tenth of its cost.

        Every request is copied at each stage; a plain `__dict__` (no slots) is what makes it cheap.
        """
        assert changes.keys() <= self.__dict__.keys(), f"no such field: {changes.keys()}"
        made = object.__new__(Call)
        made.__dict__.update(self.__dict__, **changes)
        return made

    @property
    def client_id(self) -> str:
        """What `x-litellm-call-id` shows: the client's own id when it sent one."""
        return self.headers.get("x-litellm-call-id", "")[:256] or self.id

    @property
    def attempt_id(self) -> str:
        """The ledger's key: gateway id and attempt number."""
        return f"{self.id}-{self.attempt}"

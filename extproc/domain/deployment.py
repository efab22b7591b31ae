"""A deployment: what serves a model group, where it is reached and how it is paid."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from extproc.domain.usage import Price

_NOT_WORD = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One host Envoy connects to; deployments of one host share its Envoy cluster."""

    scheme: str
    host: str
    port: int
    verify: bool = True
    ca_file: str | None = None

    cluster: str = field(init=False, compare=False)
    """Envoy's name for it: stable, and safe in a header and a file."""

    def __post_init__(self) -> None:
        identity = f"{self.scheme}|{self.host}|{self.port}|{self.verify}|{self.ca_file}"
        name = f"up_{_NOT_WORD.sub('_', self.host)}_{sha256(identity.encode()).hexdigest()[:8]}"
        object.__setattr__(self, "cluster", name)

    @property
    def tunnel_cluster(self) -> str:
        """The cluster that speaks HTTP/1.1 alone: a WebSocket begins with its Upgrade."""
        return f"{self.cluster}_http1" if self.scheme == "https" else self.cluster

    @property
    def authority(self) -> str:
        """The Host header: the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One row of `model_list`. Timeouts are seconds; `None` means the gateway's default."""

    id: str
    group: str
    provider: str
    model: str
    upstream: Upstream
    base_path: str = ""
    schema: str = "openai"
    """The wire format it speaks."""
    auth: str = "bearer"
    """How its credential is shown."""
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    order: int | None = None
    num_retries: int | None = None
    timeout_seconds: float | None = None
    stream_timeout_seconds: float | None = None
    mode: str | None = None
    base_model: str | None = None
    price: Price | None = None
    """The operator's own price; without it the provider's published one is looked up."""
    passes: bool = False
    """Whether requests of its provider's own API, below the provider's prefix, may go to it."""
    drop_params: bool = False
    """Whether parameters that the provider lacks are left out; else they are refused."""
    additional_drop_params: tuple[str, ...] = ()
    """Members that are never sent; paths such as `tools[*].strict` lead inside."""
    allowed_params: frozenset[str] = frozenset()
    """OpenAI parameters that are sent though the provider is not known to take them."""
    modify_params: bool = False
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Chat's parameters, sent where the client left them out."""
    extra_body: Mapping[str, object] = field(default_factory=dict)
    """The same in the provider's own words."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What the schema needs to know beside: api_version, aws_region_name, vertex_project …"""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the credential is made of where it is not one key: aws_*, vertex_credentials …"""

    def resolved(self, captured: str) -> "Deployment":
        """A wildcard deployment for one model: `*` replaced by what the client named."""
        return replace(self, model=self.model.replace("*", captured)) if "*" in self.model else self

    @property
    def api_base(self) -> str:
        """The upstream's base URL, as logs and `x-litellm-model-api-base` show it."""
        return f"{self.upstream.scheme}://{self.upstream.authority}{self.base_path}"

"""What passes as it came: to the providers' own APIs, and to configured endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from extproc.domain.deployment import Deployment

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai",),
    "openai_passthrough": ("openai",),
    "anthropic": ("anthropic",),
    "gemini": ("gemini",),
    "vertex_ai": ("vertex_ai", "vertex_ai_beta"),
    "vertex-ai": ("vertex_ai", "vertex_ai_beta"),
    "bedrock": ("bedrock",),
    "cohere": ("cohere", "cohere_chat"),
    "mistral": ("mistral", "codestral"),
    "azure": ("azure",),
    "azure_ai": ("azure_ai",),
    "vllm": ("hosted_vllm", "vllm"),
    "openrouter": ("openrouter",),
    "watsonx": ("watsonx",),
    "nvidia_nim": ("nvidia_nim",),
    "deepgram": ("deepgram",),
    "assemblyai": ("assemblyai",),
    "eu.assemblyai": ("eu.assemblyai",),
    "fal_ai": ("fal_ai",),
}
"""The first part of a path -> the providers that what follows it may go to."""

TRANSLATED = (
    "/openai/deployments",
    "/openai/responses",
    "/openai/v1/responses",
    "/openai/v1/realtime",
)
"""Below a prefix, and yet not passed: the gateway's own endpoints, and what belongs to them."""


def prefix_of(path: str) -> str | None:
    """The prefix that a path (without its query) begins with."""
    prefix, slash, rest = path[1:].partition("/")
    if prefix not in PREFIXES or not slash or not rest:
        return None
    return None if any(within(path, own) for own in TRANSLATED) else prefix


def within(path: str, root: str) -> bool:
    """Whether the path is `root` or lies below it."""
    return path == root or path.startswith(f"{root}/")


@dataclass(frozen=True, slots=True)
class PassThrough:
    """One of `general_settings.pass_through_endpoints`. The deployment is its target."""

    path: str
    deployment: Deployment
    """Its base path is the target's; its headers are those that the operator sets."""
    include_subpath: bool = False
    methods: tuple[str, ...] = ()
    """Empty for any."""
    key_needed: bool = True
    key_header: str | None = None
    """The header that the gateway's key comes in, where it is not one of the usual."""
    forward_headers: bool = False
    query: str = ""
    """The target's own."""
    merge_query: bool = False
    default_query: Mapping[str, str] = field(default_factory=dict)
    cost_nanousd: int | None = None
    """What each request costs that succeeds."""


@dataclass(frozen=True, slots=True)
class Passing:
    """All that may pass."""

    providers: Mapping[str, tuple[Deployment, ...]] = field(default_factory=dict)
    """Provider -> whose base and credential serve requests that name no model group."""
    endpoints: tuple[PassThrough, ...] = ()
    client_credentials: bool = False
    """Whether a client's own credential goes to a provider's own API, and no key is needed."""

    stored_objects: bool = False
    """Whether any key reaches what a provider keeps, which may be another's."""

    def endpoint(self, path: str) -> PassThrough | None:
        """The configured endpoint that a path means: the longest one wins."""
        found = (
            each
            for each in self.endpoints
            if path == each.path or (each.include_subpath and within(path, each.path))
        )
        return max(found, key=lambda each: len(each.path), default=None)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        served = (each for group in self.providers.values() for each in group)
        return (*served, *(each.deployment for each in self.endpoints))

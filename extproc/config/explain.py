"""Explains a loaded config: where each deployment is reached, what it serves, what it lacks.

Nothing is fetched and nothing is sent. What a deployment lacks is what its translator refuses, and
what is wrong with it is what its translator says to a plain request: the tables that serve a
request answer, not a list beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from extproc.config.loader import Loaded
from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import ENDPOINTS, Endpoint
from extproc.domain.usage import Price
from extproc.errors import GatewayError, UnsupportedParams
from extproc.providers import chat, registry
from extproc.providers.base import Request
from extproc.providers.defaults import completed
from extproc.providers.prices import PriceBook
from extproc.providers.profile import Profile
from extproc.providers.profiles import PROFILES

Way: TypeAlias = Literal["native", "bridged", "counted"]
"""In the provider's own words; over its chat; counted here, without the provider."""
PriceKind: TypeAlias = Literal["own", "published", "unknown", "per model"]
PER_TOKEN = ("input", "output", "cached", "audio_input", "audio_output", "image_output")
PER_UNIT: Mapping[str, str] = {
    "image": "image",
    "search": "search",
    "character": "character",
    "audio_second": "second of sound",
}
"""Member of a price -> what it is the price of."""

CREDENTIALS: Mapping[str, str] = {
    "bearer": "bearer token",
    "anthropic": "key in x-api-key",
    "api-key": "key in api-key",
    "x-api-key": "key in x-api-key",
    "x-goog-api-key": "key in x-goog-api-key",
    "azure": "key in api-key, or an Entra token",
    "aws": "AWS signature (SigV4), or a bearer token",
    "google": "Google access token",
    "watsonx": "IBM Cloud token",
    "databricks": "bearer token, or OAuth",
}
"""What each `auth` shows the provider."""
FOUND: Mapping[str, str] = {
    "aws": "the machine's is asked for at the first call: environment, ~/.aws, container, instance",
    "google": "the machine's is asked for at the first call: application default credentials",
    "azure": "the machine's is asked for at the first call: workload or managed identity",
}
"""Where credentials come from that no config names."""

PLAIN: Mapping[Endpoint, Json] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "embeddings": {"model": "m", "input": "Hi"},
    "rerank": {"model": "m", "query": "Hi", "documents": ["Hi"]},
}
"""Requests that anybody must be able to send, the most telling first."""

SAMPLES: Mapping[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
    "logit_bias": {"1": 1},
    "logprobs": True,
    "max_completion_tokens": 8,
    "max_tokens": 8,
    "metadata": {"a": "b"},
    "modalities": ["text", "audio"],
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "Hi"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "s",
    "seed": 7,
    "service_tier": "flex",
    "stop": ["END"],
    "store": True,
    "temperature": 0.5,
    "tool_choice": "required",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "top_logprobs": 1,
    "top_p": 0.5,
    "user": "u",
    "verbosity": "low",
    "web_search_options": {},
}
"""OpenAI's chat parameters, each with a value that asks for something."""
OTHER_SAMPLE = {"asked": True}


@dataclass(frozen=True, slots=True)
class Explained:
    """One deployment, without its secrets."""

    group: str
    id: str
    provider: str
    model: str
    schema: str
    url: str
    credential: str
    credential_set: bool
    """Whether it was found where this process looked: a role of the machine is not seen."""
    credential_needed: bool
    credential_found: str
    """Where it is looked for at the first call if none is set; empty where nowhere."""
    native: tuple[Endpoint, ...]
    bridged: tuple[Endpoint, ...]
    counted: tuple[Endpoint, ...]
    lacks: tuple[str, ...]
    renames: Mapping[str, str]
    drops_params: bool
    price: PriceKind
    usd_per_million: Mapping[str, float] = field(default_factory=dict)
    """Of tokens, by their kind."""
    usd_per_unit: Mapping[str, float] = field(default_factory=dict)
    """Of what is not paid by the token."""
    unset_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Options that neither the row nor the environment gives -> the variables that would."""
    problems: tuple[str, ...] = ()
    """What a plain request to it would be answered with."""


def explained(loaded: Loaded, prices: PriceBook) -> tuple[Explained, ...]:
    """Every deployment, in the order of the config."""
    return tuple(_explained(each, prices) for each in loaded.snapshot.deployments)


def way(endpoint: Endpoint, schema: str) -> Way | None:
    """How deployments of a wire format serve an endpoint; None where they do not."""
    if (endpoint, schema) in registry.NATIVE:
        return "native"
    if (endpoint, schema) in registry.TRANSLATORS:
        return "bridged"
    counts = ENDPOINTS[endpoint].counts
    return "counted" if counts and (counts, schema) in registry.TRANSLATORS else None


def _explained(deployment: Deployment, prices: PriceBook) -> Explained:
    profile = PROFILES.get(deployment.provider)
    endpoints = {endpoint: way(endpoint, deployment.schema) for endpoint in ENDPOINTS}
    kind, price = _price(deployment, prices)
    return Explained(
        group=deployment.group,
        id=deployment.id,
        provider=deployment.provider,
        model=deployment.model,
        schema=deployment.schema,
        url=deployment.api_base,
        credential=CREDENTIALS.get(deployment.auth, deployment.auth),
        credential_set=bool(deployment.api_key or deployment.secrets),
        credential_needed=profile is not None and not profile.keyless,
        credential_found=FOUND.get(deployment.auth, ""),
        native=tuple(name for name, how in endpoints.items() if how == "native"),
        bridged=tuple(name for name, how in endpoints.items() if how == "bridged"),
        counted=tuple(name for name, how in endpoints.items() if how == "counted"),
        lacks=lacking(deployment),
        renames=dict(profile.rename) if profile else {},
        drops_params=deployment.drop_params,
        price=kind,
        usd_per_million=_usd_per_million(price) if price else {},
        usd_per_unit=_usd_per_unit(price) if price else {},
        unset_options=_unset(profile, deployment),
        problems=_problems(deployment),
    )


def lacking(deployment: Deployment) -> tuple[str, ...]:
    """OpenAI's chat parameters that the deployment would refuse for their names."""
    if ("chat", deployment.schema) not in registry.NATIVE:
        return ()
    return tuple(name for name in sorted(chat.PARAMS) if _refused(name, deployment))


def _refused(name: str, deployment: Deployment) -> bool:
    """A value may be refused for other reasons, and that says nothing of the name."""
    body = {**PLAIN["chat"], name: SAMPLES.get(name, OTHER_SAMPLE)}
    try:
        _ask("chat", Request(body, deployment, allowed=deployment.allowed_params))
    except UnsupportedParams as refusal:
        return refusal.error_param == name
    except GatewayError:
        pass
    return False


def _problems(deployment: Deployment) -> tuple[str, ...]:
    served = (name for name in PLAIN if (name, deployment.schema) in registry.NATIVE)
    if endpoint := next(served, None):
        try:
            _ask(endpoint, _plain(endpoint, deployment))
        except GatewayError as error:
            return (error.message,)
    return ()


def _plain(endpoint: Endpoint, deployment: Deployment) -> Request:
    return Request(
        completed(PLAIN[endpoint], deployment, deployment.additional_drop_params, endpoint),
        deployment,
        drop_params=deployment.drop_params,
        allowed=deployment.allowed_params,
        modify_params=deployment.modify_params,
    )


def _ask(endpoint: Endpoint, request: Request) -> None:
    """Raises GatewayError for what would not be sent."""
    registry.find(endpoint, request.deployment.schema).request(request)


def _unset(profile: Profile | None, deployment: Deployment) -> dict[str, tuple[str, ...]]:
    options = profile.options if profile else {}
    return {name: where for name, where in options.items() if name not in deployment.options}


def _price(deployment: Deployment, prices: PriceBook) -> tuple[PriceKind, Price | None]:
    if deployment.price is not None:
        return "own", deployment.price
    if "*" in deployment.model and deployment.base_model is None:
        return "per model", None
    found = prices.price_of(deployment.provider, deployment.model, deployment.base_model)
    return "published" if found else "unknown", found


def _usd_per_million(price: Price) -> dict[str, float]:
    """Of tokens; a model that is paid by other units may have none."""
    rates = {name: getattr(price, name) for name in PER_TOKEN}
    rates = {name: rate for name, rate in rates.items() if rate is not None}
    return {n: float(r * 1_000_000) for n, r in rates.items()} if any(rates.values()) else {}


def _usd_per_unit(price: Price) -> dict[str, float]:
    rates = {name: getattr(price, member) for member, name in PER_UNIT.items()}
    return {name: float(rate) for name, rate in rates.items() if rate}

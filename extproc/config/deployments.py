"""Compiles one row of `model_list` into a Deployment."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from extproc.config.modelkeys import (
    GENERATION,
    OTHER_NAMES,
    PRICES,
    TIERED,
    TIERS,
    tier_key,
)
from extproc.config.problems import LeftOut, Warnings, nearest
from extproc.config.upstreams import upstream
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import ENDPOINTS
from extproc.domain.usage import Price
from extproc.providers import registry, watsonx
from extproc.providers.profile import Profile
from extproc.providers.profiles import (
    PROFILES,
    UNSUPPORTED,
    first_set,
    provider_at,
    provider_of_model,
)

GOOGLE = "vertex_credentials"

_REGION = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)/(.+)")
_ARN = re.compile(r"arn:[\w-]+:[\w-]+:([\w-]+):")
_AZURE_PATH = re.compile(
    r"(?P<root>.*?)/openai"
    r"(?:/deployments/(?P<model>[^/]+)(?:/.*)?|/(?P<v1>v1)(?:/.*)?|/responses)?"
)
_FOUNDRY_PATH = re.compile(r"(?P<root>.*?)/models(?:/chat/completions|/embeddings)?")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a deployment that does not say it itself."""

    environ: Mapping[str, str]
    folder: Path = Path()
    """What relative paths start from."""
    ssl_verify: bool | str = True
    timeout_seconds: float | None = None
    stream_timeout_seconds: float | None = None
    drop_params: bool = False
    modify_params: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    """`router_settings.default_litellm_params`."""


def compiled(
    group: str,
    given: Mapping[str, Any],
    info: Mapping[str, Any],
    defaults: Defaults,
    warnings: Warnings,
) -> Deployment:
    """A deployment of `group` from its checked litellm_params and model_info. Raises LeftOut."""
    environ = defaults.environ
    params = _first_names({**defaults.params, **given})
    own_base = params.get("api_base")
    provider, model = _provider(params, own_base)
    model, own_base = _endpoint(provider, model, own_base)
    profile = PROFILES[provider]
    schema, model = profile.schema_of(model)
    _check_mode(info.get("mode"), provider, schema)
    told = _told(provider, model, own_base or first_set(profile.base_env, environ))
    secrets = _secrets(profile, params, defaults)
    options = _options(profile, {**told.options, **params}, environ)
    options = _with_project(schema, told.model, options, secrets)
    api_key = params.get("api_key", "").strip() or first_set(profile.key_env, environ)
    if api_key is None and not profile.keyless and not own_base and not secrets:
        warnings.add(f"{group}: no api_key, and {' or '.join(profile.key_env)} is not set")
    ssl_verify = params.get("ssl_verify", defaults.ssl_verify)
    base = told.base or _base_url(profile, options)
    host, path = upstream(base, profile, ssl_verify, defaults.folder)
    _check_wildcards(group, told.model, warnings)
    return Deployment(
        id=_safe(info.get("id"), "model_info.id") or stable_id(group, params),
        group=group,
        provider=provider,
        model=told.model,
        upstream=host,
        base_path=path,
        schema=schema,
        auth=profile.auth,
        api_key=_safe(api_key, "api_key"),
        headers=_headers(params, profile, environ),
        mode=info.get("mode"),
        base_model=info.get("base_model") or params.get("base_model") or told.base_model,
        price=_price(group, params, info, warnings),
        options=options,
        secrets=secrets,
        defaults={name: params[name] for name in GENERATION if name in params},
        extra_body=params.get("extra_body", {}),
        **_routing(params, defaults),
        **_leniency(params, defaults),
    )


def stable_id(group: str, params: Mapping[str, Any]) -> str:
    """Hex SHA-256 over the row: the same after a restart and on every replica."""
    text = json.dumps([group, params], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


def _first_names(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with what was said under a second name."""
    named: dict[str, Any] = {}
    for second, first in OTHER_NAMES.items():
        if second in params:
            named.setdefault(first, params[second])
    return {**named, **params}


def _routing(params: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """When it is tried, how often and how long."""
    timeout = params.get("request_timeout", defaults.timeout_seconds)
    return {
        "weight": params.get("weight"),
        "rpm": params.get("rpm"),
        "tpm": params.get("tpm"),
        "order": params.get("order"),
        "num_retries": params.get("num_retries", params.get("max_retries")),
        "timeout_seconds": params.get("timeout", timeout),
        "stream_timeout_seconds": params.get("stream_timeout", defaults.stream_timeout_seconds),
        "passes": params.get("use_in_pass_through", False),
    }


def _leniency(params: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """What is done about parameters and messages that the provider would refuse."""
    return {
        "drop_params": params.get("drop_params", defaults.drop_params),
        "additional_drop_params": tuple(params.get("additional_drop_params", ())),
        "allowed_params": frozenset(params.get("allowed_openai_params", ())),
        "modify_params": params.get("modify_params", defaults.modify_params),
    }


def _provider(params: Mapping[str, Any], base: str | None) -> tuple[str, str]:
    """The provider, and the model's name without it."""
    model = params.get("model", "").strip()
    if not model:
        raise LeftOut("litellm_params.model is missing")
    prefix, _, rest = model.partition("/")
    provider = params.get("custom_llm_provider")
    if provider is not None:
        model = rest if prefix == provider and rest else model
    elif rest and (prefix in PROFILES or prefix in UNSUPPORTED):
        provider, model = prefix, rest
    else:
        provider = (provider_at(base) if base else None) or provider_of_model(model)
        if provider is None and model == "*":
            provider = "openai"
    if provider is None:
        raise LeftOut(
            "LLM Provider NOT provided. Pass in the LLM provider you are trying to call, as in "
            f"openai/{model}. You passed model={model}"
            + (nearest(prefix, PROFILES) if rest else "")
        )
    if provider in UNSUPPORTED:
        raise LeftOut(f"provider {provider} is not supported yet")
    if provider not in PROFILES:
        raise LeftOut(f"provider {provider} is not known{nearest(provider, PROFILES)}")
    return provider, model


@dataclass(frozen=True, slots=True)
class _Told:
    """A model's name and an api_base, with what else they said taken out of them."""

    model: str
    base: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    base_model: str | None = None


def _told(provider: str, model: str, base: str | None) -> _Told:
    if provider == "bedrock":
        return _told_of_bedrock(model, base)
    if provider in ("azure", "azure_ai") and base:
        return _told_of_azure(provider, model, base)
    return _Told(model, base)


def _endpoint(provider: str, model: str, base: str | None) -> tuple[str, str | None]:
    """`huggingface/https://host` is an endpoint of one model, which goes by any name.

    https://huggingface.co/docs/text-generation-inference/messages_api
    """
    if provider == "huggingface" and model.startswith(("http://", "https://")):
        return "tgi", base or model
    return model, base


def _told_of_bedrock(model: str, base: str | None) -> _Told:
    """`us-east-1/model` and `arn:aws:bedrock:us-east-1:…` say the region."""
    if found := _ARN.match(model):
        return _Told(model, base, {"aws_region_name": found[1]})
    if found := _REGION.fullmatch(model):
        return _Told(found[2], base, {"aws_region_name": found[1]})
    return _Told(model, base)


def _told_of_azure(provider: str, model: str, base: str) -> _Told:
    """Whole URLs are pasted: `https://host/openai/deployments/name/…?api-version=…`."""
    try:
        url = urlsplit(base.strip())
    except ValueError:
        raise LeftOut("api_base is not a URL") from None
    asked = dict(parse_qsl(url.query))
    version = asked.pop("api-version", "")
    path = url.path.rstrip("/")
    if provider == "azure_ai" and _AZURE_PATH.fullmatch(path):
        raise LeftOut(f"this api_base is Azure OpenAI's: name the model azure/{model}")
    found = (_AZURE_PATH if provider == "azure" else _FOUNDRY_PATH).fullmatch(path)
    said = found.groupdict() if found else {"root": path}
    version = version or said.get("v1") or ""
    named = unquote(said.get("model") or "") or model
    return _Told(
        named,
        urlunsplit((url.scheme, url.netloc, said["root"], urlencode(asked), url.fragment)),
        {"api_version": version} if version else {},
        None if named == model or "*" in model else model,
    )


def _filled(
    table: Mapping[str, tuple[str, ...]], params: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, str]:
    """The provider's own parameters: from the row, else from the environment."""
    found = {}
    for name, variables in table.items():
        given = params.get(name)
        text = json.dumps(given) if isinstance(given, dict) else given
        value = text or first_set(variables, environ)
        if value:
            found[name] = str(value)
    return found


def _options(
    profile: Profile, params: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, str]:
    return {**profile.defaults, **_filled(profile.options, params, environ)}


def _secrets(profile: Profile, params: Mapping[str, Any], defaults: Defaults) -> dict[str, str]:
    found = _filled(profile.secrets, params, defaults.environ)
    if GOOGLE in found and not _is_json(found[GOOGLE]):
        found[GOOGLE] = _path_of(found[GOOGLE], defaults.folder)
    return found


def _path_of(credentials: str, folder: Path) -> str:
    """From the config's folder, if there is such a file; else as it is."""
    try:
        file = (folder / credentials).resolve(strict=True)
    except (OSError, ValueError):
        return credentials
    return str(file)


def _with_project(
    schema: str, model: str, options: dict[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """The options with the project that pays, where the provider asks for one."""
    owned = options.get("project_id") or options.get("space_id")
    if schema == "watsonx" and not owned and not model.startswith(watsonx.DEPLOYED):
        raise LeftOut("watsonx needs project_id or space_id")
    if not schema.startswith("vertex") or options.get("vertex_project"):
        return options
    project = _project_of(secrets.get(GOOGLE, ""))
    if not project:
        raise LeftOut("vertex_ai needs vertex_project, or vertex_credentials that name a project")
    return {**options, "vertex_project": project}


def _project_of(credentials: str) -> str | None:
    """A service account's project, a person's quota project. Raises LeftOut."""
    if not credentials:
        return None
    try:
        text = credentials if _is_json(credentials) else Path(credentials).read_text("utf-8")
        info = json.loads(text)
    except (OSError, ValueError):
        raise LeftOut("vertex_credentials is neither JSON nor the path of a JSON file") from None
    known = info if isinstance(info, dict) else {}
    project = known.get("project_id") or known.get("quota_project_id")
    return project if isinstance(project, str) else None


def _is_json(credentials: str) -> bool:
    return credentials.lstrip().startswith("{")


_WIDE: Mapping[str, str] = {
    "https://global-aiplatform.": "https://aiplatform.googleapis.com",
    "https://us-aiplatform.": "https://aiplatform.us.rep.googleapis.com",
    "https://eu-aiplatform.": "https://aiplatform.eu.rep.googleapis.com",
}
"""Google's locations that are no region have hosts of their own kind.
https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations"""


def _base_url(profile: Profile, options: Mapping[str, str]) -> str:
    """The provider's own URL, with the deployment's options in it."""
    if not profile.base_url:
        raise LeftOut(f"{profile.name} needs an api_base")
    try:
        url = profile.base_url.format(**options)
    except KeyError as missing:
        raise LeftOut(f"{profile.name} needs {missing.args[0]}") from None
    return next((wide for host, wide in _WIDE.items() if url.startswith(host)), url)


def _check_mode(mode: str | None, provider: str, schema: str) -> None:
    """Whether what the operator says that it serves can be served at all."""
    wanted = [endpoint for endpoint, facts in ENDPOINTS.items() if mode in facts.modes]
    if wanted and not any((endpoint, schema) in registry.TRANSLATORS for endpoint in wanted):
        raise LeftOut(f"model_info.mode is {mode}, and {provider} ({schema}) does not serve that")


def _check_wildcards(group: str, model: str, warnings: Warnings) -> None:
    if group.count("*") > 1:
        warnings.add(f"{group}: only the first * of a model_name matches anything")
    if "*" in model and "*" not in group:
        raise LeftOut(f"model {model} has a *, model_name {group} has none to fill it with")


def _headers(
    params: Mapping[str, Any], profile: Profile, environ: Mapping[str, str]
) -> dict[str, str]:
    """Under names in lower case, as HTTP/2 has them: one header is not sent twice."""
    given = [*params.get("headers", {}).items(), *params.get("extra_headers", {}).items()]
    headers = {name.lower(): value for name, value in given}
    organization = params.get("organization")
    if organization is None and profile.name == "openai":
        organization = first_set(("OPENAI_ORGANIZATION",), environ)
    if organization:
        headers["openai-organization"] = organization
    for name, value in headers.items():
        _safe(name + value, "extra_headers")
        if not name or not name.isascii() or any(letter in name for letter in ": \t"):
            raise LeftOut("extra_headers holds a name that no header may have")
    return headers


def _safe(value: str | None, name: str) -> str | None:
    """A header's value: nothing that would end it."""
    if value is not None and not (value.isascii() and value.isprintable()):
        raise LeftOut(f"{name} holds characters that a header may not")
    return value


def _price(
    group: str, params: Mapping[str, Any], info: Mapping[str, Any], warnings: Warnings
) -> Price | None:
    """The operator's own price. litellm_params win over model_info, rate by rate."""
    given: dict[str, Any] = {}
    for name, rate in PRICES.items():
        value = params.get(name, info.get(name))
        if value is not None:
            given[rate] = value
    if not given:
        return None
    for name, rate in (("input_cost_per_token", "input"), ("output_cost_per_token", "output")):
        if rate not in given and not (rate == "output" and info.get("mode") == "embedding"):
            warnings.add(f"{group}: {name} is not given beside other prices and counts as 0")
    price = Price(**{"input": Decimal(0), "output": Decimal(0), **given})
    return replace(price, tiers=_tiers(price, {**info, **params}))


def _tiers(price: Price, given: Mapping[str, Any]) -> tuple[tuple[int, Price], ...]:
    """The prices of long prompts, each with what it does not say from the tier below."""
    tiers = []
    for thousand in TIERS:
        rates = {
            PRICES[name]: given[tier_key(name, thousand)]
            for name in TIERED
            if given.get(tier_key(name, thousand)) is not None
        }
        if rates:
            price = replace(price, **rates)
            tiers.append((thousand * 1000, price))
    return tuple(tiers)

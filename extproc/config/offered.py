"""What is offered without a model_list: the providers whose key is in the environment."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

from extproc.config.deployments import Defaults, compiled
from extproc.config.problems import LeftOut, Warnings
from extproc.config.upstreams import upstream
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Price
from extproc.providers.profiles import PROFILES, first_set

DEMO = "demo"
DEMO_PRICE = Price(input=Decimal("0.0000001"), output=Decimal("0.0000004"))

_DEMOS = {DEMO: DEMO, f"{DEMO}/*": "*"}
_KEY = {"api_key": "sk-demo"}
_AWS_KEYS = {
    "aws_region_name": "us-east-1",
    "aws_access_key_id": "AKIDDEMO",
    "aws_secret_access_key": "demo",
}
_DISGUISES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "anthropic": ("", _KEY),
    "azure": ("", _KEY),
    "bedrock": ("", _AWS_KEYS),
    "cohere": ("", _KEY),
    "gemini": ("/v1beta", _KEY),
    "mistral": ("/mistral/v1", _KEY),
    "ollama": ("", {}),
    "openai": ("/v1", _KEY),
}
"""Whose formats the simulated provider is offered in: the path below its root, and the rest of
litellm_params."""

_TWINS = frozenset({"ai21_chat", "ollama_chat", "text-completion-openai"})
"""Second names of a provider that is offered already."""

Groups = dict[str, tuple[Deployment, ...]]


def offered(defaults: Defaults, warnings: Warnings) -> Groups:
    """`openai/*` and so on, for every provider whose key is set."""
    groups: Groups = {}
    for name, profile in PROFILES.items():
        if name in _TWINS or first_set(profile.key_env, defaults.environ) is None:
            continue
        group = f"{name}/*"
        try:
            groups[group] = (compiled(group, {"model": group}, {}, defaults, warnings),)
        except LeftOut as reason:
            warnings.add(f"{group}: left out: {reason}")
    return groups


def demo(url: str) -> Groups:
    """The simulated provider at `url`: `demo`, `demo/anything`, and `demo-gemini` and so on, the
    same in another provider's wire format."""
    groups: Groups = {group: (_demo(group, model, url),) for group, model in _DEMOS.items()}
    for name, (path, params) in _DISGUISES.items():
        groups[f"{DEMO}-{name}"] = (_disguised(name, url, path, params),)
    return groups


def _disguised(name: str, url: str, path: str, params: Mapping[str, str]) -> Deployment:
    """Compiled as the row of a config file would be."""
    group = f"{DEMO}-{name}"
    base = urlsplit(url)._replace(path=path).geturl()
    row = {"model": f"{name}/{DEMO}", "api_base": base, **params}
    made = compiled(group, row, {"id": group}, Defaults(environ={}), Warnings())
    return replace(made, price=DEMO_PRICE)


def _demo(group: str, model: str, url: str) -> Deployment:
    host, path = upstream(url, None, True, Defaults(environ={}).folder)
    return Deployment(
        id=group.replace("/*", "-any"),
        group=group,
        provider=DEMO,
        model=model,
        upstream=host,
        base_path=path,
        price=DEMO_PRICE,
    )


def is_demo(environ: Mapping[str, str]) -> bool:
    """Whether no provider's key is set, so that only the simulated one can answer."""
    return not any(first_set(profile.key_env, environ) for profile in PROFILES.values())

"""What is offered without a model_list: the providers whose key is in the environment."""

from collections.abc import Mapping
from decimal import Decimal

from extproc.config.deployments import Defaults, compiled
from extproc.config.problems import LeftOut, Warnings
from extproc.config.upstreams import upstream
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Price
from extproc.providers.profiles import PROFILES, first_set

DEMO = "demo"
DEMO_PRICE = Price(input=Decimal("0.0000001"), output=Decimal("0.0000004"))

_TWINS = frozenset({"ollama_chat", "text-completion-openai"})
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
    """The simulated provider at `url`, as `demo` and as `demo/anything`."""
    return {group: (_demo(group, model, url),) for group, model in ((DEMO, DEMO), ("demo/*", "*"))}


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

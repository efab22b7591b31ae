"""Loads a LiteLLM config.yaml, or what the environment offers, into a Snapshot.

    file ─ read, include, environment ─► document ─ tables ─► checked values ─► Snapshot, General

The same file and environment give the same generation on every replica.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from extproc.config.check import section
from extproc.config.deployments import Defaults
from extproc.config.document import document, resolved
from extproc.config.documentkeys import DOCUMENT
from extproc.config.environkeys import READ, TELLING, UNUSED
from extproc.config.guardrails import callback_rules, listed_rules
from extproc.config.models import aliases, groups
from extproc.config.offered import demo, is_demo, offered
from extproc.config.passthrough import passing
from extproc.config.problems import ConfigError, Warnings
from extproc.config.rules import rules
from extproc.config.yamlfile import Node
from extproc.domain.snapshot import Snapshot

STAND_INS: Mapping[str, tuple[str, str]] = {
    "database_url": ("DATABASE_URL", "`extproc run` starts a Postgres of its own, in DATA_DIR"),
    "master_key": ("LITELLM_MASTER_KEY", "`extproc run` makes a key of its own, in DATA_DIR"),
}
"""General setting -> (the variable that may say it instead, what happens without both)."""


@dataclass(frozen=True, slots=True)
class General:
    """What the processes take from a config. The environment wins: callers merge."""

    master_key: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    redis_host: str | None = None
    redis_port: int = 6379
    redis_password: str | None = field(default=None, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`environment_variables`: set where the process has no value of its own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    snapshot: Snapshot
    general: General = General()
    warnings: tuple[str, ...] = ()


def load(path: Path | None, environ: Mapping[str, str], demo_url: str = "") -> Loaded:
    """The config at `path`; without one, what `environ` offers, else the simulated provider.

    Raises ConfigError, one line, for a file that cannot be used. `demo_url` is the simulated
    provider's base URL (`http://127.0.0.1:port/v1`); it serves only when nothing else could.
    """
    warnings = Warnings()
    unread = sorted(name for name in TELLING if environ.get(name))
    if unread:
        warnings.add(f"environment: {', '.join(unread)}: recognised, no effect yet")
    if path is not None:
        return _from_file(path, environ, warnings)
    found = offered(Defaults(environ), warnings)
    if demo_url and is_demo(environ):
        found = demo(demo_url)
    general = _general({}, {}, environ, {})
    snapshot = Snapshot("", found, passing=passing({}, found, Defaults(environ), warnings))
    return Loaded(_stamped(snapshot), general, warnings.lines)


def _from_file(path: Path, environ: Mapping[str, str], warnings: Warnings) -> Loaded:
    root = document(path, warnings)
    own = _environment(root, environ, warnings)
    everything = {**own, **{name: value for name, value in environ.items() if value}}
    root = resolved(replace(root, value=_without_environment(root.value)), everything)
    given = section(root, DOCUMENT, "", warnings)
    litellm = given.get("litellm_settings", {})
    general = given.get("general_settings", {})
    router = given.get("router_settings", {})
    defaults = _defaults(litellm, router, everything, path.parent)
    _warn_of_defaults(root, general, everything, warnings)
    found = groups(given, defaults, warnings)
    if general.get("infer_model_from_keys"):
        found = {**offered(defaults, warnings), **found}
    names, hidden = aliases(router.get("model_group_alias", {}), found, warnings)
    guardrails = callback_rules(litellm, path.parent, warnings)
    guardrails += listed_rules(given.get("guardrails", []), path.parent, warnings)
    snapshot = Snapshot(
        "",
        found,
        names,
        hidden,
        rules(litellm, general, router, tuple(guardrails)),
        passing(general, found, defaults, warnings),
    )
    return Loaded(_stamped(snapshot), _general(general, router, everything, own), warnings.lines)


def _warn_of_defaults(
    root: Node, general: Mapping[str, Any], environ: Mapping[str, str], warnings: Warnings
) -> None:
    """Of what stands in for a setting that was meant to come from an unset variable."""
    block = root.value.get("general_settings")
    meant = block.value if block is not None and isinstance(block.value, dict) else {}
    for name, (variable, then) in STAND_INS.items():
        if name in meant and not general.get(name) and not environ.get(variable):
            path = f"{meant[name].where}: general_settings.{name}"
            warnings.add(f"{path}: {variable} is unset, too: {then}")


def _without_environment(sections: Mapping[str, Node]) -> dict[str, Node]:
    return {name: node for name, node in sections.items() if name != "environment_variables"}


def _environment(root: Node, environ: Mapping[str, str], warnings: Warnings) -> dict[str, str]:
    """The `environment_variables` block as text; its values may refer to the environment."""
    block = root.value.get("environment_variables")
    if block is None or block.value is None:
        return {}
    if not isinstance(block.value, dict):
        raise ConfigError(f"{block.where}: environment_variables: expected a mapping")
    found = {}
    for name, node in resolved(block, environ).value.items():
        path = f"environment_variables.{name}"
        if isinstance(node.value, (dict, list)):
            raise ConfigError(f"{node.where}: {path}: expected text, got a list or a mapping")
        if node.unset:
            warnings.add(f"{node.where}: {path}: os.environ/{node.unset} is not set")
        elif node.value is not None:
            found[name] = node.text
        if name in UNUSED and name not in READ:
            warnings.without_effect(path)
    return found


def _defaults(
    litellm: Mapping[str, Any],
    router: Mapping[str, Any],
    environ: Mapping[str, str],
    folder: Path,
) -> Defaults:
    word = environ.get("SSL_VERIFY", "").strip()
    from_environment: bool | str = {"": True, "true": True, "false": False}.get(word.lower(), word)
    return Defaults(
        environ=environ,
        folder=folder,
        ssl_verify=litellm.get("ssl_verify", from_environment),
        timeout_seconds=litellm.get("request_timeout", router.get("timeout")),
        stream_timeout_seconds=litellm.get("stream_timeout", router.get("stream_timeout")),
        drop_params=litellm.get("drop_params", False),
        modify_params=litellm.get("modify_params", False),
        params=router.get("default_litellm_params", {}),
    )


def _general(
    general: Mapping[str, Any],
    router: Mapping[str, Any],
    environ: Mapping[str, str],
    own: Mapping[str, str],
) -> General:
    port = router.get("redis_port") or environ.get("REDIS_PORT", "")
    return General(
        master_key=general.get("master_key")
        or own.get("LITELLM_MASTER_KEY")
        or environ.get("PROXY_MASTER_KEY"),
        database_url=general.get("database_url") or own.get("DATABASE_URL") or _assembled(environ),
        redis_url=router.get("redis_url") or own.get("REDIS_URL"),
        redis_host=router.get("redis_host") or own.get("REDIS_HOST"),
        redis_port=int(port) if str(port).isdecimal() else 6379,
        redis_password=router.get("redis_password") or own.get("REDIS_PASSWORD"),
        environment=own,
    )


def _assembled(environ: Mapping[str, str]) -> str | None:
    """A DATABASE_URL made of DATABASE_HOST and its companions."""
    host, name = environ.get("DATABASE_HOST"), environ.get("DATABASE_NAME")
    if not host or not name:
        return None
    user = quote(environ.get("DATABASE_USER") or environ.get("DATABASE_USERNAME", ""), safe="")
    password = quote(environ.get("DATABASE_PASSWORD", ""), safe="")
    port = environ.get("DATABASE_PORT", "")
    login = f"{user}{':' if password else ''}{password}@" if user else ""
    return f"postgresql://{login}{host}{':' if port else ''}{port}/{quote(name, safe='')}"


def _stamped(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its generation: a hash of all that was compiled, secrets included."""
    shape = [
        [
            [group, [asdict(d) for d in deployments]]
            for group, deployments in snapshot.groups.items()
        ],
        dict(snapshot.aliases),
        sorted(snapshot.hidden_aliases),
        asdict(snapshot.rules),
        asdict(snapshot.passing),
    ]
    text = json.dumps(shape, sort_keys=True, default=_written)
    return replace(snapshot, generation=sha256(text.encode()).hexdigest()[:16])


def _written(value: object) -> object:
    """The order of a set is another in every process."""
    return sorted(value) if isinstance(value, frozenset) else str(value)

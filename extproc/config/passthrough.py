"""Compiles what may pass as it came: providers' own APIs, and `pass_through_endpoints`."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from extproc.config.check import rows, section, unset
from extproc.config.deployments import Defaults, compiled, stable_id
from extproc.config.offered import Groups
from extproc.config.problems import ConfigError, LeftOut, Warnings
from extproc.config.settingkeys import PASS_THROUGH
from extproc.config.upstreams import upstream
from extproc.config.yamlfile import Node
from extproc.domain import routes
from extproc.domain.deployment import Deployment
from extproc.domain.passthrough import PREFIXES, Passing, PassThrough
from extproc.domain.usage import nanousd
from extproc.providers.profiles import PROFILES, first_set, provider_at

KEY_HEADER = "litellm_user_api_key"
"""The member of `headers` that names the header in which clients send the gateway's key."""
UNKNOWN = "pass_through"
"""The provider of a target that no provider is known to be at."""

WITH_OWN_KEY: Mapping[str, tuple[str, str, str]] = {
    "deepgram": ("https://api.deepgram.com", "DEEPGRAM_API_KEY", "Token {}"),
    "assemblyai": ("https://api.assemblyai.com", "ASSEMBLYAI_API_KEY", "{}"),
    "eu.assemblyai": ("https://api.eu.assemblyai.com", "ASSEMBLYAI_API_KEY", "{}"),
    "fal_ai": ("https://fal.run", "FAL_AI_API_KEY", "Key {}"),
}
"""Providers that are passed to and not translated: base URL, variable, `Authorization`.
https://developers.deepgram.com/reference/authentication, https://www.assemblyai.com/docs/api-reference,
https://docs.fal.ai/model-apis"""

_REFERENCE = re.compile(r"os\.environ/(\w+)")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
RESERVED = frozenset(
    {"audit", "budget", "cache", "config", "credentials", "customer", "docs", "end_user", "global"}
    | {"guardrails", "health", "invitation", "key", "login", "metrics", "model", "openapi.json"}
    | {"organization", "redoc", "routes", "spend", "sso", "tag", "team", "ui", "user"}
)
"""First parts of the paths at which the gateway itself is managed and watched."""


def passing(
    general: Mapping[str, Any], found: Groups, defaults: Defaults, warnings: Warnings
) -> Passing:
    """From the checked `general_settings` and the model groups."""
    everyone = general.get("use_client_credentials_pass_through_routes", False)
    return Passing(
        _providers(found, defaults, everyone),
        _endpoints(general, defaults, warnings),
        everyone,
        general.get("pass_through_stored_objects", False),
    )


def _providers(
    found: Groups, defaults: Defaults, everyone: bool
) -> dict[str, tuple[Deployment, ...]]:
    """Deployments that say so, then what the environment gives."""
    listed = [deployment for group in found.values() for deployment in group]
    served = {}
    for name in dict.fromkeys(name for names in PREFIXES.values() for name in names):
        marked = [each for each in listed if each.provider == name and each.passes]
        own = _with_own_key(name, defaults) if name in WITH_OWN_KEY else _known(name, defaults)
        usable = own is not None and (everyone or _has_credential(name, own, defaults))
        deployments = (*marked, *((own,) if own is not None and usable else ()))
        if deployments:
            served[name] = deployments
    return served


def _known(name: str, defaults: Defaults) -> Deployment | None:
    """The provider at its usual place, or where the environment says that it is."""
    try:
        made = compiled(f"{name}/*", {"model": f"{name}/*"}, {}, defaults, Warnings())
    except LeftOut:
        return None
    group = f"pass-through/{name}"
    return replace(made, id=group, group=group, model="", passes=True)


def _with_own_key(name: str, defaults: Defaults) -> Deployment:
    base, variable, form = WITH_OWN_KEY[name]
    host, path = upstream(base, None, defaults.ssl_verify, defaults.folder)
    key = first_set((variable,), defaults.environ)
    group = f"pass-through/{name}"
    return Deployment(
        id=group,
        group=group,
        provider=name,
        model="",
        upstream=host,
        base_path=path,
        headers={"authorization": form.format(key)} if key else {},
        passes=True,
    )


def _has_credential(name: str, made: Deployment, defaults: Defaults) -> bool:
    """Whether the environment gives a key, or what a credential is made of."""
    if name in WITH_OWN_KEY:
        return bool(made.headers)
    profile = PROFILES[name]
    keyless = profile.keyless and first_set(profile.base_env, defaults.environ) is not None
    return bool(made.api_key or made.secrets or keyless)


def _endpoints(
    general: Mapping[str, Any], defaults: Defaults, warnings: Warnings
) -> tuple[PassThrough, ...]:
    found: dict[str, PassThrough] = {}
    timeout = general.get("pass_through_request_timeout")
    listed = general.get("pass_through_endpoints", [])
    for path, node in rows(listed, "general_settings.pass_through_endpoints"):
        try:
            endpoint = _endpoint(path, node, timeout, defaults, warnings)
            if endpoint.path in found:
                raise LeftOut(f"there is another endpoint with the path {endpoint.path}")
        except LeftOut as reason:
            warnings.add(f"{node.where}: {path}: left out: {reason}")
            continue
        found[endpoint.path] = endpoint
    return tuple(found.values())


def _endpoint(
    path: str, node: Node, timeout: float | None, defaults: Defaults, warnings: Warnings
) -> PassThrough:
    missing = sorted(set(unset(node)))
    if missing:
        raise LeftOut(f"{', '.join(f'os.environ/{name}' for name in missing)} is not set")
    row = section(node, PASS_THROUGH, path, warnings)
    if not row.get("path") or not row.get("target"):
        raise ConfigError(f"{node.where}: {path}: needs path and target")
    if row.get("guardrails"):
        raise LeftOut("guardrails of a single endpoint cannot be run yet")
    include_subpath = row.get("include_subpath", False)
    served = _served(row["path"], include_subpath)
    headers = {name.lower(): value for name, value in row.get("headers", {}).items()}
    key_header = headers.pop(KEY_HEADER, None)
    return PassThrough(
        path=served,
        deployment=_target(row, served, _headers(headers, defaults), timeout, defaults),
        include_subpath=include_subpath,
        methods=tuple(sorted(method.upper() for method in row.get("methods", ()))),
        key_needed=row.get("auth", True),
        key_header=key_header.lower() if key_header else None,
        forward_headers=row.get("forward_headers", False),
        query=urlsplit(row["target"]).query,
        merge_query=row.get("merge_query_params", False),
        default_query=row.get("default_query_params", {}),
        cost_nanousd=nanousd(row["cost_per_request"]) if "cost_per_request" in row else None,
    )


def _served(path: str, include_subpath: bool) -> str:
    """The path, without a slash at its end, if it can be served."""
    served = path.rstrip("/")
    if not _PATH.fullmatch(served) or any(part in (".", "..") for part in served.split("/")):
        raise LeftOut(f"path {path} is not /part/part with the plain characters of a URL")
    taken = [route for method in ("GET", "POST") if (route := routes.match(method, served))]
    if any(route is not routes.PASSED for route in taken):
        raise LeftOut(f"the gateway serves {served} itself")
    if served.split("/")[1] in RESERVED:
        raise LeftOut(f"below /{served.split('/')[1]} the gateway itself is managed")
    return served


def _headers(given: Mapping[str, str], defaults: Defaults) -> dict[str, str]:
    """With `os.environ/NAME` replaced, also inside of a value (`Bearer os.environ/KEY`)."""
    headers = {}
    for name, value in given.items():
        for variable in _REFERENCE.findall(value):
            if first_set((variable,), defaults.environ) is None:
                raise LeftOut(f"os.environ/{variable} is not set")
        filled = _REFERENCE.sub(lambda found: defaults.environ[found[1]].strip(), value)
        ours = name.startswith(("x-gateway-", "x-envoy-"))
        if not _NAME.fullmatch(name) or name in _FRAMING or ours:
            raise LeftOut(f"headers: {name} may not be set")
        if not (filled.isascii() and filled.isprintable()):
            raise LeftOut(f"headers: {name} holds characters that a header may not")
        headers[name] = filled
    return headers


def _target(
    row: Mapping[str, Any],
    served: str,
    headers: Mapping[str, str],
    timeout: float | None,
    defaults: Defaults,
) -> Deployment:
    base = row["target"].partition("?")[0]
    try:
        host, path = upstream(base, None, defaults.ssl_verify, defaults.folder)
    except LeftOut as reason:
        raise LeftOut(str(reason).replace("api_base", "target")) from None
    return Deployment(
        id=row.get("id") or stable_id(served, {"target": base}),
        group=served,
        provider=provider_at(base) or UNKNOWN,
        model="",
        upstream=host,
        base_path=path or "/",
        headers=headers,
        timeout_seconds=row.get("timeout", timeout),
    )

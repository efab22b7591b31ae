"""Who may pass a request through, and where it goes: to a provider's own API, or as configured."""

from dataclasses import dataclass, replace
from functools import partial
from hmac import compare_digest
from urllib.parse import unquote

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.domain.key import Key, digest
from extproc.domain.passage import Passage
from extproc.domain.passthrough import PREFIXES, PassThrough, prefix_of
from extproc.domain.snapshot import Snapshot
from extproc.errors import AuthError, InvalidRequest, NotFound, UnknownKey, WrongMethod
from extproc.policy import query
from extproc.policy.identify import CARRIERS, Authenticate, NoDatabase, NotOurs, without_scheme
from extproc.policy.passing.carrying import (
    MADE_HERE,
    credentials,
    is_key,
    kept,
    kept_by,
    own_header,
    passed_as,
    without_ours,
)
from extproc.policy.passing.naming import Named, format_of, is_unmetered, named, renamed, written
from extproc.policy.passing.scope import check, check_stored
from extproc.policy.pipeline import Stage
from extproc.policy.plan import order
from extproc.providers import forms
from extproc.providers.profiles import PROFILES
from extproc.stores.base import StoreUnavailable

USAGE_ASKED = frozenset(
    {"openai", "azure", "azure_ai", "gemini", "hosted_vllm", "vllm", "openrouter", "nvidia_nim"}
    | {"vertex_ai", "vertex_ai_beta"}
)
"""Providers whose streams of OpenAI's format say their usage only if `stream_options` asks."""


@dataclass(frozen=True, slots=True)
class IdentifyPassing:
    """The stage: who is calling, for what passes through as for everything else.

    Without a key are those who may be: at endpoints that need none, and, where the operator
    allows it, whoever brings a provider's credential.
    """

    authenticate: Authenticate

    async def __call__(self, call: Call) -> Call:
        if call.endpoint != "pass_through":
            return await self.authenticate(call)
        path = call.path.partition("?")[0]
        endpoint = call.snapshot.passing.endpoint(path)
        if endpoint is None and prefix_of(path) is None:
            method = call.headers.get(":method", "")
            raise NotFound(f"{method} {path} is not served by this gateway.")
        if endpoint is not None:
            found = await self._configured(call, endpoint)
        elif call.snapshot.passing.client_credentials:
            found = await self._ours_or_theirs(call)
        else:
            found = await self._with_query(call)
        every = found.key is None if endpoint is None else endpoint.forward_headers
        return await without_ours(found, every, partial(self._is_ours, found.key))

    async def _is_ours(self, key: Key | None, secret: str) -> bool:
        """Also where nobody can say."""
        authenticate, key_hash = self.authenticate, digest(secret)
        ours = [authenticate.master_key_hash, *([key.hash] if key else [])]
        if any(compare_digest(key_hash, each) for each in ours):
            return True
        if not secret.startswith("sk-") or authenticate.keys is None:
            return False
        if MADE_HERE.fullmatch(secret):
            return True
        try:
            return await authenticate.keys.find(key_hash) is not None
        except StoreUnavailable:
            return True

    async def _configured(self, call: Call, endpoint: PassThrough) -> Call:
        method = call.headers.get(":method", "")
        if endpoint.methods and method not in endpoint.methods:
            raise WrongMethod(f"{endpoint.path} is not served for {method}.")
        if not endpoint.key_needed:
            return call
        if endpoint.key_header is not None:
            return await self._known(call, call.headers.get(endpoint.key_header, ""))
        return await self._with_query(call)

    async def _ours_or_theirs(self, call: Call) -> Call:
        """With a key, should any of the credentials be one."""
        if call.headers.get(own_header(call)):
            return await self.authenticate(call)
        shown = list(credentials(call))
        if not shown:
            raise AuthError("Authentication Error, No api key passed in.")
        for value in shown:
            try:
                return await self._known(call, value)
            except UnknownKey:
                if MADE_HERE.fullmatch((without_scheme(value) or value).strip()):
                    raise
            except (NotOurs, NoDatabase):
                continue
        return call

    async def _with_query(self, call: Call) -> Call:
        """Google's clients may send their key in the query."""
        names = (own_header(call),) if call.snapshot.rules.key_header else CARRIERS
        value = next(query.values(call.path, "key"), "")
        if not value or any(call.headers.get(name) for name in names):
            return await self.authenticate(call)
        return await self._known(call, value)

    async def _known(self, call: Call, value: str) -> Call:
        if not value:
            raise AuthError("Authentication Error, No api key passed in.")
        found = await self.authenticate(call.but(headers={own_header(call): value}))
        return found.but(headers=call.headers)


@dataclass(frozen=True, slots=True)
class Passages:
    """Decides where calls go, once the guardrails have seen what would pass."""

    guard: Stage

    async def __call__(self, call: Call, data: bytes) -> Passage:
        """Raises GatewayError for a call that may not pass, or goes nowhere."""
        passage = resolve(call, data)
        known = passage.format
        asked = passage.call.but(endpoint=known[0]) if known else passage.call
        guarded = await self.guard(asked)
        seen = guarded.but(endpoint=call.endpoint)
        if not seen.body_changed:
            return replace(passage, call=seen)
        return _written_anew(replace(passage, call=seen))


def _written_anew(passage: Passage) -> Passage:
    """With the body that its call holds in place of the client's."""
    call, kept = passage.call, passage.kept - {"content-encoding"}
    if forms.is_form(call.headers.get("content-type", "")):
        body, content_type = forms.encode(call.body, f"form-{call.id}")
        headers = {**passage.headers, "content-type": content_type}
        return replace(passage, body=body, headers=headers, kept=kept)
    return replace(passage, body=written(call.body), kept=kept)


def resolve(call: Call, data: bytes) -> Passage:
    """Where the call goes. Raises GatewayError for one that may not, or goes nowhere."""
    path, _, asked = call.path.partition("?")
    if any(part in (".", "..") for part in unquote(path).replace("\\", "/").split("/")):
        raise InvalidRequest("The path holds steps that lead elsewhere.")
    call = call.but(body_bytes=len(data))
    endpoint = call.snapshot.passing.endpoint(path)
    if endpoint is not None:
        what = named(call, path, data, endpoint.deployment.provider)
        return _configured(call.but(asked=what.body), endpoint, path, asked, what)
    prefix = prefix_of(path)
    assert prefix is not None
    what = named(call, path, data, PREFIXES[prefix][0])
    return _native(call.but(asked=what.body), prefix, path, asked, what)


def _configured(call: Call, endpoint: PassThrough, path: str, asked: str, what: Named) -> Passage:
    target = endpoint.deployment
    below = path.removeprefix(endpoint.path)
    whole = target.base_path.rstrip("/") + below if below else target.base_path
    known = target.provider in _READABLE
    check(call, target.provider, whole, what, known=known)
    sent = query.without_secret(asked, lambda value: is_key(call.key, value))
    search = query.merged(sent, endpoint)
    format_ = format_of(call, whole, what.body) if known else None
    what = _with_usage(what, format_, target.provider)
    passage = Passage(
        call=_about(call, what, endpoint.path, read=format_ is not None),
        deployment=replace(target, model=what.model or endpoint.path),
        path=f"{whole}?{search}" if search else whole,
        kept=kept_by(endpoint, call),
        headers=passed_as(call, target.headers),
        signed=False,
        format=format_,
        unmetered=is_unmetered(call, whole, format_),
        cost_nanousd=endpoint.cost_nanousd,
        cost_told=True,
    )
    return _written_anew(passage) if what.changed else passage


_READABLE = frozenset(name for names in PREFIXES.values() for name in names)


def _native(call: Call, prefix: str, path: str, asked: str, what: Named) -> Passage:
    rest = path.removeprefix(f"/{prefix}")
    model = what.model
    served = _deployment(call, PREFIXES[prefix], model, rest)
    if served is None:
        raise NotFound(
            f"/{prefix} leads nowhere: name a model group in the path or the body, or configure a "
            f"credential for {PREFIXES[prefix][0]} itself, in its variable or on a deployment with "
            "use_in_pass_through."
        )
    deployment, group = served
    provider = deployment.provider
    check(call, provider, rest, what, known=True)
    check_stored(call, provider, rest, what)
    own = call.key is None  # the client's credential is not one of ours
    if own:
        deployment = replace(deployment, headers={}, api_key=None)
    ours = deployment.model if group else model
    format_ = format_of(call, rest, what.body)
    about = _about(call, what, group or model or prefix, read=format_ is not None)
    if group and ours != model:
        rest, what = renamed(rest, what, model, ours, provider)
    what = what if own else _with_usage(what, format_, provider)
    search = asked if own else query.without_credentials(asked)
    whole = joined(deployment.base_path, rest)
    passage = Passage(
        call=about.but(body=what.body),
        deployment=_as(deployment, ours, prefix),
        path=f"{whole}?{search}" if search else whole,
        kept=kept(call, own),
        headers=passed_as(call, deployment.headers),
        signed=not own,
        format=format_,
        unmetered=is_unmetered(call, rest, format_),
    )
    return _written_anew(passage) if what.changed else passage


def _about(call: Call, what: Named, group: str, *, read: bool) -> Call:
    """The prompt's size counts only where something reads it as a prompt."""
    size = call.body_bytes if read else 0
    return call.but(body=what.body, model=what.model, group=group, body_bytes=size)


def _as(deployment: Deployment, model: str, prefix: str) -> Deployment:
    """The deployment with another model: what its own costs says nothing of that."""
    if model and model == deployment.model:
        return deployment
    return replace(deployment, model=model or prefix, base_model=None, price=None)


def _with_usage(what: Named, format_: tuple[Endpoint, str] | None, provider: str) -> Named:
    """A stream that would not say what it used is asked to."""
    asked = what.body.get("stream_options") or {}
    streams = what.body.get("stream") not in (None, False, 0, "", "false")
    if (
        format_ not in (("chat", "openai"), ("completions", "openai"))
        or provider not in USAGE_ASKED
        or not streams
        or not isinstance(asked, dict)
        or asked.get("include_usage") is True
    ):
        return what
    body = {**what.body, "stream_options": {**asked, "include_usage": True}}
    return replace(what, body=body, changed=True)


def _deployment(
    call: Call, providers: tuple[str, ...], model: str, rest: str
) -> tuple[Deployment, str] | None:
    """The deployment, and its group where the model named is one of ours."""
    snapshot = call.snapshot
    group = call.key.aliases.get(model, model) if call.key else ""
    ours = [each for each in snapshot.find(group) if each.provider in providers] if group else []
    if ours:
        return order(ours, call.id)[0], group
    served = [each for name in providers for each in snapshot.passing.providers.get(name, ())]
    if served and call.key is None:
        served = [each for each in served if not _is_ours(snapshot, each)]
        if not served:
            raise AuthError("Authentication Error, a key of this gateway is needed here.")
    if not served:
        return None
    there = [each for each in served if _location(each) in rest]
    return (there or served)[0], ""


def _is_ours(snapshot: Snapshot, deployment: Deployment) -> bool:
    """Whether it is for the gateway's own: listed by the operator, or open to whoever asks."""
    if any(deployment.id == each.id for each in snapshot.deployments):
        return True
    profile = PROFILES.get(deployment.provider)
    return profile is not None and profile.keyless and not deployment.api_key


def _location(deployment: Deployment) -> str:
    """How a path of Vertex AI names the place that this deployment is in."""
    return f"/locations/{deployment.options.get('vertex_location', '?')}/"


def joined(base: str, rest: str) -> str:
    """`rest` below `base`, without the part that both have, or with the version of `rest`.

    `/v1` and `/v1/files` make `/v1/files`; so do `/v1` and `/files`; `/v1beta` and `/v1/models`
    make `/v1/models`.
    """
    parts = base.strip("/").split("/") if base.strip("/") else []
    tail = rest.lstrip("/").split("/")
    for size in range(min(len(parts), len(tail)), 0, -1):
        if parts[-size:] == tail[:size]:
            return "/" + "/".join([*parts[:-size], *tail])
    if parts and _is_version(parts[-1]) and _is_version(tail[0]):
        parts = parts[:-1]
    return "/" + "/".join([*parts, *tail])


def _is_version(part: str) -> bool:
    return len(part) > 1 and part[0] == "v" and part[1].isdigit()

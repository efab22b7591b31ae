"""Who may pass a request through, and where it goes: to a provider's own API, or as configured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hmac import compare_digest
from urllib.parse import unquote

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.key import Key, digest
from extproc.domain.passage import Passage
from extproc.domain.passthrough import PREFIXES, PassThrough, prefix_of
from extproc.errors import AuthError, InvalidRequest, ModelDenied, NotFound, UnknownKey, WrongMethod
from extproc.policy import query
from extproc.policy.access import allows
from extproc.policy.identify import CARRIERS, Authenticate, NoDatabase, NotOurs, without_scheme
from extproc.policy.naming import Named, format_of, named, renamed, written
from extproc.policy.pipeline import Stage
from extproc.policy.plan import order
from extproc.providers import forms

OUR_HEADER = "x-litellm-api-key"

KEPT = frozenset(
    {"accept", "accept-language", "content-encoding", "content-type", "idempotency-key"}
    | {"if-match", "if-none-match", "range", "anthropic-beta", "anthropic-version"}
    | {"anthropic-dangerous-direct-browser-access", "openai-beta", "x-goog-api-client"}
    | {"x-goog-request-params", "x-goog-fieldmask", "nvcf-input-asset-references"}
)
KEPT_STARTS = ("x-goog-upload-", "x-amzn-bedrock-")
"""Client headers that a provider's own API may see: about the format, never about who calls."""

OWN_ACCOUNT = frozenset(
    {"openai-organization", "openai-project", "x-goog-user-project", "x-amz-date"}
    | {"x-amz-security-token", "x-amz-content-sha256"}
)
"""What else a client says that shows its own credential."""

NEVER = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "keep-alive", "te", "trailer"}
    | {"proxy-authorization", "proxy-connection", "transfer-encoding", "upgrade", "x-request-id"}
    | {"x-forwarded-for", "x-forwarded-proto", OUR_HEADER}
)
PASSED_AS = "x-pass-"
PROTECTED = NEVER | set(CARRIERS) | {"cookie", "set-cookie", "forwarded", "expect", "user-agent"}
PROTECTED_STARTS = ("x-gateway-", "x-envoy-", "x-forwarded-", "x-amz-", "x-pass-", ":")


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
            return await self._configured(call, endpoint)
        if call.snapshot.passing.client_credentials:
            return await self._ours_or_theirs(call)
        return await self._with_query(call)

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
        if call.headers.get(_own_header(call)):
            return await self.authenticate(call)
        for value in _credentials(call):
            try:
                return await self._known(call, value)
            except (UnknownKey, NotOurs, NoDatabase):
                continue
        return call

    async def _with_query(self, call: Call) -> Call:
        """Google's clients may send their key in the query."""
        names = (_own_header(call),) if call.snapshot.rules.key_header else CARRIERS
        value = next(query.values(call.path, "key"), "")
        if not value or any(call.headers.get(name) for name in names):
            return await self.authenticate(call)
        return await self._known(call, value)

    async def _known(self, call: Call, value: str) -> Call:
        if not value:
            raise AuthError("Authentication Error, No api key passed in.")
        found = await self.authenticate(call.but(headers={_own_header(call): value}))
        return found.but(headers=call.headers)


def _own_header(call: Call) -> str:
    """The header that holds nothing but a key of ours."""
    return (call.snapshot.rules.key_header or OUR_HEADER).lower()


def _credentials(call: Call) -> Iterator[str]:
    yield from (call.headers[name] for name in CARRIERS if call.headers.get(name))
    yield from query.values(call.path, "key")


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
        if forms.is_form(call.headers.get("content-type", "")):
            body, content_type = forms.encode(seen.body, f"form-{call.id}")
            headers = {**passage.headers, "content-type": content_type}
            return replace(passage, call=seen, body=body, headers=headers)
        return replace(passage, call=seen, body=written(seen.body))


def resolve(call: Call, data: bytes) -> Passage:
    """Where the call goes. Raises GatewayError for one that may not, or goes nowhere."""
    path, _, asked = call.path.partition("?")
    if any(part in (".", "..") for part in unquote(path).replace("\\", "/").split("/")):
        raise InvalidRequest("The path holds steps that lead elsewhere.")
    what = named(call, path, data)
    call = call.but(asked=what.body, body_bytes=len(data))
    endpoint = call.snapshot.passing.endpoint(path)
    if endpoint is not None:
        return _configured(call, endpoint, path, asked, what)
    return _native(call, path, asked, what)


def _configured(call: Call, endpoint: PassThrough, path: str, asked: str, what: Named) -> Passage:
    target = endpoint.deployment
    _check_access(call, target.provider, what)
    model = what.models[0] if what.models else ""
    below = path.removeprefix(endpoint.path)
    whole = target.base_path.rstrip("/") + below if below else target.base_path
    sent = query.without_secret(asked, lambda value: _is_key(call.key, value))
    search = query.merged(sent, endpoint)
    format_ = format_of(call, whole) if target.provider in _READABLE else None
    return Passage(
        call=_about(call, what, model, endpoint.path, read=format_ is not None),
        deployment=replace(target, model=model or endpoint.path),
        path=f"{whole}?{search}" if search else whole,
        kept=_kept_by(endpoint, call),
        headers=_passed_as(call, target.headers),
        body=what.rewritten,
        signed=False,
        format=format_,
        cost_nanousd=endpoint.cost_nanousd,
        cost_told=True,
    )


_READABLE = frozenset(name for names in PREFIXES.values() for name in names)


def _native(call: Call, path: str, asked: str, what: Named) -> Passage:
    prefix = prefix_of(path)
    assert prefix is not None
    rest = path.removeprefix(f"/{prefix}")
    model = what.models[0] if what.models else ""
    served = _deployment(call, PREFIXES[prefix], model, rest)
    if served is None:
        raise NotFound(
            f"/{prefix} leads nowhere: no credential for {PREFIXES[prefix][0]} is configured."
        )
    deployment, group = served
    _check_access(call, deployment.provider, what)
    own = call.key is None  # the client's credential is not one of ours
    if own:
        deployment = replace(deployment, headers={}, api_key=None)
    ours = deployment.model if group else model
    if group and ours != model:
        rest, what = renamed(rest, what, model, ours)
    search = asked if own else query.without(asked, "key")
    whole = joined(deployment.base_path, rest)
    format_ = format_of(call, rest)
    return Passage(
        call=_about(call, what, model, group or model or prefix, read=format_ is not None),
        deployment=replace(deployment, model=ours or prefix),
        path=f"{whole}?{search}" if search else whole,
        kept=_kept(call, own),
        headers=_passed_as(call, deployment.headers),
        body=what.rewritten,
        signed=not own,
        format=format_,
    )


def _about(call: Call, what: Named, model: str, group: str, *, read: bool) -> Call:
    """The prompt's size counts only where something reads it as a prompt."""
    size = call.body_bytes if read else 0
    return call.but(body=what.body, model=model, group=group, body_bytes=size)


def _deployment(
    call: Call, providers: tuple[str, ...], model: str, rest: str
) -> tuple[Deployment, str] | None:
    """The deployment, and its group where the model named is one of ours."""
    snapshot = call.snapshot
    group = call.key.aliases.get(model, model) if call.key else model
    ours = [each for each in snapshot.find(group) if each.provider in providers] if group else []
    if ours:
        return order(ours, call.id)[0], group
    served = [each for name in providers for each in snapshot.passing.providers.get(name, ())]
    if not served:
        return None
    there = [each for each in served if _location(each) in rest]
    return (there or served)[0], ""


def _location(deployment: Deployment) -> str:
    """How a path of Vertex AI names the place that this deployment is in."""
    return f"/locations/{deployment.options.get('vertex_location', '?')}/"


def _check_access(call: Call, provider: str, what: Named) -> None:
    """Every model that the request names must be the key's."""
    key = call.key
    limited = key is not None and not allows(key, "*")
    if key is not None and limited:
        for model in what.models:
            group = key.aliases.get(model, model)
            if not allows(key, model, group, f"{provider}/{model}"):
                raise _denied(model)
    if not what.readable and (limited or call.snapshot.rules.guardrails):
        raise InvalidRequest(
            "What passes is checked here, for the models of the key or by guardrails, and this "
            "body cannot be read: send JSON or a form."
        )


def _denied(model: str) -> ModelDenied:
    return ModelDenied(
        f"The requested model '{model}' is not available for this API key, or the model name is "
        "invalid. Check the models available to you and try again."
    )


def _kept(call: Call, own: bool) -> frozenset[str]:
    kept = {name for name in call.headers if name in KEPT or name.startswith(KEPT_STARTS)}
    if own:
        kept |= (OWN_ACCOUNT | set(CARRIERS)) - {OUR_HEADER, _own_header(call)}
    return frozenset(kept)


def _kept_by(endpoint: PassThrough, call: Call) -> frozenset[str]:
    if not endpoint.forward_headers:
        return KEPT
    ours = {endpoint.key_header or OUR_HEADER, _own_header(call)}
    return frozenset(
        name
        for name, value in call.headers.items()
        if name not in NEVER | ours
        and not name.startswith(("x-gateway-", "x-envoy-", PASSED_AS, ":"))
        and not _is_key(call.key, value)
    )


def _passed_as(call: Call, set_: Mapping[str, str]) -> dict[str, str]:
    """`x-pass-{name}` as `{name}`, unless that says who calls or how the message is framed."""
    passed = {}
    for header, value in call.headers.items():
        name = header.removeprefix(PASSED_AS)
        if name == header or not name or name in PROTECTED or name in {n.lower() for n in set_}:
            continue
        if not name.startswith(PROTECTED_STARTS):
            passed[name] = value
    return passed


def _is_key(key: Key | None, value: str) -> bool:
    """Whether the value is, or shows, the key that was recognised."""
    if key is None:
        return False
    shown = {value.strip(), without_scheme(value).strip()}
    return any(compare_digest(digest(secret), key.hash) for secret in shown if secret)


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

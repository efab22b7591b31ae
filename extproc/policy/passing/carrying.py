"""What of a request's headers goes along when it passes, and what must never: keys of ours."""

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator, Mapping
from hmac import compare_digest
from urllib.parse import unquote

from extproc.domain.call import Call
from extproc.domain.key import Key, digest
from extproc.domain.passthrough import PassThrough
from extproc.policy import query
from extproc.policy.identify import CARRIERS, without_scheme

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
PROTECTED = (
    NEVER
    | set(CARRIERS)
    | OWN_ACCOUNT
    | {"cookie", "set-cookie", "forwarded", "expect", "user-agent", "content-type"}
    | {"content-encoding", "x-http-method", "x-http-method-override", "x-method-override"}
)
PROTECTED_STARTS = ("x-gateway-", "x-envoy-", "x-forwarded-", "x-amz-", "x-pass-", ":")

MADE_HERE = re.compile(r"sk-[A-Za-z0-9_-]{22}")
"""Keys as the gateway makes them. No provider's are as short: OpenAI's have 48 and more after
`sk-`, DeepSeek's 32."""
MOST_SECRETS = 16
"""More words in one value that look like keys are not looked up: the value stays here."""

IsOurs = Callable[[str], Awaitable[bool]]


def own_header(call: Call) -> str:
    """The header that holds nothing but a key of ours."""
    return (call.snapshot.rules.key_header or OUR_HEADER).lower()


def credentials(call: Call) -> Iterator[str]:
    """Whatever the client shows to be known by."""
    yield from (call.headers[name] for name in CARRIERS if call.headers.get(name))
    yield from (value for value in query.values(call.path, "key") if value)


def shows(value: str) -> Iterator[str]:
    """The words of a header or parameter that could be a key, the whole value first."""
    words = [value, without_scheme(value)]
    for text in {value, unquote(value), _basic(value)}:
        words += [part.partition("=")[2].strip('" ') for part in text.split(";")]
        words += re.split(r'[\s,;="&]+', text)
        words += re.findall(r"sk-[A-Za-z0-9_-]+", text)
    yield from dict.fromkeys(word.strip() for word in words if word.strip())


def _basic(value: str) -> str:
    """What `Basic` credentials say; a name and a key, mostly."""
    scheme, _, said = value.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(said.strip() + "==").decode("utf-8", "replace").replace(":", " ")
    except ValueError:
        return ""


def is_key(key: Key | None, value: str) -> bool:
    """Whether the value is, or shows, the key that was recognised."""
    if key is None:
        return False
    return any(compare_digest(digest(secret), key.hash) for secret in shows(value))


async def without_ours(call: Call, every_header: bool, is_ours: IsOurs) -> Call:
    """The call without what shows a key of ours in what could go along."""
    kept = {}
    for name, value in call.headers.items():
        goes = name[0] != ":" and (every_header or name.startswith(PASSED_AS))
        if not (goes and await _has_ours(value, is_ours)):
            kept[name] = value
    path, _, asked = call.path.partition("?")
    values = {value for value in query.all_values(asked) if await _has_ours(value, is_ours)}
    if values:
        rest = query.without_secret(asked, values.__contains__)
        path = f"{path}?{rest}" if rest else path
    return call.but(headers=kept, path=path if values else call.path)


async def _has_ours(value: str, is_ours: IsOurs) -> bool:
    words = list(shows(value))
    if sum(word.startswith("sk-") for word in words) > MOST_SECRETS:
        return True
    for word in words:
        if await is_ours(word):
            return True
    return False


def kept(call: Call, own: bool) -> frozenset[str]:
    """For a provider; with `own` the client's credential too."""
    names = {name for name in call.headers if name in KEPT or name.startswith(KEPT_STARTS)}
    if own:
        names |= (OWN_ACCOUNT | set(CARRIERS)) - {OUR_HEADER, own_header(call)}
    return frozenset(names & call.headers.keys())


def kept_by(endpoint: PassThrough, call: Call) -> frozenset[str]:
    """For the target of a configured endpoint."""
    if not endpoint.forward_headers:
        return KEPT & call.headers.keys()
    ours = {endpoint.key_header or OUR_HEADER, own_header(call)}
    return frozenset(
        name
        for name, value in call.headers.items()
        if name not in NEVER | ours
        and not name.startswith(("x-gateway-", "x-envoy-", PASSED_AS, ":"))
        and not is_key(call.key, value)
    )


def passed_as(call: Call, set_: Mapping[str, str]) -> dict[str, str]:
    """`x-pass-{name}` as `{name}`, unless that says who calls or how the message is framed."""
    passed = {}
    taken = PROTECTED | {own_header(call)} | {name.lower() for name in set_}
    for header, value in call.headers.items():
        name = header.removeprefix(PASSED_AS)
        if name == header or not name or name in taken:
            continue
        if not name.startswith(PROTECTED_STARTS):
            passed[name] = value
    return passed

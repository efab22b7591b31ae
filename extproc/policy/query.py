"""The query of a URL, changed without touching what is not meant: its parts keep their escapes."""

from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote_plus

from extproc.domain.passthrough import PassThrough


def _parts(text: str) -> list[str]:
    return [part for part in text.split("&") if part]


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def values(target: str, name: str) -> Iterator[str]:
    """The values that a request target has for a name."""
    for part in _parts(target.partition("?")[2]):
        if _name(part) == name:
            yield unquote_plus(part.partition("=")[2])


def all_values(text: str) -> list[str]:
    return [unquote_plus(part.partition("=")[2]) for part in _parts(text)]


CREDENTIALS = frozenset(
    {"key", "api_key", "api-key", "apikey", "access_token", "oauth_token", "bearer_token"}
    | {"authorization", "subscription-key", "ocp-apim-subscription-key", "token"}
)
PRESIGNED = "x-amz-"
"""What providers and their proxies take a credential from, in whatever case."""


def without_credentials(text: str) -> str:
    return "&".join(part for part in _parts(text) if not _is_credential(_name(part).lower()))


def _is_credential(name: str) -> bool:
    return name in CREDENTIALS or name.startswith(PRESIGNED)


def without_secret(text: str, secret: Callable[[str], bool]) -> str:
    """Without the parameters whose value is a secret."""
    return "&".join(
        part for part in _parts(text) if not secret(unquote_plus(part.partition("=")[2]))
    )


def merged(asked: str, endpoint: PassThrough) -> str:
    """What the target is asked: the client's wins over the endpoint's defaults and its own."""
    given = _parts(asked)
    if endpoint.merge_query or not given:
        given += _lacking(given, _parts(endpoint.query))
    usual = (
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in endpoint.default_query.items()
    )
    given += _lacking(given, list(usual))
    return "&".join(given)


def _lacking(given: list[str], others: list[str]) -> list[str]:
    names = {_name(part) for part in given}
    return [part for part in others if _name(part) not in names]

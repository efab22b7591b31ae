"""Which paths of the gateway's port go where: the one table of it.

Rows are tried in order. What no row names goes to the admin application, which also answers for
paths and methods that do not exist.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from envoy_data_plane.envoy.config.route.v3 import HeaderMatcher, RouteMatch
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher

from extproc.domain import resources, routes
from extproc.domain.passthrough import PREFIXES, TRANSLATED

Kind = Literal["exact", "prefix", "regex"]

ATTEMPT = "attempt"
AGENT = "agent"
ADMIN = "admin"


class Row(NamedTuple):
    """`target` is a cluster; a `method` of None means any."""

    target: str
    method: str | None
    kind: Kind
    path: str
    upgrades: bool = False
    """Whether a request may become a WebSocket."""


TABLE = (
    *(Row(ATTEMPT, "POST", "exact", path) for path in routes.POST),
    # The model in a path may contain slashes. One short expression each: Envoy takes no long ones.
    *(
        Row(ATTEMPT, "POST", "regex", f"/(engines|openai/deployments)/[^/].*{tail}")
        for tail in routes.TAILS
    ),
    *(
        Row(ATTEMPT, "POST", "regex", f"(/v1beta|/v1)?/models/.+:{verb}")
        for verb in routes.GOOGLE_VERBS
    ),
    *(Row(ATTEMPT, "GET", "exact", path, upgrades=True) for path in routes.REALTIME),
    Row(ATTEMPT, "GET", "exact", "/v1/models"),
    Row(ATTEMPT, "GET", "exact", "/models"),
    Row(ATTEMPT, "GET", "prefix", "/v1/models/"),
    Row(ATTEMPT, "GET", "prefix", "/models/"),
    *(Row(ATTEMPT, method, "regex", path) for method, path in resources.expressions()),
    # Below a provider's prefix everything is the provider's, but for what is ours or will be.
    *(Row(ADMIN, None, "prefix", path) for path in TRANSLATED),
    *(Row(ATTEMPT, None, "prefix", f"/{prefix}/") for prefix in PREFIXES),
    Row(AGENT, None, "exact", "/health/liveliness"),
    Row(AGENT, None, "exact", "/health/liveness"),
    Row(AGENT, None, "exact", "/health/readiness"),
    Row(AGENT, None, "exact", "/health/config"),
    Row(AGENT, None, "exact", "/metrics"),
    Row(ADMIN, None, "prefix", "/"),
)


def table(passed: Iterable[tuple[str, bool]]) -> tuple[Row, ...]:
    """With the configured pass-through endpoints, each with whether its subpaths pass too."""
    return (*TABLE[:-1], *_configured(passed), TABLE[-1])


def _configured(passed: Iterable[tuple[str, bool]]) -> Iterator[Row]:
    for path, below in passed:
        yield Row(ATTEMPT, None, "exact", path)
        if below:
            yield Row(ATTEMPT, None, "prefix", f"{path}/")


def match(row: Row) -> RouteMatch:
    """The row as Envoy's matcher; a query string never takes part in it."""
    headers = [] if row.method is None else [method_is(row.method)]
    if row.kind == "exact":
        return RouteMatch(path=row.path, headers=headers)
    if row.kind == "prefix":
        return RouteMatch(prefix=row.path, headers=headers)
    return RouteMatch(safe_regex=RegexMatcher(regex=row.path), headers=headers)


def method_is(method: str) -> HeaderMatcher:
    return HeaderMatcher(name=":method", string_match=StringMatcher(exact=method))

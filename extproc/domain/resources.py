"""What a provider keeps for its client and is asked for by id: responses, files, batches, jobs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

Kind: TypeAlias = Literal["responses", "files", "batches", "fine_tuning"]


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path names: a collection, one thing in it, or something to do with that."""

    kind: Kind
    id: str = ""
    action: str = ""
    provider: str = ""
    """The provider that the path itself names."""


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a thing is that a provider keeps: only that key and the master key may see it."""

    id: str
    """The provider's."""
    deployment_id: str
    owner: str
    """The hash of a key."""
    checked: bool = False
    """Whether it is a batch's input, all whose models its key was allowed when it came."""


@dataclass(frozen=True, slots=True)
class Paths:
    """One kind's paths: `base`, `base/{id}` and `base/{id}/{action}`, each with its methods."""

    base: str
    """An expression; a group of it may name the provider."""
    collection: tuple[str, ...]
    one: tuple[str, ...]
    actions: Mapping[str, str]
    """action -> its method"""


_OF_PROVIDER = "(/(openai|azure))?"

PATHS: Mapping[Kind, Paths] = {
    "responses": Paths(
        "(/openai/v1|/openai|/v1)?/responses",
        (),
        ("GET", "DELETE"),
        {"input_items": "GET", "cancel": "POST"},
    ),
    "files": Paths(
        f"({_OF_PROVIDER}/v1)?/files", ("GET", "POST"), ("GET", "DELETE"), {"content": "GET"}
    ),
    "batches": Paths(
        f"({_OF_PROVIDER}/v1)?/batches", ("GET", "POST"), ("GET",), {"cancel": "POST"}
    ),
    "fine_tuning": Paths(
        "(/v1)?/fine_tuning/jobs",
        ("GET", "POST"),
        ("GET",),
        {
            "cancel": "POST",
            "pause": "POST",
            "resume": "POST",
            "events": "GET",
            "checkpoints": "GET",
        },
    ),
}
PROVIDER = re.compile(r"/(openai|azure)/v1/(?:files|batches)(?:/.*)?")


def expressions() -> list[tuple[str, str]]:
    """(method, expression of the whole path) of everything that is served."""
    found = []
    for paths in PATHS.values():
        found += [(method, paths.base) for method in paths.collection]
        found += [(method, f"{paths.base}/[^/]+") for method in paths.one]
        found += [(method, f"{paths.base}/[^/]+/{name}") for name, method in paths.actions.items()]
    return found


_MATCHERS: Mapping[Kind, re.Pattern[str]] = {
    kind: re.compile(f"(?:{paths.base})(?:/(?P<id>[^/]+)(?:/(?P<action>[a-z_]+))?)?")
    for kind, paths in PATHS.items()
}


def find(method: str, path: str) -> Resource | None:
    """What the path names, if that is served with this method."""
    for kind, matcher in _MATCHERS.items():
        found = matcher.fullmatch(path)
        if found is None:
            continue
        thing, action = unquote(found["id"] or ""), found["action"] or ""
        if method not in _methods(PATHS[kind], thing, action):
            return None
        named = PROVIDER.fullmatch(path)
        return Resource(kind, thing, action, named[1] if named else "")
    return None


def _methods(paths: Paths, thing: str, action: str) -> tuple[str, ...]:
    if action:
        return (paths.actions[action],) if action in paths.actions else ()
    return paths.one if thing else paths.collection

"""Which endpoint a path means. The table is the whole of what a worker serves."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

from extproc.domain.call import Endpoint

Served: TypeAlias = Endpoint | Literal["models", "model"]


@dataclass(frozen=True, slots=True)
class Route:
    """What is served, and the model that the path itself names, if it does."""

    served: Served
    path_model: str | None = None


POST: dict[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/chat/completions": "chat",
    "/v1/completions": "completions",
    "/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/embeddings": "embeddings",
}
WITH_MODEL = re.compile(
    r"/(?:engines|openai/deployments)/(?P<model>[^/].*?)/(?P<tail>chat/completions|completions|embeddings)"
)
GET = frozenset({"/v1/models", "/models"})
ONE_MODEL = re.compile(r"(?:/v1)?/models/(?P<model>.+)")


def match(method: str, target: str) -> Route | None:
    """The route of a request target (path with or without query), or None."""
    path = target.partition("?")[0]
    if method == "POST":
        if endpoint := POST.get(path):
            return Route(endpoint)
        if found := WITH_MODEL.fullmatch(path):
            return Route(POST[f"/{found['tail']}"], unquote(found["model"]))
    elif method == "GET":
        if path in GET:
            return Route("models")
        if found := ONE_MODEL.fullmatch(path):
            return Route("model", unquote(found["model"]))
    return None


def methods(target: str) -> tuple[str, ...]:
    """The methods with which a target is served here; none for a path that is not."""
    return tuple(method for method in ("GET", "POST") if match(method, target))

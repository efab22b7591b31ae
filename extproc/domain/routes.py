"""Which endpoint a path means. The tables are the whole of what a worker serves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

from extproc.domain.endpoints import Endpoint

Served: TypeAlias = Endpoint | Literal["models", "model"]


@dataclass(frozen=True, slots=True)
class Route:
    """What is served, and what the path itself says of it."""

    served: Served
    path_model: str | None = None
    streaming: bool = False
    """Whether the path asks for a stream."""


_V1: Mapping[str, Endpoint] = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/images/generations": "images",
    "/images/edits": "image_edits",
    "/audio/speech": "speech",
    "/audio/transcriptions": "transcriptions",
    "/audio/translations": "translations",
    "/rerank": "rerank",
    "/responses": "responses",
    "/responses/input_tokens": "response_tokens",
}
POST: Mapping[str, Endpoint] = {
    **_V1,
    **{f"/v1{path}": endpoint for path, endpoint in _V1.items()},
    "/openai/v1/responses": "responses",
    "/openai/v1/responses/input_tokens": "response_tokens",
    "/v2/rerank": "rerank",
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "count_tokens",
}
TAILS: Mapping[str, Endpoint] = {
    tail: endpoint
    for tail, endpoint in _V1.items()
    if endpoint not in ("rerank", "responses", "response_tokens", "moderations")
}
WITH_MODEL = re.compile(
    rf"/(?:engines|openai/deployments)/(?P<model>[^/].*?)(?P<tail>{'|'.join(TAILS)})"
)
"""`/engines/{model}/…` and Azure's `/openai/deployments/{model}/…`."""

GOOGLE_VERBS: Mapping[str, tuple[Endpoint, bool]] = {
    "generateContent": ("generate", False),
    "streamGenerateContent": ("generate", True),
    "countTokens": ("count_contents", False),
}
GOOGLE = re.compile(rf"(?:/v1beta|/v1)?/models/(?P<model>.+):(?P<verb>{'|'.join(GOOGLE_VERBS)})")
GET = frozenset({"/v1/models", "/models"})
ONE_MODEL = re.compile(r"(?:/v1)?/models/(?P<model>.+)")


def match(method: str, target: str) -> Route | None:
    """The route of a request target (path with or without query), or None."""
    path = target.partition("?")[0]
    if method == "POST":
        return _asked(path)
    if method == "GET":
        if path in GET:
            return Route("models")
        if found := ONE_MODEL.fullmatch(path):
            return Route("model", unquote(found["model"]))
    return None


def _asked(path: str) -> Route | None:
    if endpoint := POST.get(path):
        return Route(endpoint)
    if found := GOOGLE.fullmatch(path):
        endpoint, streaming = GOOGLE_VERBS[found["verb"]]
        return Route(endpoint, unquote(found["model"]), streaming)
    if found := WITH_MODEL.fullmatch(path):
        return Route(TAILS[found["tail"]], unquote(found["model"]))
    return None


def methods(target: str) -> tuple[str, ...]:
    """The methods with which a target is served here; none for a path that is not."""
    return tuple(method for method in ("GET", "POST") if match(method, target))

"""Which endpoint a path means. The tables are the whole of what a worker serves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

from extproc.domain.endpoints import Endpoint
from extproc.domain.passthrough import prefix_of
from extproc.domain.resources import Resource
from extproc.domain.resources import find as resource_of

Served: TypeAlias = Endpoint | Literal["models", "model"]


@dataclass(frozen=True, slots=True)
class Route:
    """What is served, and what the path itself says of it."""

    served: Served
    path_model: str | None = None
    streaming: bool = False
    """Whether the path asks for a stream."""
    resource: Resource | None = None


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
    "/openai/responses": "responses",
    "/openai/responses/input_tokens": "response_tokens",
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
REALTIME = ("/v1/realtime", "/realtime", "/openai/v1/realtime", "/openai/realtime")
"""Asked with GET, by a WebSocket's handshake; the model is in the query."""

GET: Mapping[str, Route] = {
    "/v1/models": Route("models"),
    "/models": Route("models"),
    **{path: Route("realtime") for path in REALTIME},
}
ONE_MODEL = re.compile(r"(?:/v1)?/models/(?P<model>.+)")

PASSED = Route("pass_through")
"""What goes to a provider's own API as it came."""


def match(method: str, target: str) -> Route | None:
    """The route of a request target (path with or without query), or None."""
    path = target.partition("?")[0]
    if method == "POST" and (route := _asked(path)):
        return route
    if method == "GET":
        if route := GET.get(path):
            return route
        if found := ONE_MODEL.fullmatch(path):
            return Route("model", unquote(found["model"]))
    if resource := resource_of(method, path):
        return Route("resource", resource=resource)
    return None if prefix_of(path) is None else PASSED


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
    return tuple(method for method in ("GET", "POST", "DELETE") if match(method, target))

"""Who serves Claude, and how a Messages body travels to each: path, headers, what is left out.

https://platform.claude.com/docs/en/api/versioning
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from extproc.domain.call import Json
from extproc.providers.anthropic import clouds
from extproc.providers.anthropic.models import Model
from extproc.providers.base import Outgoing, Request

VERSION = "2023-06-01"
"""The last that takes temperature, top_p and top_k."""
BETA = "anthropic-beta"

BETA_TOOLS: Mapping[str, str] = {
    "bash_20241022": "computer-use-2024-10-22",
    "computer_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "text_editor_20241022": "computer-use-2024-10-22",
}
BETA_MEMBERS: Mapping[str, str] = {
    "context_management": "context-management-2025-06-27",
    "mcp_servers": "mcp-client-2025-11-20",
    "output_format": "structured-outputs-2025-11-13",
    "speed": "fast-mode-2026-02-01",
}
BETA_FILES = "files-api-2025-04-14"
"""https://platform.claude.com/docs/en/api/beta-headers"""


@dataclass(frozen=True, slots=True)
class Host:
    """One of those who serve Claude."""

    address: Callable[[Request, Json, list[str]], Outgoing]
    """(request, body without model and stream, betas) -> what is sent."""
    schemas: Callable[[Model], bool] = lambda model: model.schemas
    """Whether structured outputs can be counted on."""
    tiers: bool = True
    """Whether `service_tier` is known."""
    fetches: bool = True
    """Whether images and documents may be URLs or uploaded files; else they come inline.

    https://platform.claude.com/docs/en/build-with-claude/vision
    """
    searches: bool = True
    """Whether it has Anthropic's search of the web.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
    """
    betas: Mapping[str, str] | None = None
    """Its names of the betas in a client's header that it knows; all of them where it is None."""
    taken: Callable[[Json], Json] = dict
    """A client's own body as it is taken."""


def betas(request: Request, body: Json, known: Mapping[str, str] | None) -> list[str]:
    """Every beta asked for or needed, once each, in that order.

    What a client's header names is no more than a wish: clients send the same to every host. What
    stands in a body or with the deployment is meant.
    """
    wished = _names(request.headers.get(BETA))
    asked = [
        *(wished if known is None else (known[name] for name in wished if name in known)),
        *_names(request.deployment.headers.get(BETA)),
        *_names(body.get("anthropic_beta")),
        *(beta for name, beta in BETA_MEMBERS.items() if body.get(name)),
        *(BETA_TOOLS[kind] for kind in _tool_types(body.get("tools")) if kind in BETA_TOOLS),
    ]
    return list(dict.fromkeys(asked))


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return []
    return [name.strip() for name in value if isinstance(name, str) and name.strip()]


def _tool_types(tools: Any) -> Iterable[str]:
    if not isinstance(tools, list):
        return []
    kinds = [tool.get("type") for tool in tools if isinstance(tool, dict)]
    return [kind for kind in kinds if isinstance(kind, str)]


def _headers(names: list[str]) -> dict[str, str]:
    return {BETA: ",".join(names)} if names else {}


def _streamed(request: Request) -> Json:
    return {"stream": True} if request.streaming else {}


def _anthropic(request: Request, body: Json, names: list[str]) -> Outgoing:
    version = request.headers.get("anthropic-version", VERSION)
    headers = {"anthropic-version": version, **_headers(names)}
    return Outgoing(
        "/v1/messages",
        {"model": request.deployment.model, **body, **_streamed(request)},
        headers,
    )


def _vertex(request: Request, body: Json, names: list[str]) -> Outgoing:
    options = request.deployment.options
    project = quote(options.get("vertex_project", ""), safe=":")
    location = quote(options.get("vertex_location", ""), safe="")
    verb = "streamRawPredict" if request.streaming else "rawPredict"
    path = f"/v1/projects/{project}/locations/{location}/publishers/anthropic/models"
    return Outgoing(
        f"{path}/{quote(request.deployment.model, safe='@')}:{verb}",
        {"anthropic_version": "vertex-2023-10-16", **body, **_streamed(request)},
        _headers(names),
    )


def _bedrock(request: Request, body: Json, names: list[str]) -> Outgoing:
    verb = "invoke-with-response-stream" if request.streaming else "invoke"
    asked = {"anthropic_beta": names} if names else {}
    name = request.deployment.options.get("model_id") or request.deployment.model
    return Outgoing(
        f"/model/{quote(name, safe='')}/{verb}",
        {"anthropic_version": "bedrock-2023-05-31", **body, **asked},
    )


def _last_resort(model: Model) -> bool:
    """Google's projects have structured outputs switched off; a tool is surer, if it is forced."""
    return model.schemas and not model.forceable


ANTHROPIC = Host(_anthropic)
VERTEX = Host(
    _vertex,
    schemas=_last_resort,
    tiers=False,
    fetches=False,
    betas=clouds.GOOGLE_BETAS,
    taken=clouds.google,
)
BEDROCK = Host(
    _bedrock,
    schemas=lambda model: model.schemas_at_amazon,
    tiers=False,
    fetches=False,
    searches=False,
    betas=clouds.AMAZON_BETAS,
    taken=clouds.amazon,
)

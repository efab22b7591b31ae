"""The two places that serve Google's models, and what they do differently.

https://ai.google.dev/api/all-methods
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from extproc.domain.deployment import Deployment
from extproc.errors import InvalidRequest

STREAM = "streamGenerateContent?alt=sse"
WHOLE = "generateContent"
LOCATION = "us-central1"

_GENERATION = re.compile(r"gemini-(\d{1,2})(?!\d)")


def _gemini_path(deployment: Deployment, method: str) -> str:
    """Below `…/v1beta`. Tuned models are a collection of their own."""
    model = deployment.model
    if not model.startswith(("models/", "tunedModels/")):
        model = f"models/{model}"
    collection, _, name = model.partition("/")
    return f"/{collection}/{quote(name, safe='@')}:{method}"


def _vertex_path(deployment: Deployment, method: str) -> str:
    """Below the host. A tuned model is served by an endpoint, known by its number.

    https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-use-supervised-tuning
    """
    project = deployment.options.get("vertex_project")
    if not project:
        raise InvalidRequest(f"The deployment of {deployment.group!r} has no vertex_project.")
    location = deployment.options.get("vertex_location") or LOCATION
    place = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
    return f"/v1/{place}/{_vertex_model(deployment.model)}:{method}"


def _vertex_model(model: str) -> str:
    """`gemini-…`, `publisher/model`, `endpoints/number`, or the number alone (`gemini/number`)."""
    name = model.removeprefix("gemini/").removeprefix("endpoints/")
    if name.isdigit() or model.startswith("endpoints/"):
        return f"endpoints/{quote(name, safe='')}"
    publisher, slash, name = model.removeprefix("publishers/").partition("/")
    if not slash:
        publisher, name = "google", model
    return f"publishers/{quote(publisher, safe='')}/models/{_escaped(name)}"


def _escaped(name: str) -> str:
    return quote(name.removeprefix("models/"), safe="@")


@dataclass(frozen=True, slots=True)
class Site:
    path: Callable[[Deployment, str], str]
    """The path of a method (`generateContent`, …) for a deployment's model."""
    file_urls: tuple[str, ...]
    """Beginnings of the URLs that it fetches by itself."""
    tier_header: str
    """Names the service tier there; empty where the request's body does."""
    announces_mixed_tools: bool
    """Whether functions beside Google's own tools must be announced.
    https://ai.google.dev/gemini-api/docs/tool-combination"""


TIER_HEADER = "x-vertex-ai-llm-shared-request-type"
"""https://cloud.google.com/vertex-ai/generative-ai/docs/priority-paygo"""
GEMINI = Site(_gemini_path, ("https://", "http://"), "", True)
VERTEX = Site(_vertex_path, ("https://", "http://", "gs://"), TIER_HEADER, False)
"""https://ai.google.dev/gemini-api/docs/file-input-methods takes URLs of the web, and what its
Files API gave; Cloud Storage is Vertex AI's."""

SITES: Mapping[str, Site] = {"gemini": GEMINI, "vertex": VERTEX}


def site_of(deployment: Deployment) -> Site:
    return SITES.get(deployment.schema, GEMINI)


def model_name(deployment: Deployment) -> str:
    """The model behind a deployment, where it is known by another name (a tuned one's endpoint)."""
    return deployment.base_model or deployment.model


def generation(deployment: Deployment) -> int:
    """2 for gemini-2.5-flash; 0 when the name does not tell."""
    found = _GENERATION.search(model_name(deployment))
    return int(found[1]) if found else 0

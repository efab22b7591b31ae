"""Azure OpenAI and Azure AI Foundry: OpenAI's format at other paths, with an API version.

https://learn.microsoft.com/azure/ai-foundry/openai/reference
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
"""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from extproc.providers.base import Outgoing, Request, Translator

USUAL_VERSION = "2025-02-01-preview"
USUAL_FOUNDRY_VERSION = "2024-05-01-preview"
VERSIONLESS = frozenset({"v1", "latest", "preview"})
"""API versions that mean the path without dates."""
FOUNDRY_HOST = ".services.ai.azure.com"


def deployed(path: str, request: Request) -> str:
    """`/openai/deployments/{model}/…?api-version=`; for the versionless API `/openai/v1/…`."""
    version = request.deployment.options.get("api_version", USUAL_VERSION)
    if version in VERSIONLESS or path.startswith("/responses"):
        asked = f"?api-version={version}" if version == "preview" else ""
        return f"/openai/v1{path}{asked}"
    model = quote(request.deployment.model, safe="")
    return f"/openai/deployments/{model}{path}?api-version={quote(version)}"


def foundry(path: str, request: Request) -> str:
    """`/models/…` on Azure's own host, the bare path on a model's own endpoint."""
    if not request.deployment.upstream.host.endswith(FOUNDRY_HOST):
        return path
    version = request.deployment.options.get("api_version", USUAL_FOUNDRY_VERSION)
    return f"/models{path}?api-version={quote(version)}"


def at(where: Callable[[str, Request], str], openai: Translator) -> Translator:
    """The same translator, asked at another path."""

    def request(asked: Request) -> Outgoing:
        outgoing = openai.request(asked)
        return replace(outgoing, path=where(outgoing.path, asked))

    return replace(openai, request=request)

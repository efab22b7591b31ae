"""Where Azure is asked: each part of a path escaped once, each API version at its place."""

import pytest

from extproc.domain.deployment import Upstream
from extproc.providers import azure
from extproc.providers.base import Request
from tests.calls import deployment


def request(model: str = "m", host: str = "r.openai.azure.com", **options: str) -> Request:
    at = Upstream("https", host, 443)
    return Request({}, deployment(provider="azure", model=model, upstream=at, options=options))


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("2024-10-21", "/openai/deployments/m/embeddings?api-version=2024-10-21"),
        ("v1", "/openai/v1/embeddings"),
        ("latest", "/openai/v1/embeddings"),
        ("preview", "/openai/v1/embeddings?api-version=preview"),
        ("a b&c", "/openai/deployments/m/embeddings?api-version=a%20b%26c"),
    ],
)
def test_a_version_has_its_path(version: str, path: str) -> None:
    assert azure.deployed("/embeddings", request(api_version=version)) == path


def test_a_deployments_name_is_escaped_once() -> None:
    path = azure.deployed("/embeddings", request("a/b:c d%2F", api_version="2024-10-21"))
    assert path.startswith("/openai/deployments/a%2Fb%3Ac%20d%252F/embeddings?")


def test_foundry_has_models_of_its_own_and_others() -> None:
    own = request(host="hub.services.ai.azure.com")
    assert azure.foundry("/embeddings", own).startswith("/models/embeddings?api-version=")
    other = request(host="m.eastus.models.ai.azure.com")
    assert azure.foundry("/embeddings", other) == "/embeddings"

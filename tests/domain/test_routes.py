"""Which paths mean what."""

import pytest

from extproc.domain.routes import Route, match


@pytest.mark.parametrize(
    ("method", "target", "route"),
    [
        ("POST", "/v1/chat/completions", Route("chat")),
        ("POST", "/chat/completions?api-version=1", Route("chat")),
        ("POST", "/v1/completions", Route("completions")),
        ("POST", "/embeddings", Route("embeddings")),
        ("POST", "/engines/gpt/completions", Route("completions", "gpt")),
        ("POST", "/openai/deployments/a/b/chat/completions", Route("chat", "a/b")),
        ("POST", "/engines/a%2Fb/embeddings", Route("embeddings", "a/b")),
        ("GET", "/v1/models", Route("models")),
        ("GET", "/v1/realtime?model=a", Route("realtime")),
        ("GET", "/openai/realtime?deployment=a", Route("realtime")),
        ("GET", "/models/openai/gpt-4o", Route("model", "openai/gpt-4o")),
        ("PATCH", "/anthropic/v1/x?a=b", Route("pass_through")),
        ("GET", "/vertex-ai/v1/x", Route("pass_through")),
        ("GET", "/anthropic", None),
        ("GET", "/anthropic/", None),
        ("GET", "/openai/deployments/a", None),
        ("GET", "/v1/chat/completions", None),
        ("POST", "/v1/models", None),
        ("POST", "/v1/chat/completions/", None),
        ("POST", "/openai/deployments//chat/completions", None),
    ],
)
def test_table(method: str, target: str, route: Route | None) -> None:
    assert match(method, target) == route

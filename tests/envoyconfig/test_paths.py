"""Which of the gateway's parts a path leads to."""

import re

import pytest

from extproc.envoyconfig.paths import Row, table

PASSED = (("/custom", True), ("/exact/only", False))


def target(method: str, path: str) -> str:
    """What Envoy would do: the first row that fits."""

    def fits(row: Row) -> bool:
        if row.method not in (None, method):
            return False
        if row.kind == "prefix":
            return path.startswith(row.path)
        return path == row.path if row.kind == "exact" else bool(re.fullmatch(row.path, path))

    return next(row for row in table(PASSED) if fits(row)).target


@pytest.mark.parametrize(
    ("method", "path", "where"),
    [
        ("GET", "/anthropic/v1/models", "attempt"),
        ("DELETE", "/openai/v1/assistants/a", "attempt"),
        ("PUT", "/vertex-ai/v1/x", "attempt"),
        ("POST", "/openai/deployments/a/chat/completions", "attempt"),
        ("POST", "/openai/deployments/a/other", "admin"),
        ("GET", "/anthropic", "admin"),
        ("GET", "/anthropics/x", "admin"),
        ("PATCH", "/custom", "attempt"),
        ("PATCH", "/custom/below/it", "attempt"),
        ("GET", "/customs", "admin"),
        ("GET", "/exact/only", "attempt"),
        ("GET", "/exact/only/not", "admin"),
        ("GET", "/metrics", "agent"),
        ("POST", "/key/generate", "admin"),
    ],
)
def test_path_leads_to(method: str, path: str, where: str) -> None:
    assert target(method, path) == where

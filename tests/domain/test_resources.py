"""Which paths name what a provider keeps."""

import re

import pytest

from extproc.domain.resources import Resource, expressions, find

SERVED = [
    ("GET", "/v1/responses/resp_1", Resource("responses", "resp_1")),
    ("DELETE", "/responses/resp_1", Resource("responses", "resp_1")),
    ("GET", "/openai/v1/responses/r/input_items", Resource("responses", "r", "input_items")),
    ("GET", "/openai/responses/r", Resource("responses", "r")),
    ("POST", "/v1/responses/r/cancel", Resource("responses", "r", "cancel")),
    ("POST", "/v1/files", Resource("files")),
    ("GET", "/files", Resource("files")),
    ("GET", "/azure/v1/files/file-1/content", Resource("files", "file-1", "content", "azure")),
    ("DELETE", "/openai/v1/files/file-1", Resource("files", "file-1", "", "openai")),
    ("POST", "/v1/batches", Resource("batches")),
    ("POST", "/batches/b%2F1/cancel", Resource("batches", "b/1", "cancel")),
    ("GET", "/openai/v1/batches/b", Resource("batches", "b", "", "openai")),
    ("POST", "/fine_tuning/jobs", Resource("fine_tuning")),
    ("GET", "/v1/fine_tuning/jobs/j/checkpoints", Resource("fine_tuning", "j", "checkpoints")),
    ("POST", "/v1/fine_tuning/jobs/j/pause", Resource("fine_tuning", "j", "pause")),
]


@pytest.mark.parametrize(("method", "path", "resource"), SERVED)
def test_what_is_served(method: str, path: str, resource: Resource) -> None:
    assert find(method, path) == resource


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/responses"),
        ("PUT", "/v1/responses/r"),
        ("POST", "/v1/responses/r"),
        ("GET", "/v1/responses/r/cancel"),
        ("GET", "/v1/responses/r/else"),
        ("DELETE", "/v1/batches/b"),
        ("GET", "/anthropic/v1/files"),
        ("GET", "/openai/files"),
        ("GET", "/v1/files/"),
        ("GET", "/v1/fine_tuning/jobs/j/events/e"),
    ],
)
def test_what_is_not(method: str, path: str) -> None:
    assert find(method, path) is None
    assert not any(m == method and re.fullmatch(e, path) for m, e in expressions())


def test_the_expressions_match_what_is_served() -> None:
    for method, path, _ in SERVED:
        assert any(m == method and re.fullmatch(e, path) for m, e in expressions()), path

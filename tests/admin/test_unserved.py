"""LiteLLM's routes that are not there yet."""

import pytest

from extproc.admin.unserved import PATTERNS, is_unserved
from tests.admin.fakes import Admin


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/team/new"),
        ("POST", "/user/new"),
        ("POST", "/v1/responses/compact"),
        ("POST", "/v1/images/variations"),
        ("GET", "/global/spend/report"),
        ("GET", "/model/info"),
        ("GET", "/v1/model/info"),
        ("PATCH", "/scim/v2/Users/7"),
        ("POST", "/key/sk-1234/regenerate"),
        ("GET", "/spend/logs/ui"),
        ("POST", "/v1beta/models/gemini-pro:generateContent"),
        ("POST", "/models/gemini-pro:generateContent"),
        ("POST", "/azure/v1/files"),
        ("GET", "/robots.txt"),
        ("GET", "/ui"),
    ],
)
async def test_it_answers_501_and_names_the_route(method: str, path: str) -> None:
    answer = await Admin().ask(method, path, None)
    assert answer.status_code == 501
    assert answer.json()["error"] == {
        "message": f"{method} {path} is not implemented yet.",
        "type": "not_implemented_error",
        "param": None,
        "code": "501",
    }


async def test_anthropics_routes_answer_in_anthropics_envelope() -> None:
    for path in ("/v1/messages/batches", "/claude_code_gateway/v1/messages"):
        answer = await Admin().ask("POST", path, None)
        assert answer.status_code == 501
        assert answer.json() == {
            "type": "error",
            "error": {"type": "api_error", "message": f"POST {path} is not implemented yet."},
        }


@pytest.mark.parametrize(
    "path", ["/nothing", "/key/nothing", "/key", "/teams", "/v1", "//key/info"]
)
async def test_what_nobody_has_is_404(path: str) -> None:
    answer = await Admin().ask("GET", path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "404")
    assert error["message"].endswith(": Not Found.")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/key/generate", "POST"),
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/models", "GET"),
    ],
)
async def test_the_wrong_method_is_405(method: str, path: str, allowed: str) -> None:
    answer = await Admin().ask(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "405")
    assert answer.headers["allow"] == allowed


def test_every_pattern_is_its_own() -> None:
    assert len(set(PATTERNS)) == len(PATTERNS)
    for pattern in PATTERNS:
        assert pattern.startswith("/")
        assert is_unserved(pattern.replace("*", "x").replace("{", "").replace("}", ""))

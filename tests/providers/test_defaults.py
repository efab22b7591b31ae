"""What an operator adds reaches each format in its own words, and never twice."""

from typing import Any

import pytest

from extproc.domain.endpoints import Endpoint
from extproc.providers import registry
from extproc.providers.base import Request
from extproc.providers.defaults import completed, without
from tests.calls import deployment

DEFAULTS = {"max_tokens": 55, "temperature": 0.1, "seed": 1, "top_p": 0.5, "dimensions": 8}
HELLO = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("endpoint", "body", "added"),
    [
        ("chat", {}, DEFAULTS),
        ("chat", {"max_completion_tokens": 9}, {**DEFAULTS, "max_completion_tokens": 9}),
        ("messages", {"max_tokens": 9}, {"max_tokens": 9, "temperature": 0.1, "top_p": 0.5}),
        ("responses", {}, {"max_output_tokens": 55, "temperature": 0.1, "top_p": 0.5}),
        ("embeddings", {}, {"dimensions": 8}),
        ("images", {}, {}),
        ("rerank", {}, {}),
        (
            "generate",
            {"generationConfig": {"topP": 0.9}},
            {
                "generationConfig": {
                    "maxOutputTokens": 55,
                    "temperature": 0.1,
                    "seed": 1,
                    "topP": 0.9,
                }
            },
        ),
    ],
)
def test_defaults_are_put_in_where_the_client_said_nothing(
    endpoint: Endpoint, body: dict[str, Any], added: dict[str, Any]
) -> None:
    if "max_completion_tokens" in body:
        added = {name: value for name, value in added.items() if name != "max_tokens"}
    assert completed(body, deployment(defaults=DEFAULTS), (), endpoint) == added


def test_a_bridge_adds_to_the_chat_that_it_makes_and_drops_from_it() -> None:
    served = deployment(schema="openai_chat", defaults={"max_tokens": 55}, extra_body={"top_k": 3})
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"temperature": 0.2, "maxOutputTokens": 10},
    }
    request = Request(body, served, dropped=("temperature",))
    sent = registry.find("generate", "openai_chat").request(request).body
    assert sent["top_k"] == 3 and "temperature" not in sent
    assert {name: sent[name] for name in sent if name.startswith("max_")} in (
        {"max_tokens": 10},
        {"max_completion_tokens": 10},
    )


def test_paths_lead_inside() -> None:
    body = {"a": {"b": 1, "c": 2}, "tools": [{"x": 1, "y": 2}, {"x": 3}], "m": HELLO}
    assert without(body, ["a.b", "tools[*].x", "tools[0].y", "no.such", "m[9].role"]) == {
        "a": {"c": 2},
        "tools": [{}, {}],
        "m": HELLO,
    }
    assert body["a"] == {"b": 1, "c": 2}

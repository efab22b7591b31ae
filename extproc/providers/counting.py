"""How many tokens a request has: asked of the provider where it can tell, else estimated here."""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.endpoints import ENDPOINTS, Endpoint
from extproc.providers import registry
from extproc.providers.base import Request

ANSWERS: Mapping[Endpoint, Mapping[str, Any]] = {
    "count_tokens": {"input_tokens": 0},
    "count_contents": {"totalTokens": 0},
    "response_tokens": {"object": "response.input_tokens", "input_tokens": 0},
}
"""Each answer with the place of its number, which is a zero."""


def counted_here(endpoint: Endpoint, schema: str) -> bool:
    """Whether this is such a question, and no translator can put it to the provider."""
    counts = ENDPOINTS[endpoint].counts is not None
    return counts and (endpoint, schema) not in registry.TRANSLATORS


def as_chat(endpoint: Endpoint, request: Request) -> Json:
    """The chat body that has the tokens in question. Raises InvalidRequest."""
    asked = ENDPOINTS[endpoint].counts
    assert asked is not None, f"{endpoint} counts nothing"
    return registry.BRIDGES[asked].request(request)


def answer(endpoint: Endpoint, tokens: int) -> Json:
    return {name: tokens if value == 0 else value for name, value in ANSWERS[endpoint].items()}

"""Cohere's format: what is sent is what its own SDK would send, and odd answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest
from extproc.providers import cohere
from extproc.providers.base import Request
from extproc.providers.cohere.response import usage
from tests.calls import deployment
from tests.providers import cases
from tests.providers.providerschemas import COHERE

SENT = [case for case in cases.found() if case.parts[-2] == "cohere"]


@pytest.mark.parametrize("case", SENT, ids=lambda case: "/".join(case.parts[-3:]))
def test_what_is_sent_fits_the_sdk(case: Path) -> None:
    outgoing = json.loads((case / "outgoing.json").read_text())
    if "refused" in outgoing:
        return
    body = {name: value for name, value in outgoing["body"].items() if name != "stream"}
    COHERE[outgoing["path"]].model_validate(body)


def test_a_message_that_no_role_fits_does_not_fit_the_sdk() -> None:
    with pytest.raises(ValueError, match="messages"):
        COHERE["/v2/chat"].model_validate({"model": "m", "messages": [{"role": "developer"}]})


def request(**body: Any) -> Request:
    made = deployment(schema="cohere", provider="cohere")
    return Request(body={"messages": [{"role": "user", "content": "Hi"}], **body}, deployment=made)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "function", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"reasoning_effort": "hard"}, "reasoning_effort"),
    ],
)
def test_what_cohere_could_not_read_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        cohere.CHAT.request(request(**body))
    assert caught.value.error_param == param


def test_what_is_billed_goes_before_what_was_counted() -> None:
    tokens = {"input_tokens": 900.0, "output_tokens": 80.0}
    billed = {"input_tokens": 37.0, "output_tokens": 28.0, "search_units": 1.0}
    assert usage({"billed_units": billed, "tokens": tokens}) == Usage(37, 28, searches=1)
    assert usage({"tokens": tokens, "cached_tokens": 800.0}) == Usage(900, 80, 800)
    assert usage({"billed_units": {}, "tokens": None}) is None

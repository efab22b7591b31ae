"""Ollama's format where the cases say nothing."""

from typing import Any

import pytest

from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import ollama
from extproc.providers.base import Request
from tests.calls import deployment

TOOL = {"type": "function", "function": {"name": "f"}}


def sent(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": "Hi"}], **body}
    made = Request(body=asked, deployment=deployment(provider="ollama"), **more)
    return ollama.CHAT.request(made).body


def test_a_tool_choice_is_refused_unless_it_may_be_left_out_or_sent_all_the_same() -> None:
    body = {"tools": [TOOL], "tool_choice": "required"}
    with pytest.raises(UnsupportedParams):
        sent(body)
    assert "tool_choice" not in sent(body, drop_params=True)
    assert "tool_choice" not in sent(body, optional=frozenset({"tool_choice"}))
    assert sent(body, allowed=frozenset({"tool_choice"}))["tool_choice"] == "required"
    assert "tool_choice" not in sent({"tools": [TOOL], "tool_choice": "auto"})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "function", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"options": "fast"}, "options"),
    ],
)
def test_what_ollama_could_not_read_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(body)
    assert (caught.value.error_param or "").strip(".") == param

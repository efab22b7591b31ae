"""OpenAI's own models are sent nothing that they refuse."""

from dataclasses import replace
from typing import Any

import pytest

from extproc.domain.call import Json
from extproc.domain.deployment import Upstream
from extproc.providers import openai
from extproc.providers.base import Request
from tests.calls import deployment

OPENAI = Upstream("https", "api.openai.com", 443)
SAMPLED = {"temperature": 0, "top_p": 0.5, "logprobs": True, "stop": ["x"], "presence_penalty": 1}


def sent(body: Json, model: str, drop: bool = False, **about: Any) -> Json:
    where = replace(deployment(**{"provider": "openai", **about}), model=model, upstream=OPENAI)
    asked = {"messages": [{"role": "user", "content": "Hi"}], **body}
    return openai.CHAT.request(Request(asked, where, drop_params=drop)).body


@pytest.mark.parametrize("model", ["o1", "o3-mini", "gpt-5", "gpt-5.1-codex", "gpt-6-sol"])
def test_a_model_that_reasons_is_told_the_limit_in_its_word(model: str) -> None:
    body = sent({"max_tokens": 7}, model)
    assert body["max_completion_tokens"] == 7 and "max_tokens" not in body
    both = sent({"max_tokens": 7, "max_completion_tokens": 9}, model)
    assert both["max_completion_tokens"] == 9 and "max_tokens" not in both


def test_azures_deployments_are_known_by_their_base_model() -> None:
    body = sent({"max_tokens": 7}, "mine", provider="azure", base_model="azure/gpt-5-mini")
    assert body["max_completion_tokens"] == 7


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", "omni-1", "ft:gpt-4o:o1"])
def test_other_models_get_what_was_asked(model: str) -> None:
    assert sent({"max_tokens": 7, **SAMPLED}, model, drop=True).items() >= SAMPLED.items()
    assert sent({"max_tokens": 7}, model)["max_tokens"] == 7


@pytest.mark.parametrize(
    ("model", "body", "left"),
    [
        ("gpt-5", SAMPLED, set()),
        ("gpt-5.5", SAMPLED, set()),
        ("o3", SAMPLED, {"stop"}),
        ("gpt-5", {"temperature": 1, "top_p": 1, "presence_penalty": 0}, None),
        ("gpt-5.1", {"temperature": 0, "top_p": 0.5}, None),
        ("gpt-5.1", {"temperature": 0, "reasoning_effort": "low"}, {"reasoning_effort"}),
        ("gpt-5.5", {"temperature": 0, "reasoning_effort": "none"}, None),
    ],
)
def test_what_a_model_chooses_itself_is_left_out_where_it_may_be(
    model: str, body: Json, left: set[str] | None
) -> None:
    kept = sent(body, model, drop=True).keys() & body.keys()
    assert kept == (body.keys() if left is None else left)
    assert sent(body, model).items() >= body.items()


SPOKEN = {
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
    "reasoning_content": "Hm.",
    "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
    "tool_calls": [{"id": "a__thought__sig", "type": "function", "function": {"name": "f"}}],
}
PLAIN = {
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi"}],
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}],
}
RESULT = {"role": "tool", "tool_call_id": "a__thought__sig", "content": "x", "name": "f"}


def test_a_conversation_of_another_provider_is_continued() -> None:
    tools = [{"type": "function", "function": {"name": "f"}, "cache_control": {}}]
    body = sent({"messages": [SPOKEN, RESULT, "odd"], "tools": tools}, "gpt-4o")
    assert body["messages"] == [PLAIN, {**RESULT, "tool_call_id": "a"}, "odd"]
    assert body["tools"] == [{"type": "function", "function": {"name": "f"}}]


def test_another_host_gets_every_word() -> None:
    where = deployment(provider="openai")
    body = openai.CHAT.request(Request({"messages": [SPOKEN]}, where)).body
    assert body["messages"] == [SPOKEN]

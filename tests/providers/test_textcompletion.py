"""A prompt is what the user says; what chat cannot do is refused by name."""

from typing import Any

import pytest
from openai.types import Completion

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import registry
from extproc.providers.base import Request
from extproc.providers.textcompletion import BRIDGE, Events

Json = dict[str, Any]
DEPLOYMENT = Deployment(
    id="d1",
    group="g",
    provider="anthropic",
    model="upstream-model",
    upstream=Upstream("https", "provider.test", 443),
    schema="anthropic",
)


def asked(body: Json, *, drop: bool = False) -> Request:
    return Request(body=body, deployment=DEPLOYMENT, call_id="c1", drop_params=drop)


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_one_prompt_is_one_message(prompt: Any) -> None:
    body = {"model": "m", "prompt": prompt, "max_tokens": 5, "stream": True, "my_own": 1}
    assert BRIDGE.request(asked(body)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Once"}],
        "max_completion_tokens": 5,
        "stream": True,
        "my_own": 1,
    }


@pytest.mark.parametrize("prompt", [None, 1, {}, [], ["a", "b"], [1, 2], [[1, 2]], [None]])
def test_any_other_prompt_is_refused(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        BRIDGE.request(asked({"prompt": prompt}, drop=True))
    assert refused.value.error_param == "prompt"


@pytest.mark.parametrize(
    "params", [{"suffix": "end"}, {"echo": True}, {"best_of": 2}, {"logprobs": 0}, {"logprobs": {}}]
)
def test_what_chat_lacks_is_refused_or_dropped(params: Json) -> None:
    with pytest.raises(UnsupportedParams) as refused:
        BRIDGE.request(asked({"prompt": "Once", **params}))
    assert refused.value.error_param == next(iter(params))
    dropped = BRIDGE.request(asked({"prompt": "Once", **params}, drop=True))
    assert dropped.keys() == {"messages"}


def test_values_that_ask_for_nothing_are_left_out() -> None:
    body = {"prompt": "x", "suffix": "", "echo": False, "best_of": 1, "logprobs": None, "n": None}
    assert BRIDGE.request(asked(body)).keys() == {"messages"}


def test_the_sdk_reads_the_answer() -> None:
    chat = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"content": " upon"}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": None, "refusal": "No."}, "finish_reason": "length"},
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    answer = Completion.model_validate(BRIDGE.response(chat, asked({"prompt": "Once"})))
    assert [choice.text for choice in answer.choices] == [" upon", "No."]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "length"]
    assert answer.object == "text_completion"
    assert answer.usage and answer.usage.total_tokens == 2


def test_a_stream_says_only_what_is_said() -> None:
    events = Events(asked({"prompt": "Once"}))
    assert events.feed({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}) == []
    [said] = events.feed({"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}]})
    assert said == {
        "id": "c",
        "object": "text_completion",
        "choices": [{"text": "a", "index": 0, "logprobs": None, "finish_reason": None}],
    }
    [end] = events.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    assert end["choices"][0]["finish_reason"] == "stop"
    [usage] = events.feed({"choices": [], "usage": {"total_tokens": 2}})
    assert usage["choices"] == []
    assert events.finish() == []


@pytest.mark.parametrize("body", [{}, {"choices": None}, {"choices": [1, {}, {"message": []}]}])
def test_odd_answers_are_tolerated(body: Json) -> None:
    texts = [c["text"] for c in BRIDGE.response(body, asked({}))["choices"]]
    assert texts == [""] * len(texts)
    assert BRIDGE.events(asked({})).feed(body) == []


def test_who_speaks_it_natively_is_not_bridged() -> None:
    assert registry.find("completions", "openai").request(
        Request(body={"prompt": ["a", "b"]}, deployment=DEPLOYMENT)
    ).body["prompt"] == ["a", "b"]

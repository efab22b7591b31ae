"""OpenAI's format in both directions."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.config.deployments import Defaults, compiled
from extproc.config.problems import Warnings
from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import openai, registry
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from tests.calls import deployment

BODY = {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}], "unknown": {"x": 1}}
FULL = {
    "prompt_tokens": 10,
    "completion_tokens": 8,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 2},
}


def test_request_keeps_unknown_fields_and_is_not_changed() -> None:
    before = orjson.dumps(BODY)
    outgoing = openai.CHAT.request(Request(BODY, deployment()))
    assert outgoing.body == {**BODY, "model": "gpt-4o"}
    assert orjson.dumps(BODY) == before


def test_providers_own_names_replace_openais() -> None:
    body = {**BODY, "max_completion_tokens": 7}
    deepseek = deployment(provider="deepseek")
    outgoing = openai.CHAT.request(Request(body, deepseek))
    assert outgoing.body == {**BODY, "model": "gpt-4o", "max_tokens": 7}
    both = openai.CHAT.request(Request({**body, "max_tokens": 3}, deepseek)).body
    assert both["max_tokens"] == 3 and "max_completion_tokens" not in both


@pytest.mark.parametrize(
    ("base", "model", "sent"),
    [
        ("", "together/deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1:together"),
        ("", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("", "deepseek-ai/DeepSeek-R1:fastest", "deepseek-ai/DeepSeek-R1:fastest"),
        ("http://gpu:8080", "together/deepseek-ai/DeepSeek-R1", "together/deepseek-ai/DeepSeek-R1"),
    ],
)
@pytest.mark.parametrize("group", ["any", "hf/*"])
def test_hugging_faces_router_is_told_who_serves(
    base: str, model: str, sent: str, group: str
) -> None:
    params = {"model": f"huggingface/{'*' if '*' in group else model}", "api_base": base}
    given = {name: value for name, value in params.items() if value}
    made = compiled(group, given, {}, Defaults(environ={}), Warnings()).resolved(model)
    assert openai.CHAT.request(Request(BODY, made)).body["model"] == sent
    assert made.model == model


def test_usage_keeps_its_parts() -> None:
    assert openai.usage(FULL) == Usage(10, 8, cached=4, reasoning=5, audio_input=1, audio_output=2)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"total_tokens": 1000}, Usage(input=1000)),
        ({"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 319}, Usage(10, 309)),
        ({"prompt_tokens": 10, "total_tokens": 10}, Usage(10, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 3}, Usage(10, 9)),
    ],
)
def test_what_only_the_total_holds_is_not_free(raw: dict[str, int], expected: Usage) -> None:
    assert openai.usage(raw) == expected


def test_absurd_counts_are_no_counts() -> None:
    assert openai.usage({"prompt_tokens": 2**63, "total_tokens": 2**63}) is None


@pytest.mark.parametrize("raw", [None, {}, [], "x", {"total_tokens": None}, {"total_tokens": "7"}])
def test_usage_that_says_nothing_is_none(raw: Any) -> None:
    assert openai.usage(raw) is None


@given(
    st.dictionaries(
        st.sampled_from([*FULL, "x"]),
        st.none()
        | st.integers()
        | st.text()
        | st.booleans()
        | st.dictionaries(st.text(), st.none()),
    )
)
def test_no_usage_object_breaks_us(raw: dict[str, Any]) -> None:
    found = openai.usage(raw)
    assert found is None or (found.input >= 0 and found.output >= 0)


def chunk(**delta: Any) -> Frame:
    return Frame(orjson.dumps({"id": "c", "choices": [{"index": 0, "delta": delta}]}))


def test_stream_collects_text_tool_calls_and_the_last_usage() -> None:
    chunks = openai.Chunks(Request({}, deployment()))
    chunks.feed(chunk(role="assistant", content="Hel"))
    chunks.feed(chunk(reasoning_content="hm", content="lo"))
    chunks.feed(chunk(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}]))
    for total in (7, 9):
        raw = {"prompt_tokens": 2, "completion_tokens": total - 2, "total_tokens": total}
        chunks.feed(Frame(orjson.dumps({"choices": [], "usage": raw})))
    assert chunks.text == "Hellohmf{}" and chunks.usage == Usage(2, 7) and not chunks.done
    [end] = chunks.feed(Frame(b"[DONE]"))
    assert end["choices"][0]["finish_reason"] == "tool_calls" and chunks.done
    assert chunks.feed(chunk(content="late")) == []


@pytest.mark.parametrize("where", ["chunk", "choice", "x_groq"])
def test_a_usage_beside_choices_is_told_at_the_end(where: str) -> None:
    chunks = openai.Chunks(Request({}, deployment()))
    for produced in (1, 2):
        used = {"prompt_tokens": 3, "completion_tokens": produced, "total_tokens": 3 + produced}
        piece: Any = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
        said: Any = {"id": "c", "choices": [piece]}
        holder = {"chunk": said, "choice": piece, "x_groq": said.setdefault("x_groq", {})}[where]
        holder["usage"] = used
        [told] = chunks.feed(Frame(orjson.dumps(said)))
        assert "usage" not in told and "usage" not in told["choices"][0]
    assert chunks.usage == Usage(3, 2)
    end, last = chunks.feed(Frame(b"[DONE]"))
    assert end["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert last == {"id": "c", "choices": [], "usage": used}


@pytest.mark.parametrize("provider", ["deepseek", "hosted_vllm", "groq", "openai_like"])
def test_who_knows_no_developer_hears_the_system(provider: str) -> None:
    body = {"messages": [{"role": "developer", "content": "Be brief."}]}
    outgoing = openai.CHAT.request(Request(body, deployment(provider=provider)))
    assert outgoing.body["messages"] == [{"role": "system", "content": "Be brief."}]
    assert openai.CHAT.request(Request(body, deployment())).body["messages"] == body["messages"]


def test_text_in_parts_is_a_string_to_who_takes_no_parts() -> None:
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    picture = [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]
    body = {"messages": [{"role": "user", "content": each} for each in (parts, picture, "C")]}
    outgoing = openai.CHAT.request(Request(body, deployment(provider="moonshot")))
    assert [message["content"] for message in outgoing.body["messages"]] == ["AB", picture, "C"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b'{"error":{"message":"x","code":429}}', 429),
        (b'{"error":{"message":"x","code":"overloaded"}}', 500),
        (b'{"error":"x"}', 500),
        (b'{"error":{"message":"x","code":"tool_use_failed","status_code":400}}', 400),
        (b'{"object":"error","message":"x","code":400}', 400),
        (b"not json", 502),
        (b"[]", 502),
    ],
)
def test_error_events_and_nonsense_are_errors(data: bytes, status: int) -> None:
    with pytest.raises(ProviderError) as raised:
        openai.Chunks(Request({}, deployment())).feed(Frame(data))
    assert raised.value.status == status


def test_whole_answer_as_chunks_numbers_its_tool_calls() -> None:
    tool = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [tool, tool]}
    body = {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": FULL,
    }
    first, end, usage = openai.unstream_chat(body, Request({}, deployment()))
    assert [call["index"] for call in first["choices"][0]["delta"]["tool_calls"]] == [0, 1]
    assert "content" not in first["choices"][0]["delta"]
    assert end["choices"][0]["finish_reason"] == "tool_calls"
    assert usage["usage"] == FULL and first["object"] == "chat.completion.chunk"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({"reasoning": "Hm"}, {"reasoning_content": "Hm"}),
        ({"reasoning": "Hm", "reasoning_content": None}, {"reasoning_content": "Hm"}),
        (
            {"reasoning": "a", "reasoning_content": "b"},
            {"reasoning": "a", "reasoning_content": "b"},
        ),
        ({"reasoning": {"a": 1}}, {"reasoning": {"a": 1}}),
        ({"reasoning": None}, {"reasoning": None}),
        (None, None),
    ],
)
def test_thoughts_are_where_clients_look(message: Any, shown: Any) -> None:
    request = Request(BODY, deployment())
    whole = openai.CHAT.response({"choices": [{"message": message}, 7]}, request)
    assert whole.body == {"choices": [{"message": shown}, 7]}
    event = Frame(data=orjson.dumps({"choices": [{"delta": message}]}))
    spoken = {**(shown or {}), "role": "assistant"}
    [told] = openai.CHAT.chunks(request).feed(event)
    assert told == {"choices": [{"index": 0, "delta": spoken}]}


@pytest.mark.parametrize("messages", [None, "Hi", [7, None, {"reasoning_content": 1}]])
def test_odd_messages_pass_to_who_has_another_word_for_thoughts(messages: Any) -> None:
    body = {**BODY, "messages": messages}
    groq = deployment(provider="groq")
    assert openai.CHAT.request(Request(body, groq)).body["messages"] == messages


def test_each_choice_of_a_stream_begins_with_its_role() -> None:
    chunks = openai.CHAT.chunks(Request(BODY, deployment()))
    told = [
        {"index": 0, "delta": {"content": "a"}},
        {"index": 1, "delta": {"content": "b", "role": None}},
        {"index": 0, "delta": {"content": "c", "role": "assistant"}},
        {"index": 2, "delta": {"role": "tool"}},
        {"index": [], "delta": {}},
        {"index": 0, "text": "no delta"},
    ]
    fed = [chunks.feed(Frame(orjson.dumps({"choices": [choice]}))) for choice in told]
    shown = [chunk["choices"][0].get("delta", {}).get("role") for [chunk] in fed]
    assert shown == ["assistant", "assistant", None, "tool", None, None]


@pytest.mark.parametrize("said", ["stop", "eos_token", "length"])
def test_who_calls_tools_ended_for_them(said: str) -> None:
    request, shown = Request(BODY, deployment()), "length" if said == "length" else "tool_calls"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    whole = {"message": {"tool_calls": [call]}, "finish_reason": said}
    [choice] = openai.CHAT.response({"choices": [whole]}, request).body["choices"]
    assert choice["finish_reason"] == shown
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"x":1}'
    chunks = openai.CHAT.chunks(request)
    told = [{"delta": {"tool_calls": [{"index": 0}]}}, {"delta": {}, "finish_reason": said}]
    fed = [chunks.feed(Frame(orjson.dumps({"choices": [choice]}))) for choice in told]
    assert fed[-1][0]["choices"][0]["finish_reason"] == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("COMPLETE", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("tool_use", "tool_calls"),
        ("function_call", "function_call"),
        ("SAFETY", "content_filter"),
        ("insufficient_system_resource", "insufficient_system_resource"),
        (None, None),
        (7, 7),
    ],
)
def test_why_an_answer_ended_is_said_in_openais_words(said: Any, shown: Any) -> None:
    request = Request(BODY, deployment())
    whole = openai.CHAT.response({"choices": [{"finish_reason": said, "message": {}}]}, request)
    assert whole.body["choices"] == [{"finish_reason": shown, "message": {}}]
    event = Frame(orjson.dumps({"choices": [{"index": 0, "finish_reason": said}]}))
    [chunk] = openai.CHAT.chunks(request).feed(event)
    assert chunk["choices"][0]["finish_reason"] == shown


ASKED: dict[str, Any] = {
    "chat": BODY,
    "completions": {"prompt": "Hi"},
    "messages": {**BODY, "max_tokens": 9},
    "responses": {"input": "Hi"},
    "generate": {"contents": [{"parts": [{"text": "Hi"}]}]},
}


@pytest.mark.parametrize("choices", [None, [], "x", [7]])
@pytest.mark.parametrize("endpoint", ASKED)
@pytest.mark.parametrize("schema", ["openai_chat", "mistral", "watsonx", "databricks"])
def test_an_answer_without_choices_is_502(endpoint: Any, schema: str, choices: Any) -> None:
    asked = Request(ASKED[endpoint], deployment(schema=schema))
    with pytest.raises(ProviderError, match="no choices") as caught:
        registry.find(endpoint, schema).response({"id": "c", "choices": choices}, asked)
    assert caught.value.status == 502

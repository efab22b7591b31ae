"""Anthropic's format beyond its cases: the SDK reads them all, and nothing odd gets through."""

import copy
import json
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError, InvalidRequest
from extproc.providers import openai, registry
from extproc.providers.base import Request
from extproc.providers.messages import BRIDGE
from tests.providers import cases
from tests.providers.providerschemas import forced

FOUND = [
    case
    for case in cases.found()
    if case.parts[-3] == "messages" and case.parts[-3:-1] not in registry.NATIVE
]
OPENAI = [case for case in FOUND if case.parts[-2] == "openai"]
WHOLE = [case for case in FOUND if (case / "client.json").exists()]
STREAMS = [case for case in FOUND if (case / "client.sse").exists()]
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
PARAMS: TypeAdapter[Any] = TypeAdapter(CompletionCreateParams)
MODEST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _name(case: Path) -> str:
    return "/".join(case.parts[-2:])


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _deployment(schema: str = "openai", **more: Any) -> Deployment:
    usual = {"id": "d1", "group": "g", "provider": schema, "model": "upstream-model"}
    return Deployment(
        **{**usual, "upstream": Upstream("https", "provider.test", 443), "schema": schema, **more}
    )


def _asked(body: Any, schema: str = "openai", **more: Any) -> Request:
    return Request(body=body, deployment=_deployment(schema, **more), call_id="0c0ffee0")


def _chat(schema: str = "openai", *, deployment: dict[str, Any] | None = None, **body: Any) -> Any:
    body = {"messages": [{"role": "user", "content": "Hi"}], **body}
    return BRIDGE.request(_asked(body, schema, **(deployment or {})))


def _client(kind: str, content: bytes) -> anthropic.Anthropic:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    return anthropic.Anthropic(
        api_key="k",
        base_url="https://gateway.test",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )


def _events(case: Path) -> list[Any]:
    lines = (case / "client.sse").read_text().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def _accumulated(events: list[Any]) -> list[Any]:
    """The content of a stream; asserts that its events come in Anthropic's order."""
    assert [event["type"] for event in events[:2]] == ["message_start", "ping"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    content: list[Any] = []
    is_open = False
    for event in events[2:-2]:
        EVENTS.validate_python(event)
        if event["type"] == "content_block_start":
            assert not is_open
            assert event["index"] == len(content)
            content.append({**event["content_block"], "json": ""})
        assert event["index"] == len(content) - 1
        is_open = event["type"] != "content_block_stop"
        if event["type"] == "content_block_delta":
            _grow(content[-1], event["delta"])
    assert not is_open
    for block in content:
        text = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(text or "{}")
    return content


def _grow(block: Any, delta: Any) -> None:
    if delta["type"] == "input_json_delta":
        block["json"] += delta["partial_json"]
    elif delta["type"] == "citations_delta":
        block.setdefault("citations", []).append(delta["citation"])
    else:
        name = delta["type"].removesuffix("_delta")
        block[name] += delta[name]


@pytest.mark.parametrize("case", WHOLE, ids=_name)
def test_the_sdk_reads_the_answer(case: Path) -> None:
    body = _json(case / "client.json")
    if "status" in body:
        assert body["body"].keys() == {"type", "error"}
        assert body["body"]["error"].keys() == {"type", "message"}
        return
    Message.model_validate(body, strict=True)
    sdk = _client("application/json", (case / "client.json").read_bytes())
    message = sdk.messages.create(model="m", max_tokens=1, messages=[])
    assert message.to_dict()["content"] == body["content"]


@pytest.mark.parametrize("case", STREAMS, ids=_name)
def test_the_sdk_reads_the_stream(case: Path) -> None:
    events = _events(case)
    sdk = _client("text/event-stream", (case / "client.sse").read_bytes())
    with sdk.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
        if events[-1]["type"] == "error":
            with pytest.raises(anthropic.APIStatusError, match=r"litellm\."):
                stream.get_final_message()
            return
        message = stream.get_final_message()
    shown = message.to_dict()
    assert [{**block} for block in shown["content"]] == _accumulated(events)
    assert shown["stop_reason"] == events[-2]["delta"]["stop_reason"]
    assert message.usage.input_tokens == events[-2]["usage"]["input_tokens"]
    Message.model_validate({k: v for k, v in shown.items() if k != "parsed_output"})


@pytest.mark.parametrize("case", OPENAI, ids=_name)
def test_openai_would_take_the_request(case: Path) -> None:
    outgoing = _json(case / "outgoing.json")
    about = _json(case / "case.json") if (case / "case.json").exists() else {}
    if "refused" in outgoing or about.get("deployment", {}).get("provider", "openai") != "openai":
        return
    forced(PARAMS.validate_python(outgoing["body"]))
    unknown = outgoing["body"].keys() - CompletionCreateParams.__args__[0].__annotations__.keys()
    assert unknown <= {"stream"}


def test_a_tool_without_properties_has_none_where_openai_wants_them() -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    [tool] = _chat(tools=tools)["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}
    assert tools == [{"name": "f", "input_schema": {"type": "object"}}]


def test_a_note_for_anthropics_bills_is_not_sent_to_others() -> None:
    note = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=0f3;"}
    said = {"type": "text", "text": "Be kind."}
    assert _chat(system=[note, said])["messages"][0] == {"role": "system", "content": "Be kind."}
    assert [message["role"] for message in _chat(system=[note])["messages"]] == ["user"]


def test_a_thinking_budget_is_kept_exactly_where_it_is_taken() -> None:
    thinking = {"type": "enabled", "budget_tokens": 5000}
    for schema, more in (
        ("anthropic", {}),
        ("gemini", {}),
        ("bedrock", {"model": "anthropic.claude-sonnet-4-5-20250929-v1:0"}),
    ):
        body = _chat(schema, deployment=more, thinking=thinking, top_k=3)
        assert body["thinking"] == thinking
        assert body["top_k"] == 3
        assert "reasoning_effort" not in body


def test_what_only_claude_takes_is_not_sent_to_another_model_of_bedrock() -> None:
    nova = {"model": "amazon.nova-pro-v1:0"}
    body = _chat("bedrock", deployment=nova, thinking={"type": "adaptive"}, top_k=3)
    assert body.keys() == {"messages"}


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        ({"type": "enabled", "budget_tokens": 5000}, {"thinking"}),
        ({"type": "disabled"}, {"thinking"}),
        ({"type": "adaptive"}, {"reasoning_effort"}),
        ({"type": "between_tools"}, {"reasoning_effort"}),
        (None, {"reasoning_effort"}),
    ],
)
def test_gemini_is_told_a_budget_or_an_effort_but_not_both(thinking: Any, sent: set[str]) -> None:
    body = _chat("gemini", thinking=thinking, output_config={"effort": "high"})
    assert body.keys() == {"messages"} | sent


def test_claude_on_bedrock_is_told_its_effort_in_its_own_words() -> None:
    claude = {"model": "anthropic.claude-opus-4-6-v1"}
    words = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}
    body = _chat("bedrock", deployment=claude, **words)
    assert body == {**body, **words}
    assert "reasoning_effort" not in body


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (0, "low"),
        (1024, "low"),
        (2048, "medium"),
        (4095, "medium"),
        (4096, "high"),
        (32000, "high"),
    ],
)
def test_a_thinking_budget_becomes_an_effort(budget: int, effort: str) -> None:
    body = _chat(thinking={"type": "enabled", "budget_tokens": budget})
    assert body["reasoning_effort"] == effort
    assert "thinking" not in body


@pytest.mark.parametrize("type_", ["disabled", "adaptive", "between_tools"])
def test_thinking_without_a_budget_leaves_the_models_own_default(type_: str) -> None:
    assert _chat(thinking={"type": type_}).keys() == {"messages"}


def test_an_allowed_member_is_sent_as_it_is() -> None:
    asked = _asked({"messages": [], "top_k": 3, "thinking": {"type": "adaptive"}})
    allowed = Request(asked.body, asked.deployment, allowed=frozenset({"top_k", "thinking"}))
    body = BRIDGE.request(allowed)
    assert (body["top_k"], body["thinking"]) == (3, {"type": "adaptive"})


def test_no_mcp_servers_are_nothing_to_refuse() -> None:
    assert _chat(mcp_servers=[]).keys() == {"messages"}


def test_what_clients_send_always_is_left_out_where_it_is_lacking() -> None:
    body = {
        "messages": [{"role": "user", "content": "Hi"}],
        "metadata": {"user_id": "u1"},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    }
    outgoing = registry.find("messages", "cohere").request(_asked(body, "cohere"))
    assert "user" not in outgoing.body


def test_signed_thoughts_go_back_as_blocks_and_unsigned_ones_as_text() -> None:
    said = [
        {"type": "thinking", "thinking": "One. ", "signature": "c2ln"},
        {"type": "thinking", "thinking": "Two.", "signature": ""},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "So."},
    ]
    [message] = _chat("anthropic", messages=[{"role": "assistant", "content": said}])["messages"]
    assert message["reasoning_content"] == "One. Two."
    assert message["thinking_blocks"] == [said[0], said[2]]
    assert message["content"] == "So."


def test_cache_marks_and_failures_are_kept_where_they_are_taken() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    marked = {"cache_control": mark}
    result = {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": "no"}
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}, **marked}
    text = {"type": "text", "text": "x", **marked}
    body = _chat(
        "anthropic",
        messages=[
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{**result, **marked}, text]},
        ],
        system=[{"type": "text", "text": "s", "cache_control": mark}],
        tools=[{"name": "f", "input_schema": {}, "cache_control": mark}],
    )
    system, assistant, tool, user = body["messages"]
    assert system["content"][0]["cache_control"] == mark
    assert (assistant["cache_control"], tool["cache_control"], tool["is_error"]) == (
        mark,
        mark,
        True,
    )
    assert user["content"] == [text]
    assert body["tools"][0]["cache_control"] == mark


def test_a_mark_on_the_whole_request_marks_its_last_message() -> None:
    body = _chat("anthropic", cache_control={"type": "ephemeral"})
    assert body["messages"][-1]["cache_control"] == {"type": "ephemeral"}


def test_a_body_to_count_needs_no_limit() -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    body = _chat(system="Be brief.", tools=tools)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["tools"][0]["function"]["name"] == "f"


def test_an_answer_goes_back_as_the_history_it_came_from() -> None:
    case = cases.CASES / "messages/openai/parallel-tools"
    upstream = _json(case / "upstream.json")
    answer = BRIDGE.response(upstream, _asked(_json(case / "request.json")))
    [message] = _chat(messages=[{"role": "assistant", "content": answer["content"]}])["messages"]
    said = upstream["choices"][0]["message"]
    assert message["content"] == said["content"]
    assert [call["id"] for call in message["tool_calls"]] == ["call_a1", "call_a2"]
    for ours, theirs in zip(message["tool_calls"], said["tool_calls"], strict=True):
        assert json.loads(ours["function"]["arguments"]) == json.loads(
            theirs["function"]["arguments"]
        )


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"messages": "x"}, "messages"),
        ({"messages": [7]}, "messages.0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0"),
        ({"messages": [], "system": 7}, "system"),
        ({"messages": [], "tools": {}}, "tools"),
        ({"messages": [], "tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"messages": [], "thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens"),
        ({"messages": [], "thinking": "on"}, "thinking"),
        ({"messages": [], "output_config": []}, "output_config"),
        ({"messages": [], "output_format": {"type": "json"}}, "output_config.format"),
        ({"messages": [], "metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"messages": [], "inference_geo": "eu"}, "inference_geo"),
    ],
)
def test_what_is_wrong_is_named(body: Any, where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        BRIDGE.request(_asked(body))
    assert caught.value.error_param == where
    assert caught.value.message.startswith(f"{where}: ")


def test_an_input_nested_too_deeply_is_refused() -> None:
    deep: Any = {}
    for _ in range(600):
        deep = {"a": deep}
    block = {"type": "tool_use", "id": "t", "name": "f", "input": deep}
    with pytest.raises(InvalidRequest, match=r"messages\.0\.content\.0\.input"):
        _chat(messages=[{"role": "assistant", "content": [block]}])


WORDS = ["text", "user", "assistant", "tool_use", "image", "type", "enabled"]
NAMES = ["type", "text", "id", "content", "index", "name"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a JSON value."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [place for key, item in items for place in [(value, key), *_places(item)]]


def _spoilt(value: Any, data: st.DataObject) -> Any:
    """A copy of a good value with one of its members replaced by some JSON."""
    value = copy.deepcopy(value)
    places = _places(value)
    assume(places)
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(JSON)
    return value


@MODEST
@given(st.data())
def test_a_request_with_anything_wrong_is_refused_or_sent(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(FOUND))
    body = _spoilt(_json(case / "request.json"), data)
    schema = data.draw(st.sampled_from(["openai", "anthropic", "gemini"]))
    try:
        assert isinstance(BRIDGE.request(_asked(body, schema))["messages"], list)
    except InvalidRequest as error:
        assert error.error_param
        assert error.message.startswith(error.error_param)


@MODEST
@given(st.data())
def test_an_odd_answer_is_a_message_or_a_failure(data: st.DataObject) -> None:
    case = data.draw(
        st.sampled_from([c for c in OPENAI if (c / "usage.json").exists() and c in WHOLE])
    )
    asked = _asked(_json(case / "request.json"))
    completion = _spoilt(_json(case / "upstream.json"), data)
    try:
        message = BRIDGE.response(completion, asked)
    except GatewayError:
        return
    Message.model_validate(message)
    content = _accumulated(BRIDGE.unstream(message, asked))
    assert content == message["content"]


@MODEST
@given(st.data())
def test_an_odd_stream_is_well_formed_all_the_same(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([c for c in OPENAI if (c / "upstream.sse").exists()]))
    lines = (case / "upstream.sse").read_text().splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    events = BRIDGE.events(_asked(_json(case / "request.json")))
    spoilt = [chunk for chunk in _spoilt(chunks, data) if isinstance(chunk, dict)]
    shown = [event for chunk in spoilt for event in events.feed(chunk)] + events.finish()
    assume(all(_is_json(shown, index) for index in range(9)))
    _accumulated(shown)


def _is_json(events: list[Any], index: int) -> bool:
    """Whether a tool's input is whole: a spoilt chunk may leave half of it."""
    mine = [e["delta"] for e in events if e.get("index") == index and "delta" in e]
    text = "".join(delta.get("partial_json", "") for delta in mine)
    try:
        return not text or isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


CALLS = st.lists(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2), max_size=3)


@MODEST
@given(st.text(max_size=8), st.text(max_size=8), CALLS, st.data())
def test_a_stream_says_what_the_whole_answer_does(
    text: str, thinking: str, inputs: list[Any], data: st.DataObject
) -> None:
    """However its calls are cut into pieces, and in whatever order the pieces come."""
    calls = [
        {"id": f"c{n}", "function": {"name": f"f{n}", "arguments": json.dumps(value)}}
        for n, value in enumerate(inputs)
    ]
    said = {"content": text, "reasoning_content": thinking, "tool_calls": calls}
    whole = {"choices": [{"message": said, "finish_reason": "stop"}], "usage": None}
    pieces = [_cut(n, call) for n, call in enumerate(calls)]
    asked = _asked({"messages": []})
    events = BRIDGE.events(asked)
    shown = events.feed(_chunk({"role": "assistant", "reasoning_content": thinking}))
    shown += events.feed(_chunk({"content": text}))
    for first in [piece.pop(0) for piece in pieces]:
        shown += events.feed(_chunk(first))
    while left := [piece for piece in pieces if piece]:
        shown += events.feed(_chunk(data.draw(st.sampled_from(left)).pop(0)))
    shown += events.feed(_chunk({}, "stop")) + events.finish()
    message = BRIDGE.response(whole, asked)
    assert _accumulated(shown) == message["content"]
    assert shown[-2]["delta"]["stop_reason"] == message["stop_reason"]
    again = BRIDGE.events(asked)
    shown = [event for c in openai.unstream_chat(whole, asked) for event in again.feed(c)]
    assert _accumulated(shown + again.finish()) == message["content"]


def _chunk(delta: Any, finish_reason: str | None = None) -> Any:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _cut(index: int, call: Any) -> list[Any]:
    """A call's first delta, then its arguments a character each."""
    first = _delta(index, call["id"], call["function"]["name"], "")
    return [first, *(_delta(index, None, None, c) for c in call["function"]["arguments"])]


def _delta(index: int, call_id: str | None, name: str | None, arguments: str) -> Any:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": call_id, "function": function}]}


def test_a_call_whose_input_is_whole_makes_room_for_the_next_at_once() -> None:
    events = BRIDGE.events(_asked({"messages": []}))
    events.feed(_chunk(_delta(0, "c0", "f", "{}")))
    shown = events.feed(_chunk(_delta(1, "c1", "g", "")))
    assert [event["type"] for event in shown] == ["content_block_stop", "content_block_start"]
    assert shown[1]["content_block"]["id"] == "c1"


def test_each_signature_closes_its_thought() -> None:
    events = BRIDGE.events(_asked({"messages": []}))
    shown = []
    for block in (
        {"type": "thinking", "thinking": "One."},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "thinking", "thinking": "Two.", "signature": "c2lnMg=="},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "unknown"},
    ):
        shown += events.feed(_chunk({"thinking_blocks": [block]}))
    assert _accumulated(shown + events.finish()) == [
        {"type": "thinking", "thinking": "One.", "signature": "c2ln"},
        {"type": "thinking", "thinking": "Two.", "signature": "c2lnMg=="},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
    ]


def test_a_stream_that_says_nothing_is_an_empty_message() -> None:
    events = BRIDGE.events(_asked({"messages": []}))
    shown = events.feed({"choices": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}})
    assert shown == []
    shown = events.finish()
    assert _accumulated(shown) == []
    assert shown[-2]["usage"]["input_tokens"] == 3

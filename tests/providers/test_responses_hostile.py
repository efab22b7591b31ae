"""Whatever clients and providers send, only errors that a client can be shown come of it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError, InvalidRequest
from extproc.providers import registry
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from extproc.providers.responses import events, items, native, request, seal, tools

MEMBERS = (
    *(request.SAME | request.READ | request.KEPT),
    *request.NO_MEMORY,
    *request.LACKING,
)
WORDS = (
    *("type", "role", "content", "id", "call_id", "name", "arguments", "output", "summary"),
    *("text", "image_url", "file_data", "file_id", "file_url", "format", "schema", "effort"),
    *("encrypted_content", "tools", "mode", "refusal", "parameters", "user_location", "delta"),
    *("choices", "message", "tool_calls", "function", "usage", "finish_reason", "index"),
    *("reasoning_content", "thinking_blocks", "logprobs", "annotations", "url_citation", "error"),
    *("input_tokens", "output_tokens", "response", "status", "signature", "thinking", "code"),
)
KINDS = (
    *items.ITEMS,
    *items.PARTS,
    *("function", "custom", "web_search", "file_search", "allowed_tools", "json_schema", "auto"),
    *("user", "assistant", "system", "thinking", "redacted_thinking", "length", "item_reference"),
    *(native.ENDS | native.HELD | native.PRODUCED.keys()),
    *("response.failed", "error", "response.output_item.added", "failed"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(KINDS)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5)
ITEM = st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(KINDS), OBJECT)
SAID = ("content", "refusal", "reasoning_content", "thinking_blocks", "tool_calls", "annotations")
MESSAGE = st.dictionaries(st.sampled_from(SAID), JSON | st.lists(OBJECT, max_size=2), max_size=4)
CHOICE = st.builds(
    lambda said, rest: {**rest, "message": said, "delta": said, "index": 0}, MESSAGE, OBJECT
)
CHAT = st.builds(
    lambda rest, choices: {**rest, "choices": choices}, OBJECT, st.lists(CHOICE, max_size=2)
)
REST = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4)
BODY = st.builds(
    lambda rest, given, offered: {**rest, "model": "m", "input": given, **offered},
    REST,
    st.lists(ITEM | JSON, max_size=3) | JSON,
    st.just({}) | st.fixed_dictionaries({"tools": st.lists(ITEM, max_size=2) | JSON}),
)


def _request(body: dict[str, Any], drop: bool = False, schema: str = "openai_chat") -> Request:
    return Request(
        body=body,
        deployment=Deployment(
            "d1", "g", schema, "m", Upstream("https", "provider.test", 443), schema=schema
        ),
        call_id="c1",
        drop_params=drop,
        streaming=True,
    )


@given(BODY, st.booleans())
def test_any_request_translates_or_is_refused(body: dict[str, Any], drop: bool) -> None:
    before = json.dumps(body)
    for schema in ("openai_chat", "openai", "anthropic"):
        try:
            registry.find("responses", schema).request(_request(body, drop, schema))
        except InvalidRequest as error:
            assert error.error_param
    assert json.dumps(body) == before


@given(OBJECT | CHAT)
def test_any_chat_answer_is_told_or_refused(body: dict[str, Any]) -> None:
    for schema in ("openai_chat", "openai"):
        translator = registry.find("responses", schema)
        asked = _request({"model": "m", "input": "x"}, schema=schema)
        try:
            incoming = translator.response(body, asked)
            told = translator.unstream(incoming.body, asked)
        except GatewayError:
            continue
        orjson.dumps([incoming.body, told])


@given(st.lists(CHAT | ITEM, max_size=4))
def test_any_stream_is_told_or_refused(chunks: list[dict[str, Any]]) -> None:
    for schema in ("openai_chat", "openai"):
        asked = _request({"model": "m", "input": "x"}, schema=schema)
        stream = registry.find("responses", schema).chunks(asked)
        try:
            told = [stream.feed(Frame(orjson.dumps(chunk))) for chunk in chunks]
            told += [stream.feed(Frame(b"[DONE]")), stream.finish()]
        except GatewayError:
            continue
        orjson.dumps(told)
        assert isinstance(stream.text, str)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("max_output_tokens", 1.5),
        ("metadata", []),
        ("text", "json"),
        ("reasoning", "high"),
        ("tools", {}),
        ("include", "all"),
        ("instructions", ["Be brief"]),
        ("input", {"role": "user"}),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_a_member_of_the_wrong_kind_is_named(member: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        request.chat_body(_request({"model": "m", "input": "x", member: value}))
    assert refused.value.error_param == member
    assert member in refused.value.message


def test_thoughts_come_back_as_they_were_put_away() -> None:
    blocks = [{"type": "thinking", "thinking": "héllo", "signature": "s"}]
    sealed = seal.sealed(blocks)
    assert sealed is not None
    assert seal.opened(sealed) == blocks
    assert seal.sealed([{"type": "thinking", "thinking": "x", "signature": ""}]) is None


@given(st.text() | st.none() | st.integers())
def test_thoughts_of_others_are_none_of_ours(content: object) -> None:
    assert seal.opened(content) == []
    assert seal.opened(f"{seal.PREFIX}{content}") in ([], seal.opened(content))


def test_a_custom_tools_input_survives_its_function() -> None:
    assert tools.unwrapped(tools.wrapped('{"a": 1}\n')) == '{"a": 1}\n'
    assert tools.unwrapped("not json") == "not json"
    assert tools.unwrapped('{"other": 1}') == '{"other": 1}'
    assert tools.unwrapped("[1]") == "[1]"


def test_a_stream_without_chunks_is_still_a_response() -> None:
    kinds = [event["type"] for event in events.Events(_request({"input": "x"})).finish()]
    assert kinds == ["response.created", "response.in_progress", "response.completed"]

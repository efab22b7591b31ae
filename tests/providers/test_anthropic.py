"""What the cases do not show: hostile types, odd names, and that Anthropic's own types agree."""

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.usage import Usage
from extproc.errors import GatewayError, InvalidRequest, ProviderError
from extproc.providers import anthropic
from extproc.providers.anthropic.models import model_of
from extproc.providers.anthropic.tools import closed
from extproc.providers.base import Request, Translator
from extproc.providers.frames import Frame
from tests.providers.cases import CASES
from tests.providers.providerschemas import anthropic as problems

HOSTS = ("anthropic", "vertex_anthropic", "bedrock_invoke")
TRANSLATORS = (
    *(anthropic.CHAT, anthropic.VERTEX_CHAT, anthropic.BEDROCK_CHAT),
    *(anthropic.MESSAGES, anthropic.VERTEX_MESSAGES, anthropic.BEDROCK_MESSAGES),
)


def ask(body: dict[str, Any], model: str = "claude-sonnet-4-5", **more: Any) -> Request:
    upstream = Upstream("https", "provider.test", 443)
    deployment = Deployment("d1", "g", "anthropic", model, upstream, schema="anthropic")
    return Request(body, deployment, call_id="c1", **more)


def hello(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}], **more}


def sent(body: dict[str, Any], model: str = "claude-sonnet-4-5", **more: Any) -> dict[str, Any]:
    return anthropic.CHAT.request(ask(body, model, **more)).body


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-opus-4-20250514", "opus", (4, 0)),
        ("claude-3-7-sonnet-20250219", "", (3, 7)),
        ("claude-3-haiku-20240307", "", (3, 0)),
        ("claude-sonnet-4-5@20250929", "sonnet", (4, 5)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "haiku", (4, 5)),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5", "opus", (5, 0)),
        ("claude-mythos-preview", "mythos", (4, 7)),
        ("my-own-name", "", (0, 0)),
    ],
)
def test_a_model_is_read_from_its_name(name: str, family: str, version: tuple[int, int]) -> None:
    model = model_of(name)
    assert (model.family, model.version) == (family, version)


BETAS = frozenset({"extra-members-pass", "tools-of-anthropic"})
"""Cases with members and tools that are known as betas alone."""


def _bodies() -> list[Any]:
    found = []
    for host in HOSTS:
        for path in sorted((CASES / "chat" / host).glob("*/outgoing.json")):
            body = json.loads(path.read_text()).get("body")
            if body is not None and path.parent.name not in BETAS:
                found.append(pytest.param(body, id=f"{host}/{path.parent.name}"))
    return found


@pytest.mark.parametrize("body", _bodies())
def test_what_is_sent_has_anthropics_types(body: dict[str, Any]) -> None:
    assert problems(body) == []


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": "many"},
        {"max_tokens": True},
        {"temperature": "warm"},
        {"stop": 5},
        {"stop": ["a", 5]},
        {"reasoning_effort": []},
        {"reasoning_effort": "huge"},
        {"response_format": "json"},
        {"response_format": {"type": "xml"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}},
        {"tools": [{"type": "custom", "custom": {"name": "grammar"}}]},
        {"tools": [{"type": "function", "function": {"name": 5}}]},
        {"tools": [{}]},
        {"tools": [{"name": "f"}], "tool_choice": "sometimes"},
        {"tools": [{"name": "f"}], "tool_choice": {"type": "allowed_tools"}},
        {"thinking": "hard"},
        {"output_config": 5},
        {"web_search_options": 5},
        {"messages": []},
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 5}]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "assistant", "function_call": 5}]},
    ],
)
def test_a_wrong_value_is_refused_by_name(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(hello(**more))
    assert str(caught.value.error_param).partition(".")[0] in more


def test_a_clients_betas_travel_and_its_version_only_with_its_own_format() -> None:
    headers = {"anthropic-beta": "one-2025-01-01", "anthropic-version": "2026-10-21"}
    extra = {"anthropic_beta": ["two-2025-01-01", "one-2025-01-01"]}
    own = anthropic.MESSAGES.request(ask({**hello(), **extra}, headers=headers))
    assert own.headers == {**headers, "anthropic-beta": "one-2025-01-01,two-2025-01-01"}
    chat = anthropic.CHAT.request(ask(hello(), headers=headers))
    assert chat.headers["anthropic-version"] == "2023-06-01"


def test_a_deployments_betas_travel_beside_the_clients() -> None:
    operators = replace(ask(hello()).deployment, headers={"anthropic-beta": "two-2025-01-01"})
    asked = ask(hello(), headers={"anthropic-beta": "one-2025-01-01"})
    own = anthropic.MESSAGES.request(replace(asked, deployment=operators))
    assert own.headers["anthropic-beta"] == "one-2025-01-01,two-2025-01-01"


CLAUDE_CODE = "claude-code-20250219,context-1m-2025-08-07,advanced-tool-use-2025-11-20"


def test_the_clouds_get_the_betas_that_they_know_by_their_own_names() -> None:
    asked = ask(hello(), headers={"anthropic-beta": CLAUDE_CODE})
    known = ["context-1m-2025-08-07", "tool-search-tool-2025-10-19"]
    for translator in (anthropic.BEDROCK_MESSAGES, anthropic.BEDROCK_CHAT):
        assert translator.request(asked).body["anthropic_beta"] == known
    vertex = anthropic.VERTEX_MESSAGES.request(asked)
    assert vertex.headers == {"anthropic-beta": ",".join(known)}
    assert anthropic.MESSAGES.request(asked).headers["anthropic-beta"] == CLAUDE_CODE


def test_amazon_gets_no_hint_that_it_does_not_know() -> None:
    mark = {"cache_control": {"type": "ephemeral", "scope": "global"}}
    plain = {"cache_control": {"type": "ephemeral"}}
    edits = [{"type": "clear_thinking_20251015"}, {"type": "clear_tool_uses_20250919"}]
    result = {"type": "tool_result", "tool_use_id": "t1"}
    inner = {"type": "text", "text": "21"}
    body = {
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be kind.", **mark}],
        "messages": [{"role": "user", "content": [{**result, "content": [{**inner, **mark}]}]}],
        "tools": [{"name": "f", "input_schema": {}, "eager_input_streaming": True, **mark}],
        "context_management": {"edits": edits},
        "speed": "fast",
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "metadata": {"user_id": "u1"},
    }
    before = json.dumps(body)
    assert anthropic.BEDROCK_MESSAGES.request(ask(body)).body == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be kind.", **plain}],
        "messages": [{"role": "user", "content": [{**result, "content": [{**inner, **plain}]}]}],
        "tools": [{"name": "f", "input_schema": {}, **plain}],
        "context_management": {"edits": edits[1:]},
        "metadata": {"user_id": "u1"},
        "anthropic_beta": ["context-management-2025-06-27"],
    }
    assert json.dumps(body) == before
    clearing = {**hello(), "context_management": {"edits": edits[:1]}}
    assert "context_management" not in anthropic.BEDROCK_MESSAGES.request(ask(clearing)).body


def test_amazon_is_not_asked_to_search_the_web() -> None:
    asked = ask(hello(web_search_options={}))
    with pytest.raises(InvalidRequest, match="web_search_options"):
        anthropic.BEDROCK_CHAT.request(asked)
    assert "tools" in anthropic.VERTEX_CHAT.request(asked).body


def test_thoughts_that_nobody_signed_do_not_go_back() -> None:
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    signed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    said = {"type": "text", "text": "Yes."}
    turns = [
        {"role": "user", "content": "Is it?"},
        {"role": "assistant", "content": [unsigned, said]},
        {"role": "assistant", "content": [unsigned]},
        {"role": "assistant", "content": [signed, said]},
    ]
    body = anthropic.MESSAGES.request(ask({"messages": turns})).body
    assert [turn["content"] for turn in body["messages"]] == ["Is it?", [said], [signed, said]]


def test_an_inference_profile_is_known_by_its_base_model() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1"
    asked = ask(hello(reasoning_effort="low"), arn)
    known = replace(asked.deployment, base_model="anthropic.claude-opus-4-6-v1")
    body = anthropic.BEDROCK_CHAT.request(replace(asked, deployment=known)).body
    assert body["thinking"] == {"type": "adaptive"}


def test_an_effort_without_thinking_goes_beside_a_forced_tool() -> None:
    body = hello(tools=[{"name": "f"}], tool_choice="required", reasoning_effort="low")
    made = sent(body, "claude-opus-4-6")
    assert (made["tool_choice"], made["output_config"]) == ({"type": "any"}, {"effort": "low"})
    assert "thinking" not in made


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def wanted(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}


def test_a_tool_is_not_forced_while_an_adaptive_model_thinks() -> None:
    body = hello(response_format=wanted(SCHEMA), reasoning_effort="low")
    made = anthropic.VERTEX_CHAT.request(ask(body, "claude-opus-4-6")).body
    assert made["thinking"] == {"type": "adaptive"}
    assert [tool["name"] for tool in made["tools"]] == ["json_tool_call"]
    assert "tool_choice" not in made


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {"m": {"type": "object"}}},
        {"type": "object", "properties": {"m": {"additionalProperties": {"type": "string"}}}},
        {"type": "object", "properties": {"m": {"title": "Anything"}}},
    ],
)
def test_an_answer_with_names_of_its_own_is_taken_by_a_tool(schema: dict[str, Any]) -> None:
    made = sent(hello(response_format=wanted(schema)))
    assert "output_config" not in made
    assert made["tools"][0]["input_schema"] == schema


def test_structured_outputs_are_asked_of_amazon_where_it_has_them() -> None:
    for model, native in (("claude-opus-4-6", True), ("claude-opus-4-7", False)):
        body = hello(response_format=wanted(SCHEMA))
        made = anthropic.BEDROCK_CHAT.request(ask(body, f"us.anthropic.{model}")).body
        assert ("output_config" in made, "tools" in made) == (native, not native)


def test_keywords_that_constrained_decoding_lacks_are_left_out_or_renamed() -> None:
    one = {"type": "string", "format": "uuid4", "pattern": "^a"}
    two = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 3}
    schema = {"oneOf": [one, two], "discriminator": {"propertyName": "kind"}, "minItems": 1}
    assert closed(schema) == {
        "anyOf": [
            {"type": "string", "pattern": "^a"},
            {"type": "array", "items": {"type": "string", "format": "date"}},
        ],
        "minItems": 1,
    }


def test_what_is_said_beside_an_answer_by_tool_is_no_part_of_it() -> None:
    asked = ask(hello(response_format={"type": "json_object"}, reasoning_effort="low"))
    said = {"type": "text", "text": "Here it is:"}
    use = {"type": "tool_use", "id": "t1", "name": "json_tool_call", "input": {"n": 1}}
    for blocks, content in (([said, use], '{"n":1}'), ([said], "Here it is:")):
        body = {"content": blocks, "stop_reason": "tool_use", "usage": {"output_tokens": 5}}
        found = anthropic.CHAT.response(body, asked).body["choices"][0]["message"]
        assert found["content"] == content
        chunks = anthropic.CHAT.chunks(asked)
        got = ""
        for event in anthropic.MESSAGES.unstream(body, asked):
            for chunk in chunks.feed(Frame(orjson.dumps(event))):
                got += "".join(one["delta"].get("content", "") for one in chunk["choices"])
        assert got == content


def test_past_calls_are_mended_where_messages_may_be() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "21"},
    ]
    body = {"messages": turns, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    made = sent(body, modify_params=True)
    assert [tool["name"] for tool in made["tools"]] == ["f"]
    assert made["tool_choice"] == {"type": "none"}
    assert "thinking" not in made
    assert "tools" not in sent(body)


def test_allowed_params_go_where_the_model_is_not_known_to_take_them() -> None:
    body = sent(
        hello(temperature=0.3, seed=7), "claude-opus-5", allowed=frozenset({"temperature", "seed"})
    )
    assert (body["temperature"], body["seed"]) == (0.3, 7)


def test_a_forced_tool_is_left_to_the_model_where_it_may_be_dropped() -> None:
    choice = {"type": "function", "function": {"name": "f"}}
    body = sent(
        hello(tools=[{"name": "f"}], tool_choice=choice), "claude-opus-5-5", drop_params=True
    )
    assert body["tool_choice"] == {"type": "auto"}


def test_json_is_asked_for_without_force_where_thinking_has_a_budget() -> None:
    body = sent(hello(response_format={"type": "json_object"}, reasoning_effort="low"))
    assert body["thinking"]["type"] == "enabled"
    assert "tool_choice" not in body


def test_a_service_tier_that_anthropic_lacks_is_left_to_it() -> None:
    assert "service_tier" not in sent(hello(service_tier="flex"))
    with pytest.raises(InvalidRequest):
        sent(hello(service_tier=1))


def test_a_closed_schema_keeps_values_and_names_that_look_like_keywords() -> None:
    schema = {
        "type": "object",
        "properties": {"minimum": {"type": "object", "default": {"maximum": 1}, "minimum": 0}},
        "anyOf": [{"type": "string", "maxLength": 3}, True],
    }
    assert closed(schema) == {
        "type": "object",
        "properties": {
            "minimum": {"type": "object", "default": {"maximum": 1}, "additionalProperties": False}
        },
        "anyOf": [{"type": "string"}, True],
        "additionalProperties": False,
    }


def test_a_schema_may_be_nested_deeply() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    assert closed(schema)["type"] == "array"


def test_of_an_interrupted_stream_the_input_is_known() -> None:
    chunks = anthropic.CHAT.chunks(ask(hello()))
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    chunks.feed(Frame(orjson.dumps(start)))
    assert chunks.usage == Usage(input=9)
    chunks.feed(Frame(orjson.dumps({"type": "message_delta", "usage": {"output_tokens": 5}})))
    assert chunks.usage is not None
    assert (chunks.usage.input, chunks.usage.output, chunks.done) == (9, 5, False)


def test_what_a_compaction_read_and_wrote_is_counted_beside_the_totals() -> None:
    steps = [
        {"type": "compaction", "input_tokens": 900, "cache_read_input_tokens": 90},
        {"type": "message", "input_tokens": 20, "output_tokens": 5},
    ]
    steps[0] |= {"cache_creation_input_tokens": 0, "output_tokens": 30}
    usage = {"input_tokens": 20, "output_tokens": 5, "iterations": steps}
    body = {"content": [], "usage": usage}
    expected = Usage(input=1010, output=35, cached=90)
    for translator in (anthropic.CHAT, anthropic.MESSAGES):
        assert translator.response(body, ask(hello())).usage == expected
    chunks = anthropic.MESSAGES.chunks(ask(hello()))
    chunks.feed(Frame(orjson.dumps({"type": "message_delta", "usage": usage})))
    assert chunks.usage == expected


def test_a_stream_that_ended_without_a_count_has_none() -> None:
    chunks = anthropic.CHAT.chunks(ask(hello()))
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    for event in (start, {"type": "message_stop"}):
        chunks.feed(Frame(orjson.dumps(event)))
    assert chunks.done
    assert chunks.usage is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'"x"'])
def test_an_event_that_is_no_object_is_a_failure_of_the_provider(data: bytes) -> None:
    for translator in (anthropic.CHAT, anthropic.MESSAGES):
        with pytest.raises(ProviderError):
            translator.chunks(ask(hello())).feed(Frame(data))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = (
    *("messages", "tools", "functions", "tool_choice", "function_call", "response_format", "stop"),
    *("max_tokens", "temperature", "top_p", "top_k", "thinking", "reasoning_effort", "metadata"),
    *("output_config", "anthropic_beta", "service_tier", "web_search_options", "user"),
)
WORDS = (
    *("role", "content", "type", "text", "name", "function", "tool_calls", "id", "thinking_blocks"),
    *("image_url", "url", "file", "file_data", "json_schema", "schema", "effort", "cache_control"),
)
TYPES = ("user", "assistant", "tool", "system", "text", "function", "image_url", "file", "thinking")
shaped = st.recursive(
    json_values | st.sampled_from(TYPES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(TYPES)},
        optional={"content": shaped, "tool_calls": shaped, "thinking_blocks": shaped},
    ),
    max_size=3,
)
requests = st.fixed_dictionaries(
    {"messages": messages | shaped}, optional=dict.fromkeys(NAMES[1:], shaped)
)


@settings(max_examples=100, deadline=None)
@given(body=requests, translator=st.sampled_from(TRANSLATORS), drop=st.booleans())
def test_any_request_is_translated_or_refused(
    body: dict[str, Any], translator: Translator, drop: bool
) -> None:
    before = json.dumps(body)
    try:
        orjson.dumps(translator.request(ask(body, drop_params=drop, modify_params=drop)).body)
    except GatewayError:
        pass
    except orjson.JSONEncodeError as error:
        assert "surrogates" in str(error) or "Integer" in str(error)
    assert json.dumps(body) == before


ANSWER_WORDS = (
    *("type", "content", "usage", "message", "delta", "content_block", "citations", "citation"),
    *("input", "name", "id", "stop_reason", "stop_details", "output_tokens", "cache_creation"),
    *("server_tool_use", "error", "text", "thinking", "partial_json", "index"),
)
ANSWER_TYPES = (
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
    *("message_delta", "message_stop", "text", "text_delta", "thinking", "tool_use", "error"),
    *("input_json_delta", "citations_delta", "signature_delta", "server_tool_use"),
)
answers = st.recursive(
    json_values | st.sampled_from(ANSWER_TYPES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(ANSWER_WORDS), inner, max_size=5)
    ),
    max_leaves=12,
)
events = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(ANSWER_TYPES)},
        optional={
            "delta": answers,
            "content_block": answers,
            "message": answers,
            "usage": answers,
        },
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(answer=st.dictionaries(st.sampled_from(ANSWER_WORDS), answers, max_size=5), stream=events)
def test_any_answer_is_read_or_refused(
    answer: dict[str, Any], stream: list[dict[str, Any]]
) -> None:
    for translator in (anthropic.CHAT, anthropic.MESSAGES):
        asked = ask(hello())
        try:
            incoming = translator.response(answer, asked)
            translator.unstream(incoming.body, asked)
        except ProviderError:
            pass
        chunks = translator.chunks(asked)
        try:
            for event in stream:
                chunks.feed(Frame(json.dumps(event).encode()))
        except ProviderError:
            pass
        assert isinstance(chunks.text, str)
        assert chunks.usage is None or chunks.usage.input >= chunks.usage.cached

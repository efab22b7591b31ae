"""The hub reads what clients write with care, and writes what OpenAI's SDK reads."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import chat, openai
from extproc.providers.base import Request

Json = dict[str, Any]
DEPLOYMENT = Deployment(
    id="d1",
    group="g",
    provider="acme",
    model="upstream-model",
    upstream=Upstream("https", "provider.test", 443),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "role"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def asked(body: Json, *, drop: bool = False, allowed: tuple[str, ...] = ()) -> Request:
    return Request(
        body=body,
        deployment=DEPLOYMENT,
        call_id="c1",
        at=1_700_000_000.9,
        drop_params=drop,
        allowed=frozenset(allowed),
    )


BODY: Json = {"model": "m", "messages": [], "stop": "x", "seed": 7, "top_k": 3, "user": None}


def test_a_parameter_that_the_provider_lacks_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedParams, match="acme does not support parameters") as refused:
        chat.given(asked(BODY), frozenset({"stop"}))
    assert refused.value.error_param == "seed"
    assert refused.value.status == 400


def test_it_is_dropped_or_sent_where_the_operator_says_so() -> None:
    left = {"model": "m", "messages": [], "stop": "x", "top_k": 3}
    assert chat.given(asked(BODY, drop=True), frozenset({"stop"})) == left
    kept = chat.given(asked(BODY, allowed=("seed",)), frozenset({"stop"}))
    assert kept == {**left, "seed": 7}
    assert BODY["user"] is None


@pytest.mark.parametrize(("name", "values"), chat.NEUTRAL.items())
def test_what_asks_for_nothing_is_left_out_silently(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        assert chat.given(asked({name: value}), frozenset()) == {}
    with pytest.raises(UnsupportedParams):
        chat.given(asked({name: "something else"}), frozenset())


@pytest.mark.parametrize("name", sorted(chat.QUIET))
def test_what_only_labels_a_request_is_left_out_and_never_refused(name: str) -> None:
    assert chat.given(asked({name: "some label"}), frozenset()) == {}
    assert chat.given(asked({name: "some label"}), frozenset({name})) == {name: "some label"}


def test_arguments_that_could_not_be_written_again_are_refused() -> None:
    def nested(depth: int) -> str:
        return '{"a":' * depth + "1" + "}" * depth

    assert orjson.dumps(chat.arguments(nested(chat.DEEPEST), "here"))
    for deep in (nested(chat.DEEPEST + 1), nested(900), nested(5000)):
        with pytest.raises(InvalidRequest):
            chat.arguments(deep, "here")


@given(st.dictionaries(st.sampled_from(sorted(chat.PARAMS)), ANYTHING))
def test_any_value_is_given_dropped_or_refused(body: Json) -> None:
    assert chat.given(asked(body, drop=True), frozenset()) == {}
    supported = chat.given(asked(body), chat.PARAMS)
    assert list(supported) == [name for name, value in body.items() if value is not None]


def test_extras_are_what_openai_does_not_have() -> None:
    body = {"model": "m", "messages": [], "stream": True, "seed": 1, "top_k": 3, "thinking": {}}
    assert chat.extras(asked(body), body) == {"top_k": 3, "thinking": {}}
    assert chat.extras(asked(body, allowed=("seed",)), body) == {
        "seed": 1,
        "top_k": 3,
        "thinking": {},
    }


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "'messages'"),
        ("hi", "'messages'"),
        ([{"role": "user"}, "hi"], "'messages[1]'"),
        ([{"role": 1}], "'messages[0]'"),
        ([{}], "'messages[0]'"),
    ],
)
def test_a_wrong_message_is_named(value: Any, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        chat.messages({"messages": value})
    assert named in refused.value.message
    assert refused.value.error_param == "messages"


def test_contents_are_parts() -> None:
    text = {"type": "text", "text": "hi"}
    assert chat.parts("hi", "x") == [text]
    assert chat.parts([text], "x") == [text]
    assert chat.parts("", "x") == chat.parts(None, "x") == chat.parts([], "x") == []
    assert chat.text_of([text, text], "x") == "hihi"


@given(ANYTHING)
def test_any_content_is_parts_or_refused(content: Any) -> None:
    try:
        found = chat.parts(content, "messages[0].content")
    except InvalidRequest as refused:
        assert refused.error_param == "messages"
    else:
        assert all(isinstance(part["type"], str) for part in found)


@pytest.mark.parametrize(
    "content", [5, [5], [{"text": "x"}], [{"type": "image_url"}], [{"type": "text", "text": 5}]]
)
def test_what_is_not_text_is_refused_where_only_text_may_be(content: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"messages\[2\]"):
        chat.text_of(content, "messages[2].content")


def test_members_are_checked() -> None:
    value: Json = {"name": "n", "function": {}, "tools": [{}], "none": None}
    assert chat.string(value, "name", "x") == "n"
    assert chat.member(value, "function", "x") == {}
    assert chat.listed(value, "tools", "") == [{}]
    assert chat.listed(value, "none", "") == chat.listed(value, "missing", "") == []
    for read, name in ((chat.string, "tools"), (chat.member, "name"), (chat.listed, "function")):
        with pytest.raises(InvalidRequest, match=rf"'x\.{name}'"):
            read(value, name, "x")
    with pytest.raises(InvalidRequest, match="'tools'"):
        chat.listed({"tools": [1]}, "tools", "")


def test_arguments_are_an_object() -> None:
    assert chat.arguments('{"a":1}', "x") == {"a": 1}
    assert chat.arguments({"a": 1}, "x") == {"a": 1}
    assert chat.arguments("", "x") == chat.arguments(None, "x") == {}
    for wrong in ("{", "[]", "1", "\ud800", 5, [], "[" * 5000):
        with pytest.raises(InvalidRequest):
            chat.arguments(wrong, "messages[0]")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://pics.example/a.png", None),
        ("data:image/png;base64,AAAA", ("image/png", "AAAA")),
        ("data:image/png;base64,AA%3D%3D", ("image/png", "AA==")),
        ("data:text/plain;charset=utf-8;base64,AAAA", ("text/plain;charset=utf-8", "AAAA")),
        ("data:;base64,AAAA", ("text/plain", "AAAA")),
        ("data:image/png;base64,", ("image/png", "")),
    ],
)
def test_data_urls_are_taken_apart(url: str, expected: Any) -> None:
    assert chat.data_url(url, "x") == expected


@pytest.mark.parametrize(
    "url",
    [
        "data:",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "data:image/png;base64;x,AAAA",
        "data:image/png;base64,A",
        "data:image/png;base64,AA AA",
        "data:image/png;base64,€€€€",
        "data:image/png;base64,%80%80%80%80",
    ],
)
def test_other_data_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"base64"):
        chat.data_url(url, "messages[0].content[0]")


WHOLE = Usage(input=10, output=6, cached=4, cache_written=2, reasoning=3, audio_input=1)


def test_usage_is_read_as_it_was_written() -> None:
    for usage in (WHOLE, Usage(input=1, output=1), Usage(input=5, output=0, audio_input=2)):
        assert openai.usage(chat.usage_object(usage)) == usage
    shown = chat.usage_object(WHOLE)
    assert (shown["cache_read_input_tokens"], shown["cache_creation_input_tokens"]) == (4, 2)
    assert "cache_read_input_tokens" not in chat.usage_object(Usage(input=1, output=1))


def test_the_sdk_reads_a_completion() -> None:
    call = chat.tool_call("call_1", "now", "{}")
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body = chat.completion(asked({}), "", [choice], WHOLE, service_tier="default")
    answer = ChatCompletion.model_validate(body)
    assert (answer.id, answer.created, answer.model) == (
        "chatcmpl-c1",
        1_700_000_000,
        "upstream-model",
    )
    assert answer.usage and answer.usage.total_tokens == 16
    assert answer.service_tier == "default"
    assert "usage" not in chat.completion(asked({}), "theirs", [], None)
    assert chat.completion(asked({}), "theirs", [], None)["id"] == "theirs"


def test_the_sdk_reads_the_chunks_and_each_choice_begins_with_its_role() -> None:
    writer = chat.ChunkWriter(asked({}))
    writer.id = "theirs"
    written = [
        writer.delta({"content": "a"}),
        writer.delta(chat.tool_delta(0, "", "call_1", "now")),
        writer.delta(chat.tool_delta(0, "{}")),
        writer.delta({"content": "b"}, 1),
        writer.finish("tool_calls"),
        writer.finish("stop", 1),
        writer.usage(WHOLE),
    ]
    chunks = [ChatCompletionChunk.model_validate(one) for one in written]
    assert {one.id for one in chunks} == {"theirs"}
    roles = [[choice.delta.role for choice in one.choices] for one in chunks]
    assert roles == [["assistant"], [None], [None], ["assistant"], [None], [None], []]
    assert [c.finish_reason for one in chunks for c in one.choices][-2:] == ["tool_calls", "stop"]
    assert written[1]["choices"][0]["delta"]["tool_calls"] == [
        {
            "index": 0,
            "function": {"arguments": "", "name": "now"},
            "id": "call_1",
            "type": "function",
        }
    ]
    assert written[2]["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "function": {"arguments": "{}"}}
    ]
    assert chunks[-1].usage and chunks[-1].usage.prompt_tokens == 10


def test_errors_name_the_member_at_the_root() -> None:
    assert chat.wrong("tools[3].function.name", "a string").error_param == "tools"
    refused = chat.unsupported_part("messages[0].content[1]", {"type": "input_audio"})
    assert "'input_audio'" in refused.message and refused.error_param == "messages"

"""Where text stands in OpenAI's request bodies, and that rewriting it leaves the rest alone."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers.texts import texts, with_texts

CHAT = {
    "model": "m",
    "user": "not text",
    "messages": [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "name": "not text",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "data:not text"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a"}},
                {"id": "2", "type": "custom", "custom": {"name": "c", "input": "i"}},
            ],
        },
        {"role": "assistant", "function_call": {"name": "f", "arguments": "b"}},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r"}]},
    ],
}
RESPONSES = {
    "instructions": "n",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
        {"type": "function_call", "name": "f", "arguments": "a"},
        {"type": "function_call_output", "call_id": "1", "output": "o"},
    ],
}
BODIES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("chat", CHAT, ["s", "t", "a", "i", "b", "r"]),
    ("chat", {"messages": [], "prediction": {"type": "content", "content": "p"}}, ["p"]),
    ("completions", {"prompt": "p", "suffix": "s"}, ["p", "s"]),
    ("completions", {"prompt": ["p", "q"]}, ["p", "q"]),
    ("completions", {"prompt": [[1, 2], [3]]}, []),
    ("embeddings", {"input": "e"}, ["e"]),
    ("embeddings", {"input": ["e", "f"]}, ["e", "f"]),
    ("embeddings", {"input": [1, 2]}, []),
    ("responses", RESPONSES, ["n", "u", "a", "o"]),
    ("responses", {"input": "i"}, ["i"]),
]
ODD: list[tuple[str, Any]] = [
    ("chat", {}),
    ("chat", {"messages": None}),
    ("chat", {"messages": "text"}),
    ("chat", {"messages": [None, 1, "x", []]}),
    ("chat", {"messages": [{"content": {"data": "no text"}, "tool_calls": "x"}]}),
    ("completions", {"prompt": {"a": "b"}}),
    ("embeddings", {"input": 7}),
]

MEMBERS = [
    *("messages", "content", "text", "refusal", "tool_calls", "function", "arguments", "custom"),
    *("input", "function_call", "prompt", "suffix", "output", "instructions", "prediction"),
]
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)
bodies = values.filter(lambda value: isinstance(value, dict))
endpoints = st.sampled_from(["chat", "completions", "embeddings", "responses"])


@pytest.mark.parametrize(("endpoint", "body", "expected"), BODIES)
def test_every_text_part_is_found_in_order(
    endpoint: str, body: dict[str, Any], expected: list[str]
) -> None:
    assert texts(endpoint, body) == expected


@pytest.mark.parametrize(("endpoint", "body", "expected"), BODIES)
def test_new_texts_take_their_places(
    endpoint: str, body: dict[str, Any], expected: list[str]
) -> None:
    new = [f"new {text}" for text in expected]
    assert texts(endpoint, with_texts(endpoint, body, new)) == new


@pytest.mark.parametrize(("endpoint", "body"), ODD)
def test_bodies_of_another_shape_hold_no_text(endpoint: str, body: Any) -> None:
    assert texts(endpoint, body) == []
    assert with_texts(endpoint, body, []) is body


def test_what_did_not_change_is_shared() -> None:
    new = with_texts("chat", CHAT, ["s", "t", "a", "i", "b", "changed"])
    assert new is not CHAT
    assert new["messages"][:4] == CHAT["messages"][:4]
    assert all(a is b for a, b in zip(new["messages"][:4], CHAT["messages"], strict=False))


def test_a_wrong_count_is_refused() -> None:
    for wrong in (["s"], ["s", "t", "a", "i", "b", "r", "x"]):
        with pytest.raises(ValueError, match="text parts"):
            with_texts("chat", CHAT, wrong)


@given(endpoints, bodies)
def test_the_same_texts_give_the_same_body(endpoint: str, body: dict[str, Any]) -> None:
    assert with_texts(endpoint, body, texts(endpoint, body)) is body


@given(endpoints, bodies)
def test_rewriting_never_touches_the_old_body(endpoint: str, body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    new = [f"{text}!" for text in texts(endpoint, body)]
    rewritten = with_texts(endpoint, body, new)
    assert body == before
    assert texts(endpoint, rewritten) == new
    restored = with_texts(endpoint, rewritten, [text[:-1] for text in new])
    assert restored == before


def test_descriptions_of_tools_are_text_too() -> None:
    body = {
        "messages": [{"role": "user", "content": {"type": "text", "text": "one object"}}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "what f does"}}],
    }
    assert texts("chat", body) == ["one object", "what f does"]
    rewritten = with_texts("chat", body, ["a", "b"])
    assert rewritten["tools"][0]["function"] == {"name": "f", "description": "b"}

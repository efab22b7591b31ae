"""Choices are told as OpenAI tells them, whatever a server leaves out or repeats."""

from typing import Any

import pytest

from extproc.domain.call import Json
from extproc.providers.choices import Choice, put_right


def call(arguments: Any = None, name: Any = None, **more: Any) -> Json:
    function = {"name": name, "arguments": arguments}
    return {**more, "function": {key: v for key, v in function.items() if v is not None}}


def first(index: int, call_id: str, name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def rest(index: int, arguments: str) -> Json:
    return {"index": index, "function": {"arguments": arguments}}


def told(*pieces: Json) -> list[Json]:
    choice = Choice("call_x")
    shown = []
    for piece in pieces:
        told: Json = {"delta": {"tool_calls": [piece]}}
        choice.put_right(told)
        shown += told["delta"]["tool_calls"]
    return shown


@pytest.mark.parametrize(
    "pieces",
    [
        [call("{", "f", index=0, id="a"), call("}", index=0), call("{}", "g", index=1, id="b")],
        [call("{", "f", id="a"), call("}"), call("{}", "g", id="b")],
        [call("{", "f", index=0, id="a"), call("}", index=0), call("{}", "g", index=0, id="b")],
        [call("{", "f", index=0, id="a"), call("}", "f", index=0, id="a"), call("{}", "g", id="b")],
        [call("{", "f", index=3, id="a"), call("}", "", index=3, id=""), call({}, "g", id="b")],
        [call("{", "f", index=0, id="a"), call("}", id="other"), call("{}", "g", index=1, id="b")],
    ],
    ids=["as OpenAI", "no index", "all are 0", "all repeated", "odd", "an id a piece"],
)
def test_pieces_of_calls_find_their_call(pieces: list[Json]) -> None:
    expected = [first(0, "a", "f", "{"), rest(0, "}"), first(1, "b", "g", "{}")]
    assert told(*pieces) == expected


def test_calls_without_an_id_get_one() -> None:
    assert told(call("{}", "f"), call("{}", "f")) == [
        first(0, "call_x_0", "f", "{}"),
        first(1, "call_x_1", "f", "{}"),
    ]
    answer = {"choices": [{"message": {"tool_calls": [call("{}", "f"), first(1, "b", "g", "")]}}]}
    put_right(answer, "call_x")
    calls = answer["choices"][0]["message"]["tool_calls"]
    assert [each["id"] for each in calls] == ["call_x_0", "b"]


def test_a_name_that_comes_late_is_told() -> None:
    late = told(call("", index=0, id="a"), call("{}", "f", index=0))
    assert late[1]["function"] == {"name": "f", "arguments": "{}"}


def test_custom_calls_keep_their_input() -> None:
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "p", "input": "x"}}
    more = {"index": 0, "custom": {"input": "y"}}
    assert told(custom, more) == [custom, more]


def test_a_choice_ends_once() -> None:
    choice = Choice("call_x")
    pieces = [{"delta": None, "finish_reason": said} for said in ("", "end_turn", "stop")]
    for piece in pieces:
        choice.put_right(piece)
    assert [piece["finish_reason"] for piece in pieces] == [None, "stop", None]
    assert [piece["delta"] for piece in pieces] == [{"role": "assistant"}, {}, {}]


def test_a_choice_that_never_ended_is_ended() -> None:
    choice = Choice("call_x")
    choice.put_right({"delta": {"tool_calls": [call("{}", "f", id="a")]}})
    assert not choice.ended
    assert choice.end(2) == {"index": 2, "delta": {}, "finish_reason": "tool_calls"}

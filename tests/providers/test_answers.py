"""A provider's answer, read with tolerance."""

from typing import Any

import pytest

from extproc.errors import ProviderError
from extproc.providers import answers
from extproc.providers.frames import Frame
from tests.calls import deployment


@pytest.mark.parametrize(
    ("value", "expected"),
    [(37.0, 37), (0, 0), (True, None), (-1, None), ("3", None), (None, None), (2**40, None)],
)
def test_a_count_is_a_whole_number_that_can_be_one(value: Any, expected: int | None) -> None:
    assert answers.count(value) == expected


def test_a_single_object_counts_as_an_array_of_one() -> None:
    assert answers.objects({"a": 1}) == [{"a": 1}]
    assert answers.objects([{"a": 1}, None, "x"]) == [{"a": 1}]
    assert answers.objects("x") == []


def test_arguments_are_always_text_of_json() -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    given: list[Any] = ['{"a":1}', "", None, {"a": 1}, [], deep]
    read = ['{"a":1}', "{}", "{}", '{"a":1}', "{}", "{}"]
    assert [answers.arguments(value) for value in given] == read


def test_a_word_that_the_table_lacks_is_the_usual_one() -> None:
    assert [answers.named({"A": "b"}, word, "c") for word in ("A", "x", None, [])] == list("bccc")


@pytest.mark.parametrize("data", [b"{", b"[]", b"null", b""])
def test_an_event_that_is_no_object_is_502(data: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.event(Frame(data), deployment())
    assert caught.value.status == 502

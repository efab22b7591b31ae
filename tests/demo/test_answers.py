"""The simulated answers are deterministic, and their tokens are what a tokenizer would count."""

from typing import Any

import bpe_openai
import pytest

from extproc.demo.answers import (
    WORDS,
    Answer,
    Question,
    Tool,
    ranked,
    tokens_of,
    vector,
    word,
)
from extproc.demo.orders import Orders


def answer(orders: Orders | None = None, **question: Any) -> Answer:
    return Answer(Question("id-1", **question), orders or Orders())


def test_every_word_is_one_token() -> None:
    encoder = bpe_openai.get_encoding("o200k_base")
    for count in (1, 2, 10, 100):
        assert len(encoder.encode("".join(map(word, range(count))))) == count
    assert all(len(encoder.encode(" " + w)) == 1 for w in WORDS)


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ([{"role": "user", "content": "a b c"}], 3),
        ([{"role": "user", "content": [{"type": "text", "text": "a b"}]}], 2),
        ([{"role": "user", "parts": [{"text": "a b"}, {"inlineData": {"data": "c d"}}]}], 2),
        ([{"role": "user", "content": [{"toolResult": {"content": [{"text": "a"}]}}]}], 1),
        ([], 0),
        ("a b", 2),
        (["a b", "c"], 3),
        ([1, 2, 3], 3),
        ([[1, 2], [3]], 3),
        (None, 0),
    ],
)
def test_the_prompt_counts_its_words(prompt: object, count: int) -> None:
    assert tokens_of(prompt) == count


def test_a_limit_of_tokens_ends_the_answer_with_length() -> None:
    assert (answer(limit=3).finish, answer(limit=3).completion) == ("length", 3)
    assert answer().finish == "stop"
    assert answer(limit=0).pieces == []


def test_all_that_is_paid_is_counted() -> None:
    orders = Orders(words=2, cached=1, reasoning=3, audio_input=4, audio_output=5)
    said = answer(orders, prompt_tokens=3, choices=2)
    assert (said.tokens, said.completion) == (4, 12)
    assert (said.prompt, said.fresh) == (3, 2)


@pytest.mark.parametrize(
    ("forced", "calls", "names"),
    [
        (None, 0, []),
        ("", 0, ["a"]),
        ("b", 0, ["b"]),
        ("unknown", 0, ["a"]),
        (None, 3, ["a", "b", "a"]),
    ],
)
def test_tools_are_called_when_forced_or_ordered(
    forced: str | None, calls: int, names: list[str]
) -> None:
    schema = {"properties": {"n": {"type": "INTEGER"}, "s": {"type": "string"}}}
    said = answer(Orders(calls=calls), tools=(Tool("a", schema), Tool("b", {})), forced=forced)
    assert [call.name for call in said.calls] == names
    assert all(call.arguments == {"n": 1, "s": "one"} for call in said.calls if call.name == "a")
    assert len({call.id for call in said.calls}) == len(names)
    assert (said.finish == "call", said.text == "") == (bool(names), bool(names))


def test_thinking_is_shown_only_to_who_asks() -> None:
    assert answer().thoughts == []
    assert answer(Orders(reasoning=3)).thoughts == []
    assert "".join(answer(Orders(reasoning=3), thinking=True).thoughts) == "one two three"
    assert answer(thinking=True).reasoning == len(answer(thinking=True).thoughts) > 0


def test_usage_may_be_left_out_or_odd() -> None:
    usage = {"a": 1, "b": 2, "c": 3, "parts": {"x": 1}, "more": {"y": 1}}
    assert answer(Orders(usage="none")).counted("usage", usage) == {}
    odd = {"a": "1", "b": None, "c": -1, "parts": [], "more": {"y": "many"}}
    assert answer(Orders(usage="odd")).counted("usage", usage) == {"usage": odd}


def test_documents_are_ranked_by_the_words_they_share() -> None:
    assert ranked("a b", ["c", "b a", {"text": "b"}]) == [(1, 1.0), (2, 0.5), (0, 0.0)]
    assert ranked("a b", ["c", "b a"], top=1) == [(1, 1.0)]


def test_a_vector_is_its_texts_own() -> None:
    assert vector("a") == vector("a") != vector("b")
    assert [len(vector("a", size)) for size in (None, 4, -1, "x")] == [8, 4, 8, 8]

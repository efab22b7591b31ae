"""The simulated answers are deterministic, and their tokens are what a tokenizer would count."""

import bpe_openai
import orjson
import pytest

from extproc.demo.answers import WORDS, Answer, prompt_tokens, word
from extproc.demo.orders import Orders


def answer(orders: Orders | None = None, **request: object) -> Answer:
    return Answer("id-1", "chat/completions", request, orders or Orders())


def test_every_word_is_one_token() -> None:
    encoder = bpe_openai.get_encoding("o200k_base")
    for count in (1, 2, 10, 100):
        assert len(encoder.encode("".join(map(word, range(count))))) == count
    assert all(len(encoder.encode(" " + w)) == 1 for w in WORDS)


def test_the_stream_and_the_whole_answer_say_the_same() -> None:
    said = answer(Orders(words=4), n=2)
    whole = [choice["message"]["content"] for choice in said.json()["choices"]]
    events = [orjson.loads(e.data) for e in said.events() if e.data != b"[DONE]"]
    for index, content in enumerate(whole):
        mine = [e["choices"][0] for e in events if e["choices"][0]["index"] == index]
        assert "".join(c["delta"].get("content") or "" for c in mine) == content
    assert sum(event.tokens for event in said.events()) == said.tokens == 8


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({"messages": [{"role": "user", "content": "a b c"}]}, 3),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a b"}]}]}, 2),
        ({"messages": []}, 0),
        ({"prompt": "a b"}, 2),
        ({"prompt": ["a b", "c"]}, 3),
        ({"input": [1, 2, 3]}, 3),
        ({"input": [[1, 2], [3]]}, 3),
        ({}, 0),
    ],
)
def test_the_prompt_counts_its_words(request_: dict[str, object], count: int) -> None:
    assert prompt_tokens(request_) == count


def test_a_limit_of_tokens_ends_the_answer_with_length() -> None:
    assert answer(max_tokens=3).finish_reason == "length"
    assert answer(max_completion_tokens=3).usage()["completion_tokens"] == 3
    assert answer().finish_reason == "stop"


def test_usage_holds_the_parts_it_was_told() -> None:
    orders = Orders(words=2, cached=1, reasoning=3, audio_input=4, audio_output=5)
    usage = answer(orders).usage()
    assert usage["completion_tokens"] == 10
    assert usage["prompt_tokens_details"] == {"cached_tokens": 1, "audio_tokens": 4}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 3, "audio_tokens": 5}

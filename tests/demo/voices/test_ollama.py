"""Ollama's own API of the simulated provider."""

from typing import Any

import httpx
import orjson
import pytest

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "count for me"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def lines(url: str, body: dict[str, Any], path: str = "/api/chat") -> list[dict[str, Any]]:
    answer = httpx.post(url + path, json=body)
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in answer.content.splitlines()]


def test_a_stream_of_lines_unless_one_says_no(url: str) -> None:
    *said, last = lines(url, {**ASK, "x_demo": {"words": 2}})
    assert [line["message"]["content"] for line in said] == ["one", " two"]
    assert [line["done"] for line in said] == [False, False]
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 2)
    body = {**ASK, "stream": False, "x_demo": {"words": 2}}
    whole = httpx.post(f"{url}/api/chat", json=body).json()
    assert (whole["message"]["content"], whole["eval_count"]) == ("one two", 2)


def test_an_ordered_call_after_thinking(url: str) -> None:
    body = {**ASK, "tools": [TOOL], "think": True, "x_demo": {"calls": 1}}
    *said, _ = lines(url, body)
    thought = "".join(line["message"].get("thinking", "") for line in said)
    assert thought == "one two three four"
    [call] = said[-1]["message"]["tool_calls"]
    assert call["function"]["arguments"] == {"city": "one"}


def test_generate_embed_and_tags(url: str) -> None:
    said = lines(
        url, {"model": "m", "prompt": "a b", "options": {"num_predict": 1}}, "/api/generate"
    )
    assert (said[0]["response"], said[-1]["done_reason"]) == ("one", "length")
    made = httpx.post(f"{url}/api/embed", json={"model": "e", "input": ["a b", "c"]}).json()
    assert (len(made["embeddings"]), made["prompt_eval_count"]) == (2, 3)
    tags = httpx.get(f"{url}/api/tags").json()
    assert [model["name"] for model in tags["models"]] == ["demo:latest"]


def test_failures(url: str) -> None:
    answer = httpx.post(f"{url}/api/chat", json={**ASK, "x_demo": {"status": 404}})
    assert (answer.status_code, answer.json()) == (404, {"error": "commanded to fail: 404"})
    assert "error" in lines(url, {**ASK, "x_demo": {"error_at": 1}})[-1]


@pytest.mark.parametrize(
    "fault", [{"split": 3}, {"gzip": "streamed"}, {"crlf": True}, {"no_last_newline": True}]
)
def test_odd_bytes_say_the_same(url: str, fault: dict[str, Any]) -> None:
    assert lines(url, {**ASK, "x_demo": fault}) == lines(url, ASK)

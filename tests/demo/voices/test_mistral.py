"""Mistral's SDK, pointed straight at the simulated provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "count for me"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def client(url: str) -> Iterator[Mistral]:
    with Mistral(api_key="k", server_url=f"{url}/mistral") as client:
        yield client


def ordered(url: str, **orders: object) -> Mistral:
    path = "".join(f"/{name}={value}" for name, value in orders.items())
    return Mistral(api_key="k", server_url=f"{url}{path}/mistral")


def test_text_and_its_counts(url: str) -> None:
    with ordered(url, words=3) as client:
        made = client.chat.complete(**ASK)
    assert made.choices[0].message.content == "one two three"
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (3, 3)


def test_the_last_chunk_carries_finish_and_usage(url: str) -> None:
    with ordered(url, words=2) as client:
        chunks = [event.data for event in client.chat.stream(**ASK)]
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == "one two"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [2]


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_is_called_whole(client: Mistral, stream: bool) -> None:
    ask = {**ASK, "tools": [TOOL], "tool_choice": "any"}
    if stream:
        calls = [e.data.choices[0].delta.tool_calls for e in client.chat.stream(**ask)][-1]
    else:
        calls = client.chat.complete(**ask).choices[0].message.tool_calls
    [call] = calls
    assert len(call.id) == 9
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"one"}')


def test_thinking_is_a_part_of_the_content(client: Mistral) -> None:
    made = client.chat.complete(**ASK, prompt_mode="reasoning")
    thought, text = made.choices[0].message.content
    assert thought.thinking[0].text == "one two three four"
    assert text.text.startswith("one two")


def test_embeddings(client: Mistral) -> None:
    made = client.embeddings.create(model="e", inputs=["a b", "c"])
    assert [len(row.embedding) for row in made.data] == [8, 8]
    assert made.usage.prompt_tokens == 3


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_each_failure_is_the_sdks_own(url: str, status: int) -> None:
    with ordered(url, status=status) as client, pytest.raises(MistralError) as caught:
        client.chat.complete(**ASK)
    assert caught.value.status_code == status
    assert f"commanded to fail: {status}" in caught.value.body


def test_openais_own_members_are_refused(url: str) -> None:
    headers = {"authorization": "Bearer k"}
    body = {**ASK, "stream_options": {"include_usage": True}}
    answer = httpx.post(f"{url}/mistral/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 422
    assert httpx.post(f"{url}/mistral/v1/chat/completions", json=ASK).status_code == 401

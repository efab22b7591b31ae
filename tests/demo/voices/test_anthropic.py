"""Anthropic's SDK, pointed straight at the simulated provider."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest

ASK: dict[str, Any] = {
    "model": "claude-x",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "count for me"}],
}
TOOL = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
FORCED: dict[str, Any] = {"tools": [TOOL], "tool_choice": {"type": "any"}}
THINKING: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


@pytest.fixture
def client(url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key="sk-x", max_retries=0) as client:
        yield client


def orders(**words: object) -> dict[str, Any]:
    return {"extra_body": {"x_demo": words}}


@pytest.mark.parametrize("stream", [True, False])
def test_text_and_its_counts(client: anthropic.Anthropic, stream: bool) -> None:
    more = orders(words=3, cached=2)
    if stream:
        with client.messages.stream(**ASK, **more) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(**ASK, **more)
    assert [(block.type, block.text) for block in message.content] == [("text", "one two three")]
    assert message.stop_reason == "end_turn"
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens) == (1, 3, 2)


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_after_thinking(client: anthropic.Anthropic, stream: bool) -> None:
    if stream:
        with client.messages.stream(**ASK, **FORCED, **THINKING) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(**ASK, **FORCED, **THINKING)
    thought, call = message.content
    assert thought.type == "thinking"
    assert (thought.thinking, bool(thought.signature)) == ("one two three four", True)
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("weather", {"city": "one"})
    assert message.stop_reason == "tool_use"


def test_the_order_of_events(url: str) -> None:
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = {**ASK, "stream": True, "x_demo": {"words": 1}}
    answer = httpx.post(f"{url}/v1/messages", json=body, headers=headers)
    names = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == [
        *("message_start", "content_block_start", "ping", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]


def test_tokens_are_counted(client: anthropic.Anthropic) -> None:
    asked = {name: ASK[name] for name in ("model", "messages")}
    count = client.messages.count_tokens(**asked, system="be brief")
    assert count.input_tokens == 5


def test_a_limit_of_tokens_stops_the_answer(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**{**ASK, "max_tokens": 2})
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 2)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (529, anthropic.InternalServerError),
    ],
)
def test_each_failure_is_the_sdks_own(
    client: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        client.messages.create(**ASK, **orders(status=status))
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"
    assert body["error"]["message"] == f"commanded to fail: {status}"


def test_an_error_within_the_stream(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        for _ in client.messages.create(**ASK, stream=True, **orders(error_at=4)):
            pass


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"anthropic-version": "2023-06-01"}, 401, "authentication_error"),
        ({"x-api-key": "k"}, 400, "invalid_request_error"),
        ({"authorization": "Bearer k", "anthropic-version": "2023-06-01"}, 200, None),
    ],
)
def test_key_and_version_are_needed(
    url: str, headers: dict[str, str], status: int, kind: str | None
) -> None:
    answer = httpx.post(f"{url}/v1/messages", json=ASK, headers=headers)
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("type") == kind


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_what_is_required_is_asked_for(client: anthropic.Anthropic, name: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=f"{name}: Field required"):
        client.post("/v1/messages", body={**ASK, name: None}, cast_to=object)


@pytest.mark.parametrize(
    "fault",
    [{"split": 7}, {"gzip": "streamed"}, {"crlf": True, "comments": True}, {"event_bytes": 300}],
)
def test_odd_bytes_say_the_same(client: anthropic.Anthropic, fault: dict[str, Any]) -> None:
    with client.messages.stream(**ASK, **orders(words=3, **fault)) as events:
        assert events.get_final_text() == "one two three"


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_is_an_error(client: anthropic.Anthropic, stream: bool) -> None:
    with pytest.raises(Exception, match=r"peer closed connection|Connection error"):
        list(client.messages.create(**ASK, stream=stream, **orders(cut_at=1)))

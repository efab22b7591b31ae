"""Cohere's SDK, pointed straight at the simulated provider."""

from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.request_options import RequestOptions

ASK: dict[str, Any] = {
    "model": "command-x",
    "messages": [{"role": "user", "content": "count for me"}],
}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def client(url: str) -> Iterator[cohere.ClientV2]:
    with cohere.ClientV2(api_key="k", base_url=url, log_warning_experimental_features=False) as c:
        yield c


def orders(**words: object) -> RequestOptions:
    return {"additional_body_parameters": {"x_demo": words}, "max_retries": 0}


def test_text_and_its_counts(client: cohere.ClientV2) -> None:
    made = client.chat(**ASK, request_options=orders(words=3))
    assert made.message.content
    assert made.message.content[0].text == "one two three"
    assert made.finish_reason == "COMPLETE"
    assert made.usage
    assert made.usage.billed_units
    assert (made.usage.billed_units.input_tokens, made.usage.billed_units.output_tokens) == (3, 3)


def test_a_stream_of_text(client: cohere.ClientV2) -> None:
    events = list(client.chat_stream(**ASK, request_options=orders(words=2)))
    assert [event.type for event in events] == [
        *("message-start", "content-start", "content-delta", "content-delta"),
        *("content-end", "message-end"),
    ]
    assert events[2].delta.message.content.text == "one"
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage.tokens.output_tokens == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_after_thinking(client: cohere.ClientV2, stream: bool) -> None:
    ask: dict[str, Any] = {**ASK, "tools": [TOOL], "tool_choice": "REQUIRED"}
    ask["thinking"] = {"type": "enabled"}
    if stream:
        events = list(client.chat_stream(**ask))
        deltas = [e.delta.message.content for e in events if e.type == "content-delta"]
        thought = "".join(delta.thinking for delta in deltas)
        [start] = [e.delta.message.tool_calls for e in events if e.type == "tool-call-start"]
        calls = [e.delta.message.tool_calls for e in events if e.type == "tool-call-delta"]
        name, arguments = start.function.name, "".join(c.function.arguments for c in calls)
    else:
        message = client.chat(**ask).message
        thought = message.content[0].thinking
        name = message.tool_calls[0].function.name
        arguments = message.tool_calls[0].function.arguments
    assert thought == "one two three four"
    assert (name, arguments) == ("weather", '{"city":"one"}')


def test_embeddings_and_ranking(client: cohere.ClientV2) -> None:
    made = client.embed(
        model="e", texts=["a b", "c"], input_type="search_query", embedding_types=["float"]
    )
    assert [len(row) for row in made.embeddings.float_] == [8, 8]
    assert made.meta.billed_units.input_tokens == 3
    best = client.rerank(model="r", query="a b", documents=["c", "b a"], top_n=1)
    assert [(row.index, row.relevance_score) for row in best.results] == [(1, 1.0)]
    assert best.meta.billed_units.search_units == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, cohere.BadRequestError),
        (401, cohere.UnauthorizedError),
        (404, cohere.NotFoundError),
        (429, cohere.TooManyRequestsError),
        (500, cohere.InternalServerError),
        (503, cohere.ServiceUnavailableError),
    ],
)
def test_each_failure_is_the_sdks_own(
    client: cohere.ClientV2, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"commanded to fail: {status}"):
        client.chat(**ASK, request_options=orders(status=status))


def test_a_key_is_needed(url: str) -> None:
    assert httpx.post(f"{url}/v2/chat", json=ASK).status_code == 401

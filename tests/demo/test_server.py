"""The simulated provider over real sockets: well-behaved answers, then each misbehaviour."""

import gzip
from collections.abc import Iterator

import httpx
import openai
import pytest

from extproc.demo.answers import WORDS

MESSAGES = [{"role": "user", "content": "count for me"}]
CHAT = {"model": "m", "messages": MESSAGES}
STREAM = {**CHAT, "stream": True}


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/any/prefix/v1", api_key="sk-x", max_retries=0) as client:
        yield client


def post(url: str, body: dict[str, object], path: str = "/v1/chat/completions") -> httpx.Response:
    with httpx.Client(timeout=20) as client:
        return client.post(url + path, json=body)


def data(text: str) -> list[str]:
    return [line.removeprefix("data: ") for line in text.splitlines() if line[:5] == "data:"]


def seen(url: str, run: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = httpx.get(f"{url}/_demo/requests?run={run}").json()["requests"]
    return rows


def test_sdk_chat_and_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="m", messages=MESSAGES, extra_body={"x_demo": {"words": 3, "reasoning": 7}}
    )
    assert answer.choices[0].message.content == "one two three"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 10)
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 7


@pytest.mark.parametrize("asked", [True, False])
def test_sdk_stream_shows_usage_only_when_asked(client: openai.OpenAI, asked: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(
        client.chat.completions.create(model="m", messages=MESSAGES, stream=True, **options)
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.split() == [WORDS[i % 10] for i in range(12)]
    assert [c.usage.completion_tokens for c in chunks if c.usage] == ([12] if asked else [])


def test_sdk_completions_embeddings_and_models(client: openai.OpenAI) -> None:
    text = client.completions.create(model="m", prompt="go on", max_tokens=2)
    assert (text.choices[0].text, text.choices[0].finish_reason) == ("one two", "length")
    vectors = client.embeddings.create(model="m", input=["a b", "c"], dimensions=4)
    assert [len(row.embedding) for row in vectors.data] == [4, 4]
    assert vectors.usage.prompt_tokens == 3
    assert [m.id for m in client.models.list().data] == ["demo"]


@pytest.mark.parametrize("stream", [True, False])
def test_sdk_forced_tool_is_called(client: openai.OpenAI, stream: bool) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    answer = client.chat.completions.create(
        model="m", messages=MESSAGES, tools=tools, tool_choice="required", stream=stream
    )
    if stream:
        calls = [c for chunk in answer for c in chunk.choices[0].delta.tool_calls or []]
        name, arguments = calls[0].function.name, "".join(c.function.arguments for c in calls)
    else:
        call = answer.choices[0].message.tool_calls[0]
        name, arguments = call.function.name, call.function.arguments
    assert (name, arguments) == ("weather", '{"city":"one"}')


@pytest.mark.parametrize(
    ("orders", "status", "text"),
    [
        ({"status": 500}, 500, "commanded to fail"),
        ({"status": 503, "body": "<html>away</html>"}, 503, "<html>away</html>"),
        ({"status": 502, "body": ""}, 502, ""),
        ({"status": "no"}, 400, "x_demo: status"),
        ({"colour": "red"}, 400, "x_demo: colour"),
    ],
)
def test_failures_on_command(url: str, orders: dict[str, object], status: int, text: str) -> None:
    answer = post(url, {**CHAT, "x_demo": orders})
    assert answer.status_code == status
    assert text in answer.text


def test_orders_come_by_header_and_path_too(url: str) -> None:
    headers = {"x-demo-status": "429", "x-demo-body": "slow down"}
    answer = httpx.post(f"{url}/v1/chat/completions", json=CHAT, headers=headers)
    assert (answer.status_code, answer.text) == (429, "slow down")
    assert post(url, CHAT, "/status=418/v1/chat/completions").status_code == 418
    more = {"x_demo": {"status": 429, "headers": {"Retry-After": "7"}}}
    assert post(url, {**CHAT, **more}).headers["retry-after"] == "7"


def test_first_entry_that_applies_is_obeyed(url: str) -> None:
    orders = [{"at": "a", "status": 500}, {"run": "k", "first": 2, "status": 503}, {"words": 1}]
    body = {**CHAT, "x_demo": orders}
    assert post(url, body, "/a/v1/chat/completions").status_code == 500
    assert [post(url, body).status_code for _ in range(3)] == [503, 503, 200]


PLAIN = {"words": 3}


@pytest.mark.parametrize(
    "orders",
    [
        {"gzip": "whole"},
        {"gzip": "streamed"},
        {"split": 7},
        {"crlf": True},
        {"comments": True},
        {"no_last_newline": True},
        {"gzip": "streamed", "split": 3, "crlf": True, "comments": True},
    ],
)
def test_odd_encodings_carry_the_same_events(url: str, orders: dict[str, object]) -> None:
    def events(more: dict[str, object]) -> list[str]:
        answer = post(url, {**STREAM, "x_demo": {**PLAIN, **more}})
        assert answer.headers["content-type"] == "text/event-stream"
        return [line.split('"created"')[-1] for line in data(answer.text)]

    assert events(orders) == events({})
    assert events(orders)[-1] == "[DONE]"


def test_end_of_stream_variants(url: str) -> None:
    def events(orders: dict[str, object]) -> list[str]:
        return data(post(url, {**STREAM, "x_demo": {**PLAIN, **orders}}).text)

    assert len(events({"no_done": True})) == 5
    assert "[DONE]" not in events({"no_done": True})
    assert [e[:9] for e in events({"error_at": 0})] == ['{"error":']
    assert events({"error_at": 2})[2].startswith('{"error":')


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("place", ["headers", 0, 2])
def test_cut_is_never_a_clean_end(url: str, how: str, place: str | int) -> None:
    body = {**STREAM, "x_demo": {"cut_at": place, "cut_how": how, "run": f"cut-{how}-{place}"}}
    with pytest.raises(httpx.TransportError):
        post(url, body)
    row = seen(url, f"cut-{how}-{place}")[0]
    assert (row["outcome"], row["produced"]) == ("cut", 1 if place == 2 else 0)


def test_json_answer_is_cut_in_its_middle(url: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(url, {**CHAT, "x_demo": {"cut_at": 1}})


def test_wrong_content_length(url: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(url, {**CHAT, "x_demo": {"content_length": 10}})
    for stream in (True, False):
        body = {**CHAT, "stream": stream, "x_demo": {"content_length": -10}}
        short = post(url, body)
        assert len(short.content) == int(short.headers["content-length"])
        assert "[DONE]" not in short.text


def test_json_answer_to_a_stream_and_gzip(url: str) -> None:
    answer = post(url, {**STREAM, "x_demo": {"json_answer": True, "gzip": "whole"}})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["object"] == "chat.completion"
    with httpx.stream("POST", f"{url}/gzip=whole/v1/embeddings", json={"input": "a"}) as raw:
        assert gzip.decompress(b"".join(raw.iter_raw())).startswith(b'{"object"')


def test_five_megabytes_of_events(url: str) -> None:
    answer = post(url, {**STREAM, "x_demo": {"words": 1000, "event_bytes": 5000}})
    assert len(answer.content) > 5_000_000
    assert len(data(answer.text)) == 1003


def test_stall_keeps_headers_back_and_a_leaving_client_is_noticed(url: str) -> None:
    for place, produced in (("headers", 0), (0, 0), (3, 2)):
        body = {**STREAM, "x_demo": {"stall_at": place, "stall": 60, "run": f"stall-{place}"}}
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.3) as client:
            client.post(f"{url}/v1/chat/completions", json=body)
        for _ in range(500):
            row = seen(url, f"stall-{place}")[0]
            if row["outcome"]:
                break
        assert (row["outcome"], row["produced"]) == ("left", produced)


def test_usage_may_be_absent_or_odd(url: str) -> None:
    assert "usage" not in post(url, {**CHAT, "x_demo": {"usage": "none"}}).json()
    assert post(url, {**CHAT, "x_demo": {"usage": "odd"}}).json()["usage"]["total_tokens"] == -1


def test_record_never_holds_a_credential(url: str) -> None:
    names = ("api-key", "x-api-key", "x-goog-api-key", "x-amz-security-token")
    headers = {"authorization": "Bearer sk-canary", **dict.fromkeys(names, "sk-canary")}
    body = {**CHAT, "x_demo": {"run": "canary"}}
    httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers)
    text = httpx.get(f"{url}/_demo/requests?run=canary").text
    assert "sk-canary" not in text
    row = seen(url, "canary")[0]
    assert (row["produced"], row["sent"], row["outcome"]) == (12, 12, "answered")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"tools": 5, "tool_choice": 1}', b'{"tools": [1]}']
)
def test_unusable_bodies_are_refused_in_the_envelope(url: str, content: bytes) -> None:
    answer = httpx.post(f"{url}/v1/chat/completions", content=content)
    if content == b'{"tools": [1]}':
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_unknown_paths_and_chunked_bodies(url: str) -> None:
    assert httpx.get(f"{url}/nowhere").status_code == 404
    pieces = (b'{"model": "m",', b' "messages": []}')
    answer = httpx.post(f"{url}/v1/chat/completions", content=iter(pieces))
    assert answer.json()["model"] == "m"

"""The official openai SDK against the whole gateway: what an unsuspecting client sees."""

import openai
import pytest

from tests.e2e.gateway import Gateway, run_id
from tests.e2e.upstream import PROVIDER_KEY, Upstream

MESSAGES = [{"role": "user", "content": "please count for me"}]
TWELVE = "one two three four five six seven eight nine ten one two"


def test_chat(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("chat")
    with gateway.openai() as client:
        raw = client.chat.completions.with_raw_response.create(
            model="solo", messages=MESSAGES, extra_body={"x_demo": {"run": run}}
        )
    answer = raw.parse()
    assert answer.choices[0].message.content == TWELVE
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 12)
    assert raw.headers["x-litellm-call-id"]
    assert raw.headers["x-litellm-model-id"] == "solo-a"
    assert raw.headers["x-litellm-attempted-retries"] == "0"
    assert float(raw.headers["x-litellm-response-cost"]) == pytest.approx(4e-6 + 24e-6)
    assert float(raw.headers["x-litellm-overhead-duration-ms"]) >= 0
    assert not [name for name in raw.headers if name.startswith("x-gateway-")]
    assert len(upstream.seen(run)) == 1


def test_chat_stream(gateway: Gateway) -> None:
    with gateway.openai() as client:
        stream = client.chat.completions.create(model="solo", messages=MESSAGES, stream=True)
        chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == TWELVE
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({c.id for c in chunks}) == 1


def test_usage_chunk_reaches_only_a_client_that_asked(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("usage")
    more = {"x_demo": {"run": run}}
    with gateway.openai() as client:
        unasked = list(
            client.chat.completions.create(
                model="solo", messages=MESSAGES, stream=True, extra_body=more
            )
        )
        asked = list(
            client.chat.completions.create(
                model="solo",
                messages=MESSAGES,
                stream=True,
                stream_options={"include_usage": True},
                extra_body=more,
            )
        )
    assert all(c.choices for c in unasked)
    assert not [c for c in unasked if c.usage]
    assert [c.usage.completion_tokens for c in asked if c.usage] == [12]
    assert all('"include_usage":true' in row["body_head"] for row in upstream.seen(run))


def test_text_completions(gateway: Gateway) -> None:
    with gateway.openai() as client:
        answer = client.completions.create(model="solo", prompt="go on", max_tokens=2)
        stream = client.completions.create(model="solo", prompt="go on", stream=True)
        pieces = [c.choices[0].text for c in stream]
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("one two", "length")
    assert "".join(pieces) == TWELVE


def test_embeddings(gateway: Gateway) -> None:
    with gateway.openai() as client:
        answer = client.embeddings.create(model="solo", input=["a b", "c"], dimensions=4)
    assert [len(row.embedding) for row in answer.data] == [4, 4]
    assert answer.usage.prompt_tokens == 3


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_pass(gateway: Gateway, stream: bool) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    with gateway.openai() as client:
        answer = client.chat.completions.create(
            model="solo", messages=MESSAGES, tools=tools, tool_choice="required", stream=stream
        )
        if stream:
            parts = [c for chunk in answer for c in chunk.choices[0].delta.tool_calls or []]
            name = parts[0].function.name
            arguments = "".join(part.function.arguments for part in parts)
        else:
            call = answer.choices[0].message.tool_calls[0]
            name, arguments = call.function.name, call.function.arguments
    assert (name, arguments) == ("weather", '{"city":"one"}')


def test_models(gateway: Gateway) -> None:
    with gateway.openai() as client:
        listed = {m.id for m in client.models.list().data}
        one = client.models.retrieve("pair")
    assert {"pair", "solo", "trio", "refused"} <= listed
    assert one.id == "pair"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/engines/solo/chat/completions",
        "/openai/deployments/solo/chat/completions",
        "/openai/deployments/solo/chat/completions?api-version=2024-10-21",
    ],
)
def test_aliases(gateway: Gateway, path: str) -> None:
    body = {"messages": MESSAGES}
    if "solo" not in path:
        body["model"] = "solo"
    answer = gateway.http.post(path, json=body, headers=gateway.auth())
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == TWELVE


def test_unknown_fields_pass_untouched(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("unknown")
    gateway.chat(
        {"model": "solo", "messages": MESSAGES, "x_demo": {"run": run}, "new_field": {"deep": [1]}}
    )
    row = upstream.seen(run)[0]
    assert '"new_field":{"deep":[1]}' in row["body_head"].replace(" ", "")


def test_a_providers_own_refusal_keeps_its_status(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("refusal")
    with gateway.openai() as client, pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model="pair",
            messages=MESSAGES,
            extra_body={"x_demo": {"run": run, "status": 400}},
        )
    assert "commanded to fail" in str(refused.value)
    assert PROVIDER_KEY not in str(refused.value)
    assert len(upstream.seen(run)) == 1

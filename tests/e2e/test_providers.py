"""Every official SDK against every provider's own wire format, through the whole gateway.

What the simulated provider says is known word by word, so that text, calls, counts and cost of
each answer are too.
"""

import hashlib
import json
from typing import Any

import pytest

from tests.e2e.books import Books
from tests.e2e.clients import CALL, PROMPT, SCHEMA, SDKS, TWELVE, Asking, Clients
from tests.e2e.gateway import Gateway, run_id
from tests.e2e.providers import ALL, ARN, BY_NAME, NAMES, UNFORCED, Provider
from tests.e2e.upstream import Upstream

TEXT, CALLING = (4, 12), (4, 6)
"""(prompt, completion) tokens of the text, and of one call."""

each_sdk = pytest.mark.parametrize("sdk", SDKS)
each_provider = pytest.mark.parametrize("provider", NAMES)


def seen(upstream: Upstream, word: str) -> list[dict[str, Any]]:
    """The upstream's requests that hold the word."""
    return [row for row in upstream.seen_all()["requests"] if word in row["body_head"]]


@each_provider
@each_sdk
def test_text_and_calls_of_tools(clients: Clients, books: Books, sdk: str, provider: str) -> None:
    ask, call_type = SDKS[sdk]
    forced = provider not in UNFORCED
    calling = provider if forced else f"{provider}+one"
    runs = []
    for stream in (False, True):
        run = books.run(sdk)
        told = ask(clients, Asking(provider, run, stream))
        assert (told.text, told.calls, told.tokens) == (TWELVE, [], TEXT)
        runs.append((run, provider, call_type, TEXT))
        run = books.run(sdk)
        told = ask(clients, Asking(calling, run, stream, tools=True, forced=forced))
        assert (told.text, told.calls, told.tokens) == ("", [CALL], CALLING)
        runs.append((run, calling, call_type, CALLING))
    for expected in runs:
        books.billed(*expected)


PAIRS = [
    *(("chat", provider) for provider in NAMES),
    *((sdk, provider) for sdk in SDKS if sdk != "chat" for provider in ("anthropic", "gemini")),
]


@pytest.mark.parametrize(("sdk", "provider"), PAIRS)
def test_parallel_calls(clients: Clients, books: Books, sdk: str, provider: str) -> None:
    ask, call_type = SDKS[sdk]
    group, forced = f"{provider}+two", provider not in UNFORCED
    runs = [books.run(sdk) for _ in range(2)]
    for stream, run in zip((False, True), runs, strict=True):
        told = ask(clients, Asking(group, run, stream, tools=True, forced=forced))
        assert (told.calls, told.tokens) == ([CALL, CALL], (4, 12))
    for run in runs:
        books.billed(run, group, call_type, (4, 12))


CACHES = frozenset(NAMES) - {"ollama", "databricks"}
"""Those that always say how much of the prompt they had cached."""


@each_provider
def test_parts_of_usage(clients: Clients, books: Books, provider: str) -> None:
    ask, call_type = SDKS["chat"]
    group = f"{provider}+rich"
    runs = [books.run("rich") for _ in range(2)]
    for stream, run in zip((False, True), runs, strict=True):
        told = ask(clients, Asking(group, run, stream))
        assert (told.text, told.tokens) == (TWELVE, (4, 15))
    for run in runs:
        row = books.billed(run, group, call_type, (4, 15))
        parts = row["metadata"]["usage_object"]["prompt_tokens_details"]
        assert parts["cached_tokens"] in ((2,) if provider in CACHES else (0, 2))


EMULATED = frozenset({"anthropic", "bedrock", "bedrock-arn", "bedrock-invoke"})
"""Those that are made to call a tool of that schema."""


@each_provider
def test_a_json_schema_reaches_the_provider(
    clients: Clients, books: Books, upstream: Upstream, provider: str
) -> None:
    run = books.run("schema")
    form = {"name": "place", "schema": SCHEMA, "strict": True}
    answer = clients.openai.chat.completions.create(
        model=provider,
        messages=[{"role": "user", "content": f"{PROMPT} {run}"}],
        response_format={"type": "json_schema", "json_schema": form},
        extra_headers={"x-litellm-call-id": run},
    )
    said = '{"city":"one"}' if provider in EMULATED else TWELVE
    assert answer.choices[0].message.content == said
    assert answer.choices[0].finish_reason == "stop"
    (row,) = seen(upstream, run)
    assert '"city"' in row["body_head"]
    books.billed(run, provider, "acompletion", (5, answer.usage.completion_tokens))


SHOWN = [
    *(("chat", provider) for provider in ALL),
    *((sdk, BY_NAME[name]) for sdk, name in PAIRS if sdk not in ("chat", "langchain")),
]


@pytest.mark.parametrize(("sdk", "provider"), SHOWN, ids=[f"{s}-{p.name}" for s, p in SHOWN])
def test_only_the_deployments_credential_goes_upstream(
    gateway: Gateway, upstream: Upstream, books: Books, sdk: str, provider: Provider
) -> None:
    word, run = run_id("credential"), books.run("credential")
    path, body = _plainly(sdk, provider.name, word)
    own = "sk-of-the-client-canary"
    headers = {
        "authorization": f"Bearer {books.key}",
        "cookie": own,
        "openai-organization": own,
        "proxy-authorization": own,
        "x-amz-security-token": own,
        "x-goog-user-project": own,
        "x-litellm-call-id": run,
    }
    answer = gateway.http.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    (row,) = seen(upstream, word)
    shown = row["headers"]
    assert own not in json.dumps(row)
    assert books.key not in json.dumps(row)
    if provider.shows:
        name, value = provider.credential
        hashed = hashlib.sha256(value.encode()).hexdigest()
        assert shown[name] in (value, hashed)
    credentials = {"authorization", "api-key", "x-api-key", "x-goog-api-key"} & shown.keys()
    assert credentials == {provider.credential[0] if provider.shows else "authorization"}


def _plainly(sdk: str, group: str, word: str) -> tuple[str, dict[str, Any]]:
    """(path, body) of a request in a client's format."""
    turns = [{"role": "user", "content": word}]
    match sdk:
        case "messages":
            return "/v1/messages", {"model": group, "max_tokens": 9, "messages": turns}
        case "generate":
            contents = [{"role": "user", "parts": [{"text": word}]}]
            return f"/v1beta/models/{group}:generateContent", {"contents": contents}
        case "responses":
            return "/v1/responses", {"model": group, "input": word}
    return "/v1/chat/completions", {"model": group, "messages": turns}


def test_a_models_id_is_escaped_once(clients: Clients, books: Books, upstream: Upstream) -> None:
    """And signed as it is sent: the simulated provider verifies it with botocore."""
    word = run_id("escaped")
    answer = clients.openai.chat.completions.create(
        model="bedrock-arn",
        messages=[{"role": "user", "content": word}],
        extra_headers={"x-litellm-call-id": books.run("escaped")},
    )
    assert answer.choices[0].message.content == TWELVE
    (row,) = seen(upstream, word)
    escaped = ARN.replace(":", "%3A").replace("/", "%2F")
    assert row["at"] == f"/bedrock/model/{escaped}/converse"


def test_a_forged_signature_is_refused(gateway: Gateway) -> None:
    body = {"model": "bedrock+forged", "messages": [{"role": "user", "content": PROMPT}]}
    answer = gateway.chat(body)
    assert answer.status_code == 403, answer.text
    assert "signature we calculated does not match" in answer.json()["error"]["message"]


def test_claude_codes_protocol_is_answered_by_gemini(
    clients: Clients, books: Books, upstream: Upstream
) -> None:
    """A turn in the middle of an agent's work, with all that such a client sends."""
    run, word = books.run("agent"), run_id("agent")
    cached = {"cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmF0dXJl"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "four words of file"}
    tool = {"name": "Read", "description": "Reads", "input_schema": SCHEMA, **cached}
    with clients.anthropic.beta.messages.stream(
        model="gemini",
        max_tokens=2048,
        thinking={"type": "enabled", "budget_tokens": 1024},
        system=[{"type": "text", "text": "You are an agent", **cached}],
        metadata={"user_id": "user_1"},
        tools=[tool],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": f"read {word}", **cached}]},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}, use]},
            {"role": "user", "content": [{**result, **cached}]},
        ],
        betas=["interleaved-thinking-2025-05-14"],
        extra_headers={"x-litellm-call-id": run},
    ) as stream:
        kinds = [event.type for event in stream]
        made = stream.get_final_message()
    assert kinds[-1] == "message_stop"
    assert [block.type for block in made.content] == ["thinking", "text"]
    assert made.content[0].thinking == "one two three four"
    assert made.content[1].text == TWELVE
    assert (made.model, made.stop_reason) == ("gemini", "end_turn")
    (row,) = seen(upstream, word)
    assert row["at"].endswith("/models/gemini-demo:streamGenerateContent")
    assert row["prompt_tokens"] == made.usage.input_tokens
    books.billed(run, "gemini", "anthropic_messages", (row["prompt_tokens"], 16))

"""What the official SDKs raise when a provider, or the gateway for it, cannot do what they ask."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from google.genai import errors as google

from tests.e2e.clients import PROMPT, SCHEMA, SDKS, TWELVE, Asking, Clients, StreamFailed, Told
from tests.e2e.gateway import Gateway, run_id
from tests.e2e.providers import INPUT_PRICE, NAMES, OUTPUT_PRICE

OPENAI = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
}
RAISED: dict[str, dict[int, type[Exception]]] = {
    "chat": OPENAI,
    "responses": OPENAI,
    "langchain": OPENAI,
    "messages": {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
        500: anthropic.InternalServerError,
    },
    "generate": dict.fromkeys((400, 401, 404, 429), google.ClientError) | {500: google.ServerError},
}
CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
}
SOME = ("openai", "anthropic", "bedrock", "gemini", "cohere", "ollama")
"""One of each kind of wire format."""


@pytest.fixture(scope="module")
def clients(gateway: Gateway) -> Any:
    """With a key whose books nobody keeps."""
    made = Clients(gateway, gateway.new_key())
    yield made
    made.close()


@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_providers_refusal(clients: Clients, sdk: str, status: int) -> None:
    """As the SDK's own class for it, with LiteLLM's name of it and the provider's words."""
    ask, _ = SDKS[sdk]
    for provider in SOME:
        for stream in (False, True):
            asking = Asking(f"{provider}+{status}", run_id("refused"), stream)
            with pytest.raises(RAISED[sdk][status]) as raised:
                ask(clients, asking)
            said = str(raised.value)
            assert f"litellm.{CLASSES[status]}: " in said, provider
            assert f"commanded to fail: {status}" in said, provider
            assert "canary" not in said


def test_a_rate_limit_is_told_when_the_retries_are_spent(
    gateway: Gateway, clients: Clients
) -> None:
    answer = gateway.chat(_chat("gemini+retried"), clients.key)
    assert answer.status_code == 429
    assert answer.headers["x-litellm-attempted-retries"] == "1"


@pytest.mark.parametrize("provider", SOME)
def test_each_client_is_told_in_its_own_envelope(gateway: Gateway, provider: str) -> None:
    group = f"{provider}+404"
    turns = [{"role": "user", "content": PROMPT}]
    contents = [{"role": "user", "parts": [{"text": PROMPT}]}]

    def told(path: str, body: dict[str, Any]) -> Any:
        answer = gateway.http.post(path, json=body, headers=gateway.auth())
        assert answer.status_code == 404
        return answer.json()

    said = told("/v1/messages", {"model": group, "max_tokens": 9, "messages": turns})
    assert (said["type"], said["error"]["type"]) == ("error", "not_found_error")
    said = told(f"/v1beta/models/{group}:generateContent", {"contents": contents})
    assert (said["error"]["code"], said["error"]["status"]) == (404, "NOT_FOUND")
    for path, body in (
        ("/v1/chat/completions", {"model": group, "messages": turns}),
        ("/v1/responses", {"model": group, "input": PROMPT}),
    ):
        error = told(path, body)["error"]
        assert error["code"] == "404"
        assert {"message", "type", "param"} <= error.keys()


ANY: tuple[type[Exception], ...] = (
    openai.APIError,
    anthropic.APIError,
    google.APIError,
    httpx.TransportError,
    httpx2.TransportError,
    StreamFailed,
    json.JSONDecodeError,
)
"""What an SDK raises for an answer that did not end as it should."""


@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_that_fails_midway_never_looks_finished(clients: Clients, sdk: str) -> None:
    """All at once: Envoy takes a second to close a connection that an upstream has broken."""
    ask, _ = SDKS[sdk]

    def outcome(group: str) -> Told | Exception:
        try:
            return ask(clients, Asking(group, run_id("failing"), stream=True))
        except ANY as error:
            return error

    groups = [f"{each}+{fault}" for each in SOME for fault in ("cut", "reset", "short", "failing")]
    with ThreadPoolExecutor(len(groups)) as pool:
        outcomes = dict(zip(groups, pool.map(outcome, groups), strict=True))
    assert {group: told for group, told in outcomes.items() if isinstance(told, Told)} == {}


@pytest.mark.parametrize("provider", SOME)
def test_what_came_before_a_cut_is_billed_once(gateway: Gateway, provider: str) -> None:
    key, run = gateway.new_key(), run_id("cut")
    body = _chat(f"{provider}+cut", stream=True)
    headers = {**gateway.auth(key), "x-litellm-call-id": run}
    with pytest.raises(httpx.TransportError):
        gateway.http.post("/v1/chat/completions", json=body, headers=headers)
    (row,) = gateway.settled_rows(key, 1)
    assert (row["request_id"], row["status"]) == (run, "failure")
    assert row["prompt_tokens"] >= 4
    assert 0 < row["completion_tokens"] < 12
    assert row["spend"] == pytest.approx(
        row["prompt_tokens"] * INPUT_PRICE + row["completion_tokens"] * OUTPUT_PRICE
    )


def _chat(group: str, **more: Any) -> dict[str, Any]:
    return {"model": group, "messages": [{"role": "user", "content": PROMPT}], **more}


LACKED = {
    "groq": {"logit_bias": {"1": 2}},
    "anthropic": {"logit_bias": {"1": 2}},
    "bedrock": {"logit_bias": {"1": 2}},
    "bedrock-invoke": {"seed": 1},
    "gemini": {"logit_bias": {"1": 2}},
    "vertex": {"logit_bias": {"1": 2}},
    "cohere": {"n": 2},
    "mistral": {"logit_bias": {"1": 2}},
    "ollama": {"logit_bias": {"1": 2}},
}


@pytest.mark.parametrize("provider", LACKED)
def test_a_parameter_that_a_provider_lacks(clients: Clients, provider: str) -> None:
    (name,) = LACKED[provider]
    with pytest.raises(openai.BadRequestError) as raised:
        clients.openai.chat.completions.create(**_chat(provider, **LACKED[provider]))
    assert "litellm.UnsupportedParamsError: " in str(raised.value)
    assert raised.value.param == name
    allowed = [{"extra_body": {"drop_params": True}}, {"model": f"{provider}+lenient"}]
    for more in allowed:
        asked = {**_chat(provider, **LACKED[provider]), **more}
        answer = clients.openai.chat.completions.create(**asked)
        assert answer.choices[0].message.content == TWELVE


UNKNOWN: dict[str, tuple[str, Callable[[openai.OpenAI, str], Any]]] = {
    "anthropic": ("embeddings", lambda c, m: c.embeddings.create(model=m, input="a")),
    "bedrock": ("images", lambda c, m: c.images.generate(model=m, prompt="a")),
    "gemini": (
        "speech",
        lambda c, m: c.audio.speech.create(model=m, input="a", voice="alloy"),
    ),
    "mistral": (
        "transcriptions",
        lambda c, m: c.audio.transcriptions.create(model=m, file=("a.wav", b"RIFF")),
    ),
    "ollama": ("moderations", lambda c, m: c.moderations.create(model=m, input="a")),
}


@pytest.mark.parametrize("provider", UNKNOWN)
def test_an_endpoint_that_a_provider_does_not_have(clients: Clients, provider: str) -> None:
    endpoint, ask = UNKNOWN[provider]
    with pytest.raises(openai.BadRequestError) as raised:
        ask(clients.openai, provider)
    assert f"{provider!r} deployments do not serve {endpoint!r}" in str(raised.value)


OPENAIS = {"openai", "groq", "azure", "databricks", "sagemaker", "watsonx"}
"""Those who take OpenAI's messages as they are, and judge them themselves."""


@pytest.mark.parametrize("provider", [name for name in NAMES if name not in OPENAIS])
def test_what_a_client_got_wrong_is_named(clients: Clients, provider: str) -> None:
    """Before anything leaves, where the format is not the client's own."""
    tool = {"type": "function", "function": {"parameters": SCHEMA}}
    with pytest.raises(openai.BadRequestError) as raised:
        clients.openai.chat.completions.create(**_chat(provider, tools=[tool]))
    assert "tools" in str(raised.value.param)

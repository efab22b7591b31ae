"""The Azure client of OpenAI's SDK, pointed straight at the simulated provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

CHAT: dict[str, Any] = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
BODY = {"messages": CHAT["messages"]}


@pytest.fixture
def client(url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=url, api_key="k", api_version="2024-10-21", max_retries=0
    ) as client:
        yield client


def test_the_deployment_is_the_model(client: openai.AzureOpenAI) -> None:
    made = client.chat.completions.create(**CHAT)
    assert (made.model, made.choices[0].finish_reason) == ("mine", "stop")
    assert made.model_extra
    assert made.model_extra["prompt_filter_results"][0]["prompt_index"] == 0
    assert client.embeddings.create(model="mine", input="a").model == "mine"


def test_a_stream_begins_with_the_prompts_filter(client: openai.AzureOpenAI) -> None:
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    assert chunks[0].choices == []
    assert chunks[1].choices[0].delta.role == "assistant"


def test_a_sound_is_transcribed(client: openai.AzureOpenAI) -> None:
    made = client.audio.transcriptions.create(model="mine", file=("a.wav", b"RIFF"))
    assert made.text.startswith("one")


def test_the_versionless_api(url: str) -> None:
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key="k", max_retries=0) as client:
        assert client.responses.create(model="mine", input="hi").output_text.startswith("one")


@pytest.mark.parametrize(
    ("query", "headers", "status", "error"),
    [
        ("?api-version=2024-10-21", {}, 401, "Access denied"),
        ("", {"api-key": "k"}, 404, "Resource not found"),
        ("?api-version=2024-10-21", {"authorization": "Bearer t"}, 200, None),
    ],
)
def test_key_and_version_are_needed(
    url: str, query: str, headers: dict[str, str], status: int, error: str | None
) -> None:
    path = f"{url}/openai/deployments/mine/chat/completions{query}"
    answer = httpx.post(path, json=BODY, headers=headers)
    assert answer.status_code == status
    if error:
        assert answer.json()["error"]["message"].startswith(error)


def test_the_inference_api_of_azure_ai(url: str) -> None:
    path = f"{url}/models/chat/completions?api-version=2024-05-01-preview"
    answer = httpx.post(path, json=CHAT, headers={"api-key": "k"})
    assert answer.json()["model"] == "mine"

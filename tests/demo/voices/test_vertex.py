"""Anthropic's and Google's SDKs for Vertex AI, pointed straight at the simulated provider."""

from typing import Any

import anthropic
import httpx
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

GOOGLE = "/v1/projects/p/locations/us-central1/publishers/google/models/m"
BEARER = {"authorization": "Bearer t"}
ASK: dict[str, Any] = {
    "model": "claude-x",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "count for me"}],
}


@pytest.mark.parametrize("stream", [True, False])
def test_gemini_by_project(url: str, stream: bool) -> None:
    options = types.HttpOptions(base_url=url)
    ask: dict[str, Any] = {"model": "m", "contents": "count for me"}
    with genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token="t"),  # type: ignore[no-untyped-call]
        http_options=options,
    ) as client:
        if stream:
            chunks = list(client.models.generate_content_stream(**ask))
        else:
            chunks = [client.models.generate_content(**ask)]
    assert "".join(chunk.text or "" for chunk in chunks).startswith("one two three")
    assert chunks[-1].usage_metadata
    assert chunks[-1].usage_metadata.candidates_token_count == 12


@pytest.mark.parametrize("stream", [True, False])
def test_claude_by_project(url: str, stream: bool) -> None:
    with anthropic.AnthropicVertex(
        region="us-central1", project_id="p", access_token="t", base_url=f"{url}/v1", max_retries=0
    ) as client:
        if stream:
            with client.messages.stream(**ASK) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**ASK)
        count = client.messages.count_tokens(model="claude-x", messages=ASK["messages"])
    assert message.usage.output_tokens == 12
    assert message.model == "claude-x"
    assert count.input_tokens == 3


def test_embeddings_by_predict(url: str) -> None:
    body = {"instances": [{"content": "a b"}], "parameters": {"outputDimensionality": 4}}
    said = httpx.post(f"{url}{GOOGLE}:predict", json=body, headers=BEARER).json()
    [row] = said["predictions"]
    assert len(row["embeddings"]["values"]) == 4
    assert row["embeddings"]["statistics"]["token_count"] == 2
    assert said["metadata"]["billableCharacterCount"] == 2


def test_a_token_is_needed(url: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    answer = httpx.post(f"{url}{GOOGLE}:generateContent", json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_claude_wants_its_version_and_no_model(url: str) -> None:
    path = GOOGLE.replace("google/models/m", "anthropic/models/claude-x:rawPredict")
    answer = httpx.post(url + path, json=ASK, headers=BEARER)
    assert (answer.status_code, "anthropic_version" in answer.text) == (400, True)
    body = {**ASK, "anthropic_version": "vertex-2023-10-16"}
    assert "model: Extra inputs" in httpx.post(url + path, json=body, headers=BEARER).text

"""Google's SDK, pointed straight at the simulated provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

ASK: dict[str, Any] = {"model": "gemini-x", "contents": "count for me"}
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            parameters=types.Schema(
                type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
            ),
        )
    ]
)
FORCED = types.ToolConfig(
    function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
)


@pytest.fixture
def client(url: str) -> Iterator[genai.Client]:
    with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url)) as client:
        yield client


def config(orders: dict[str, Any], **more: Any) -> types.GenerateContentConfig:
    options = types.HttpOptions(extra_body={"x_demo": orders})
    return types.GenerateContentConfig(http_options=options, **more)


@pytest.mark.parametrize("stream", [True, False])
def test_text_and_its_counts(client: genai.Client, stream: bool) -> None:
    settings = config({"words": 3, "cached": 2}, system_instruction="be brief")
    if stream:
        chunks = list(client.models.generate_content_stream(**ASK, config=settings))
        text, last = "".join(chunk.text or "" for chunk in chunks), chunks[-1]
    else:
        last = client.models.generate_content(**ASK, config=settings)
        text = last.text or ""
    assert text == "one two three"
    assert last.candidates
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    usage = last.usage_metadata
    assert usage
    assert (usage.prompt_token_count, usage.candidates_token_count) == (5, 3)
    assert (usage.cached_content_token_count, usage.total_token_count) == (2, 8)


@pytest.mark.parametrize("stream", [True, False])
def test_a_function_after_thoughts(client: genai.Client, stream: bool) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True)
    settings = config({}, tools=[TOOL], tool_config=FORCED, thinking_config=thinking)
    if stream:
        chunks = list(client.models.generate_content_stream(**ASK, config=settings))
    else:
        chunks = [client.models.generate_content(**ASK, config=settings)]
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "one"})]
    parts = [part for chunk in chunks for part in chunk.parts or []]
    thought = "".join(part.text or "" for part in parts if part.thought)
    assert thought == "one two three four"
    assert chunks[-1].usage_metadata
    assert chunks[-1].usage_metadata.thoughts_token_count == 4


def test_a_limit_and_several_candidates(client: genai.Client) -> None:
    answer = client.models.generate_content(
        **ASK, config=config({}, max_output_tokens=2, candidate_count=2)
    )
    assert answer.candidates
    assert [one.finish_reason for one in answer.candidates] == ["MAX_TOKENS", "MAX_TOKENS"]
    assert answer.usage_metadata
    assert answer.usage_metadata.candidates_token_count == 4


def test_tokens_embeddings_and_models(client: genai.Client) -> None:
    assert client.models.count_tokens(**ASK).total_tokens == 3
    settings = types.EmbedContentConfig(output_dimensionality=4)
    found = client.models.embed_content(model="e", contents=["a b", "c"], config=settings)
    assert [len(row.values or []) for row in found.embeddings or []] == [4, 4]


def test_models_are_listed_where_the_path_names_the_provider(url: str) -> None:
    options = types.HttpOptions(base_url=f"{url}/gemini")
    with genai.Client(api_key="k", http_options=options) as client:
        assert [model.name for model in client.models.list()] == ["models/demo"]


@pytest.mark.parametrize(
    ("status", "error", "name"),
    [
        (400, errors.ClientError, "INVALID_ARGUMENT"),
        (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
        (503, errors.ServerError, "UNAVAILABLE"),
    ],
)
def test_each_failure_is_the_sdks_own(
    client: genai.Client, status: int, error: type[errors.APIError], name: str
) -> None:
    with pytest.raises(error) as caught:
        client.models.generate_content(**ASK, config=config({"status": status}))
    assert (caught.value.code, caught.value.status) == (status, name)


def test_a_key_is_needed(url: str) -> None:
    path = f"{url}/v1beta/models/m:generateContent"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    assert httpx.post(path, json=body).json()["error"]["status"] == "PERMISSION_DENIED"
    assert httpx.post(f"{path}?key=k", json=body).status_code == 200


def test_without_sse_the_stream_is_one_json_list(url: str) -> None:
    answer = httpx.post(
        f"{url}/v1beta/models/m:streamGenerateContent",
        json={"contents": [{"parts": [{"text": "hi"}]}], "x_demo": {"words": 2}},
        headers={"x-goog-api-key": "k"},
    )
    texts = [one["candidates"][0]["content"]["parts"][0]["text"] for one in answer.json()]
    assert texts == ["one", " two", ""]


@pytest.mark.parametrize("fault", [{"split": 7}, {"gzip": "streamed"}, {"crlf": True}])
def test_odd_bytes_say_the_same(client: genai.Client, fault: dict[str, Any]) -> None:
    chunks = client.models.generate_content_stream(**ASK, config=config({"words": 3, **fault}))
    assert "".join(chunk.text or "" for chunk in chunks) == "one two three"


def test_a_cut_is_an_error(client: genai.Client) -> None:
    chunks = client.models.generate_content_stream(**ASK, config=config({"cut_at": 1}))
    with pytest.raises(Exception, match="peer closed connection"):
        list(chunks)

"""Databricks, watsonx, Replicate and SageMaker, as the simulated provider speaks them."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import botocore.session
import httpx
import openai
import orjson
import pytest

BEARER = {"authorization": "Bearer k"}
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "count for me"}]


def post(url: str, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return httpx.post(url + path, json=body, headers={**BEARER, **headers})


def data(answer: httpx.Response) -> list[Any]:
    lines = [line for line in answer.text.splitlines() if line.startswith("data: {")]
    return [orjson.loads(line[6:]) for line in lines]


def test_databricks_by_openais_sdk(url: str) -> None:
    with openai.OpenAI(base_url=f"{url}/serving-endpoints", api_key="k", max_retries=0) as client:
        made = client.chat.completions.create(model="m", messages=[*MESSAGES])
        assert made.usage
        assert made.usage.completion_tokens == 12
        with pytest.raises(openai.RateLimitError, match="429") as caught:
            client.chat.completions.create(
                model="m", messages=[*MESSAGES], extra_body={"x_demo": {"status": 429}}
            )
    assert caught.value.response.json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"


def test_databricks_by_endpoint(url: str) -> None:
    path = "/serving-endpoints/mine/invocations"
    assert post(url, path, {"messages": MESSAGES}).json()["model"] == "mine"
    assert len(post(url, path, {"input": ["a", "b"]}).json()["data"]) == 2
    assert httpx.post(url + path, json={"messages": MESSAGES}).status_code == 401


def test_databricks_tells_usage_unasked_in_each_chunk(url: str) -> None:
    body = {"messages": MESSAGES, "stream": True, "x_demo": {"words": 2}}
    chunks = data(post(url, "/serving-endpoints/mine/invocations", body))
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [0, 1, 2, 2]


WATSON = {"model_id": "w", "project_id": "p", "messages": MESSAGES}


def test_watsonx_chat(url: str) -> None:
    made = post(url, "/ml/v1/text/chat?version=2024-01-01", WATSON).json()
    assert made["model_id"] == "w"
    assert made["choices"][0]["message"]["content"].startswith("one two")
    assert made["usage"]["prompt_tokens"] == 3
    chunks = data(post(url, "/ml/v1/text/chat_stream?version=2024-01-01", WATSON))
    text = [c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]]
    assert len("".join(text).split()) == 12
    assert chunks[-1]["usage"]["completion_tokens"] == 12


def test_watsonx_embeddings_and_refusals(url: str) -> None:
    body = {"model_id": "e", "project_id": "p", "inputs": ["a b", "c"]}
    made = post(url, "/ml/v1/text/embeddings?version=2024-01-01", body).json()
    assert (len(made["results"]), made["input_token_count"]) == (2, 3)
    path = "/ml/v1/text/chat"
    assert "version" in post(url, path, WATSON).json()["errors"][0]["message"]
    homeless = {name: WATSON[name] for name in ("model_id", "messages")}
    answer = post(url, f"{path}?version=2024-01-01", homeless)
    assert (answer.status_code, "project_id" in answer.text) == (400, True)


def test_replicate_while_one_waits_and_later(url: str) -> None:
    path, body = "/v1/models/meta/m/predictions", {"input": {"prompt": "a b", "max_tokens": 2}}
    made = post(url, path, body, prefer="wait=60")
    assert (made.status_code, made.json()["output"]) == (201, ["one", " two"])
    assert made.json()["metrics"]["input_token_count"] == 2
    started = post(url, path, body).json()
    assert (started["status"], started["output"]) == ("starting", None)
    later = httpx.get(f"{url}/v1/predictions/{started['id']}", headers=BEARER).json()
    assert (later["status"], later["output"]) == ("succeeded", ["one", " two"])
    assert httpx.get(f"{url}/v1/predictions/none", headers=BEARER).status_code == 404


@pytest.fixture
def runtime(url: str) -> Iterator[Any]:
    client = botocore.session.Session().create_client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    with closing(client):
        yield client


def test_sagemaker(runtime: Any) -> None:
    inputs = orjson.dumps({"inputs": "a b", "parameters": {"max_new_tokens": 2}})
    made = runtime.invoke_endpoint(EndpointName="e", Body=inputs)
    assert orjson.loads(made["Body"].read()) == [{"generated_text": "one two"}]
    chat = orjson.dumps({"messages": MESSAGES, "max_tokens": 2})
    made = runtime.invoke_endpoint(EndpointName="e", Body=chat)
    assert orjson.loads(made["Body"].read())["choices"][0]["message"]["content"] == "one two"
    stream = runtime.invoke_endpoint_with_response_stream(EndpointName="e", Body=chat)
    said = b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"])
    assert said.startswith(b'data: {"id"')
    assert said.endswith(b"data: [DONE]\n\n")


def test_sagemaker_with_tgis_details(runtime: Any) -> None:
    body = {"inputs": "a b", "parameters": {"max_new_tokens": 3, "details": True}}
    asked = {"EndpointName": "e", "Body": orjson.dumps(body)}
    [whole] = orjson.loads(runtime.invoke_endpoint(**asked)["Body"].read())
    stream = runtime.invoke_endpoint_with_response_stream(**asked)
    said = b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"])
    *tokens, last = [
        orjson.loads(event.removeprefix(b"data: ")) for event in said.split(b"\n\n") if event
    ]
    assert [one["token"]["text"] for one in tokens] == ["one", " two", " three"]
    for end in (whole, last):
        assert end["generated_text"] == "one two three"
        assert end["details"]["finish_reason"] == "length"
        assert end["details"]["generated_tokens"] == 3
    assert last["details"]["input_length"] == 2

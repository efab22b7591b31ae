"""botocore's own client of Bedrock, pointed straight at the simulated provider."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import botocore.session
import httpx
import orjson
import pytest
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError

from extproc.demo.voices import speaking
from extproc.demo.voices.sigv4 import Signer
from tests.demo.conftest import served

KEY, SECRET = "AKIDDEMO", "demo-secret"
CLAUDE = "anthropic.claude-x-20250101-v1:0"
TURN = {"role": "user", "content": [{"text": "count for me"}]}
ASK: dict[str, Any] = {"modelId": CLAUDE, "messages": [TURN], "system": [{"text": "be brief"}]}
SPEC = {
    "name": "weather",
    "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
FORCED = {"toolConfig": {"tools": [{"toolSpec": SPEC}], "toolChoice": {"any": {}}}}
THINKING = {
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}
}


@pytest.fixture(scope="module")
def signing() -> Iterator[str]:
    """A provider that verifies signatures."""
    with served(tuple(speaking(Signer(KEY, SECRET)).values())) as url:
        yield url


Client = Callable[..., Any]


@pytest.fixture
def client() -> Iterator[Client]:
    """Makes clients, each with its orders in the endpoint's path."""
    with ExitStack() as stack:

        def made(url: str, secret: str = SECRET, key: str = KEY, **orders: object) -> Any:
            path = "".join(f"/{name}={value}" for name, value in orders.items())
            return stack.enter_context(closing(connected(url + path, key, secret)))

        yield made


def connected(url: str, key: str, secret: str) -> Any:
    return botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
    )


def test_text_and_its_counts(client: Client, signing: str) -> None:
    answer = client(signing, words=3, cached=2).converse(**ASK)
    assert answer["output"]["message"]["content"] == [{"text": "one two three"}]
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["totalTokens"]) == (3, 3, 8)
    assert usage["cacheReadInputTokens"] == 2


def test_a_stream_of_text(client: Client, signing: str) -> None:
    events = list(client(signing, words=2).converse_stream(**ASK)["stream"])
    assert [next(iter(event)) for event in events] == [
        *("messageStart", "contentBlockDelta", "contentBlockDelta"),
        *("contentBlockStop", "messageStop", "metadata"),
    ]
    assert events[1]["contentBlockDelta"]["delta"] == {"text": "one"}
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"
    assert events[-1]["metadata"]["usage"] == {
        **{"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}
    }


def test_a_tool_after_thinking(client: Client, signing: str) -> None:
    answer = client(signing).converse(**ASK, **FORCED, **THINKING)
    thought, call = answer["output"]["message"]["content"]
    assert thought["reasoningContent"]["reasoningText"]["text"] == "one two three four"
    assert (call["toolUse"]["name"], call["toolUse"]["input"]) == ("weather", {"city": "one"})
    assert answer["stopReason"] == "tool_use"


def test_a_stream_of_a_tool_after_thinking(client: Client, signing: str) -> None:
    stream = client(signing).converse_stream(**ASK, **FORCED, **THINKING)["stream"]
    deltas = [e["contentBlockDelta"]["delta"] for e in stream if "contentBlockDelta" in e]
    thought = [d["reasoningContent"].get("text", "") for d in deltas if "reasoningContent" in d]
    assert "".join(thought) == "one two three four"
    arguments = "".join(d["toolUse"]["input"] for d in deltas if "toolUse" in d)
    assert orjson.loads(arguments) == {"city": "one"}


CLAUDE_BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "count for me"}],
}


def test_claude_by_invoke(client: Client, signing: str) -> None:
    bedrock = client(signing, words=2)
    answer = bedrock.invoke_model(modelId=CLAUDE, body=orjson.dumps(CLAUDE_BODY))
    assert orjson.loads(answer["body"].read())["content"] == [{"type": "text", "text": "one two"}]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-output-token-count"] == "2"
    stream = bedrock.invoke_model_with_response_stream(
        modelId=CLAUDE, body=orjson.dumps(CLAUDE_BODY)
    )
    events = [orjson.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 2


def test_embeddings_by_invoke(client: Client, signing: str) -> None:
    bedrock = client(signing)
    titan = bedrock.invoke_model(
        modelId="amazon.titan-embed-text-v2:0",
        body=orjson.dumps({"inputText": "a b", "dimensions": 4}),
    )
    said = orjson.loads(titan["body"].read())
    assert (len(said["embedding"]), said["inputTextTokenCount"]) == (4, 2)
    cohere = bedrock.invoke_model(
        modelId="cohere.embed-english-v3",
        body=orjson.dumps({"texts": ["a", "b"], "input_type": "search_query"}),
    )
    assert len(orjson.loads(cohere["body"].read())["embeddings"]) == 2


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_each_failure_is_the_sdks_own(client: Client, signing: str, status: int, name: str) -> None:
    bedrock = client(signing, status=status)
    with pytest.raises(getattr(bedrock.exceptions, name)) as caught:
        bedrock.converse(**ASK)
    assert caught.value.response["Error"]["Message"] == f"commanded to fail: {status}"


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        (KEY, "wrong", "InvalidSignatureException"),
        ("AKIDOTHER", SECRET, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_signature_is_refused(
    client: Client, signing: str, key: str, secret: str, code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client(signing, secret, key).converse(**ASK)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_changed_body_breaks_the_signature(client: Client, signing: str) -> None:
    sent: dict[str, Any] = {}
    bedrock = client(signing)
    bedrock.meta.events.register(
        "before-send.bedrock-runtime",
        lambda request, **_: sent.update(
            url=request.url, headers=dict(request.headers), body=request.body
        ),
    )
    bedrock.converse(**ASK)
    known = {name: v if isinstance(v, str) else v.decode() for name, v in sent["headers"].items()}
    headers = {name: value for name, value in known.items() if name != "Content-Length"}
    url, content = sent["url"], sent["body"]
    assert httpx.post(url, content=content, headers=headers).status_code == 200
    assert httpx.post(url, content=content + b" ", headers=headers).status_code == 403
    assert httpx.post(url + "?a=1", content=content, headers=headers).status_code == 403


def test_without_a_known_signer_any_credential_will_do(client: Client, url: str) -> None:
    assert client(url, secret="anything").converse(**ASK)["stopReason"] == "end_turn"
    body = {"messages": [TURN]}
    path = f"{url}/model/m/converse"
    assert httpx.post(path, json=body).status_code == 403
    bearer = {"authorization": "Bearer token"}
    assert httpx.post(path, json=body, headers=bearer).status_code == 200


def test_an_error_within_the_stream(client: Client, signing: str) -> None:
    stream = client(signing, error_at=2).converse_stream(**ASK)["stream"]
    with closing(stream), pytest.raises(EventStreamError, match="internalServerException"):
        list(stream)


@pytest.mark.parametrize("fault", [{"split": 7}, {"gzip": "streamed"}, {"event_bytes": 300}])
def test_odd_bytes_say_the_same(signing: str, fault: dict[str, Any]) -> None:
    plain, odd = [
        [e.to_response_dict() for e in frames(signing, {"words": 3, "run": "same", **more})]
        for more in ({}, fault)
    ]
    texts = [
        [orjson.loads(e["body"]).get("delta", {}).get("text") for e in found]
        for found in (plain, odd)
    ]
    assert texts[0] == texts[1]
    assert [e["headers"] for e in plain] == [e["headers"] for e in odd]


def frames(url: str, orders: dict[str, Any]) -> list[Any]:
    """The messages of a stream, their checksums verified by botocore."""
    answer = httpx.post(
        f"{url}/model/m/converse-stream",
        json={"messages": [TURN], "x_demo": orders},
        headers={"authorization": "Bearer token"},
    )
    buffer = EventStreamBuffer()
    buffer.add_data(answer.content)
    return list(buffer)


def test_a_cut_is_an_error(url: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        frames(url, {"cut_at": 2})

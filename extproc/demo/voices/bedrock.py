"""AWS Bedrock: Converse, and the Messages API inside its streams.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
"""

import base64
from collections.abc import Iterator
from typing import Any

import orjson

from extproc.demo.answers import Answer, Question, objects, tokens_of
from extproc.demo.frames import AWS, Event
from extproc.demo.request import Json
from extproc.demo.voices import anthropic
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    integer,
    json_body,
    needed,
    tools_of,
)

_MODEL = r"/model/(?P<model>[^/]+)"
_ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def error(status: int, message: str) -> Body:
    """An AWS error: its class in a header, its message in the body."""
    usual = "InternalServerException" if status >= 500 else "ValidationException"
    return aws_error(_ERRORS.get(status, usual), message)


def aws_error(kind: str, message: str) -> Body:
    """The error of a class."""
    return json_body({"message": message}, x_amzn_errortype=kind)


FAILURE = Event(
    orjson.dumps({"message": "The system encountered an unexpected error during processing."}),
    name="internalServerException",
)


def _tools(body: Json) -> tuple[list[Json], str | None]:
    config = body.get("toolConfig") or {}
    specs = [tool.get("toolSpec") or {} for tool in objects(config.get("tools"))]
    declared = [
        {"name": spec.get("name"), "parameters": (spec.get("inputSchema") or {}).get("json")}
        for spec in specs
    ]
    choice = config.get("toolChoice") or {}
    if "tool" in choice:
        return declared, str(choice["tool"].get("name", ""))
    return declared, "" if "any" in choice else None


def _ask(asked: Asked, *, stream: bool) -> Question:
    body = asked.body
    needed(body, "messages")
    declared, forced = _tools(body)
    extra = body.get("additionalModelRequestFields") or {}
    thinking = extra.get("thinking") or extra.get("reasoning_config") or {}
    return Question(
        id=f"tooluse-{asked.number}",
        body=body,
        model=asked.part["model"],
        prompt_tokens=tokens_of([body.get("system", []), body["messages"]]),
        stream=stream,
        limit=integer((body.get("inferenceConfig") or {}).get("maxTokens")),
        tools=tools_of(declared),
        forced=forced,
        thinking=thinking.get("type") in ("enabled", "adaptive"),
    )


def _usage(answer: Answer) -> Json:
    cached = answer.orders.cached
    told = {"inputTokens": answer.fresh, "outputTokens": answer.completion}
    told["totalTokens"] = answer.fresh + cached + answer.completion
    if cached:
        told |= {"cacheReadInputTokens": cached, "cacheWriteInputTokens": 0}
    return told


def _content(answer: Answer) -> list[Json]:
    blocks: list[Json] = []
    if answer.thoughts:
        text = {"text": "".join(answer.thoughts), "signature": anthropic.SIGNATURE}
        blocks.append({"reasoningContent": {"reasoningText": text}})
    if not answer.calls:
        return [*blocks, {"text": answer.text}]
    return blocks + [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}}
        for call in answer.calls
    ]


def _converse(answer: Answer) -> Body:
    told = {
        "output": {"message": {"role": "assistant", "content": _content(answer)}},
        "stopReason": anthropic.FINISH[answer.finish],
        "metrics": {"latencyMs": 1},
    }
    return json_body(told | answer.counted("usage", _usage(answer)) | answer.padded("p"))


Deltas = list[tuple[Json, int]]


def _blocks(answer: Answer) -> Iterator[tuple[Json | None, Deltas]]:
    """(how a block starts, where that is told; its deltas with their tokens)."""
    if answer.thoughts:
        thoughts: list[Json] = [{"text": text} for text in answer.thoughts]
        thoughts.append({"signature": anthropic.SIGNATURE})
        yield None, [({"reasoningContent": thought}, 0) for thought in thoughts]
    for call in answer.calls:
        start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
        middle = len(call.text) // 2
        pieces = ((call.text[:middle], 0), (call.text[middle:], call.tokens))
        yield start, [({"toolUse": {"input": text}}, tokens) for text, tokens in pieces]
    if not answer.calls:
        yield None, [({"text": text}, 1) for text in answer.pieces]


def _converse_events(answer: Answer) -> Iterator[Event]:
    def event(name: str, tokens: int = 0, **told: Any) -> Event:
        padded = {**told, **(answer.padded("p") or {"p": "abcd"})}
        return Event(orjson.dumps(padded), tokens, name, ends=name == "messageStop")

    yield event("messageStart", role="assistant")
    for index, (start, deltas) in enumerate(_blocks(answer)):
        if start is not None:
            yield event("contentBlockStart", contentBlockIndex=index, start=start)
        for delta, tokens in deltas:
            yield event("contentBlockDelta", tokens, contentBlockIndex=index, delta=delta)
        yield event("contentBlockStop", contentBlockIndex=index)
    yield event("messageStop", stopReason=anthropic.FINISH[answer.finish])
    told = answer.counted("usage", _usage(answer))
    yield event("metadata", metrics={"latencyMs": 1}, **told)


def _ask_claude(asked: Asked, *, stream: bool) -> Question:
    needed(asked.body, "anthropic_version", "max_tokens", "messages")
    for name in ("model", "stream"):
        if name in asked.body:
            raise Refused(400, f"Malformed input request: #: extraneous key [{name}]")
    return anthropic.question(asked, asked.part["model"], stream=stream)


def _invocation_metrics(answer: Answer) -> Json:
    counts = {"inputTokenCount": answer.fresh, "outputTokenCount": answer.completion}
    return counts | {"invocationLatency": 1, "firstByteLatency": 1}


def _claude_events(answer: Answer) -> Iterator[Event]:
    """The events of the Messages API, each inside a chunk."""
    for event in anthropic.events(answer):
        inner = event.data
        if event.ends and answer.orders.usage != "none":
            metrics = {"amazon-bedrock-invocationMetrics": _invocation_metrics(answer)}
            inner = orjson.dumps(orjson.loads(inner) | metrics)
        data = orjson.dumps({"bytes": base64.b64encode(inner).decode(), "p": "abcd"})
        yield Event(data, event.tokens, "chunk", event.ends)


def _converse_endpoint(path: str, *, stream: bool) -> Endpoint:
    return Endpoint(
        _MODEL + path,
        lambda asked: _ask(asked, stream=stream),
        _converse,
        _converse_events if stream else None,
        AWS,
        failure=FAILURE,
    )


def _claude_endpoint(path: str, *, stream: bool) -> Endpoint:
    more = {"x-amzn-bedrock-content-type": "application/json"} if stream else {}
    return Endpoint(
        rf"/model/(?P<model>[^/]*anthropic[^/]*){path}",
        lambda asked: _ask_claude(asked, stream=stream),
        lambda answer: json_body(anthropic.message(answer)),
        _claude_events if stream else None,
        AWS,
        failure=FAILURE,
        headers=lambda answer: more if stream else counts(answer),
    )


def counts(answer: Answer) -> dict[str, str]:
    """The counts that an invocation tells in headers."""
    return {
        "x-amzn-bedrock-input-token-count": str(answer.fresh),
        "x-amzn-bedrock-output-token-count": str(answer.completion),
        "x-amzn-bedrock-invocation-latency": "1",
    }


GENERATION = (
    _converse_endpoint("/converse", stream=False),
    _converse_endpoint("/converse-stream", stream=True),
    _claude_endpoint("/invoke", stream=False),
    _claude_endpoint("/invoke-with-response-stream", stream=True),
)

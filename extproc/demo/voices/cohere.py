"""Cohere's second API: chat, embed, rerank.

https://docs.cohere.com/reference/chat
"""

from collections.abc import Iterator
from typing import Any

import orjson

from extproc.demo.answers import MODEL, Answer, Question, tokens_of, vector
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Voice,
    integer,
    json_body,
    needed,
    needs_bearer,
    tools_of,
)
from extproc.demo.voices.openai import tool_call
from extproc.demo.voices.vectors import ask_ranking, ranking

FINISH = {"stop": "COMPLETE", "length": "MAX_TOKENS", "call": "TOOL_CALL"}


def error(_: int, message: str) -> Body:
    """Cohere's error body."""
    return json_body({"id": "demo", "message": message})


_DIED = {"finish_reason": "ERROR", "error": "internal server error"}
FAILURE = Event(orjson.dumps({"type": "message-end", "delta": _DIED}), name="message-end")


def _ask(asked: Asked) -> Question:
    body = asked.body
    needed(body, "model", "messages")
    tools = [tool.get("function") for tool in body.get("tools") or []]
    return Question(
        id=f"cohere-{asked.number}",
        body=body,
        model=str(body["model"]),
        prompt_tokens=tokens_of(body["messages"]),
        stream=bool(body.get("stream")),
        limit=integer(body.get("max_tokens")),
        tools=tools_of(tools),
        forced="" if body.get("tool_choice") == "REQUIRED" else None,
        thinking=(body.get("thinking") or {}).get("type") == "enabled",
    )


def _usage(answer: Answer) -> Json:
    counts = {"input_tokens": answer.prompt, "output_tokens": answer.completion}
    told: Json = {"billed_units": counts, "tokens": counts}
    return told | ({"cached_tokens": answer.orders.cached} if answer.orders.cached else {})


def _content(answer: Answer) -> list[Json]:
    thought = "".join(answer.thoughts)
    blocks = [{"type": "thinking", "thinking": thought}] if thought else []
    return blocks if answer.calls else [*blocks, {"type": "text", "text": answer.text}]


def _whole(answer: Answer) -> Body:
    message: Json = {"role": "assistant"}
    if content := _content(answer):
        message["content"] = content
    if answer.calls:
        message["tool_calls"] = [tool_call(call) for call in answer.calls]
    told = {"id": answer.id, "message": message, "finish_reason": FINISH[answer.finish]}
    return json_body(told | answer.counted("usage", _usage(answer)) | answer.padded())


def _blocks(answer: Answer) -> Iterator[tuple[str, list[str], int]]:
    """(kind, pieces, tokens of each) of the content."""
    if answer.thoughts:
        yield "thinking", answer.thoughts, 0
    if not answer.calls:
        yield "text", answer.pieces, 1


def _events(answer: Answer) -> Iterator[Event]:
    def event(name: str, message: Any = None, tokens: int = 0, **more: Any) -> Event:
        told = {"type": name, **more, **answer.padded()}
        if message is not None:
            told["delta"] = {"message": message}
        return Event(orjson.dumps(told), tokens, name, ends=name == "message-end")

    empty: Json = {"role": "assistant", "content": [], "tool_plan": ""}
    yield event("message-start", {**empty, "tool_calls": [], "citations": []}, id=answer.id)
    for index, (kind, pieces, tokens) in enumerate(_blocks(answer)):
        yield event("content-start", {"content": {"type": kind, kind: ""}}, index=index)
        for piece in pieces:
            yield event("content-delta", {"content": {kind: piece}}, tokens, index=index)
        yield event("content-end", index=index)
    for index, call in enumerate(answer.calls):
        rest = {"tool_calls": {"function": {"arguments": call.text}}}
        yield event("tool-call-start", {"tool_calls": tool_call(call, "")}, index=index)
        yield event("tool-call-delta", rest, call.tokens, index=index)
        yield event("tool-call-end", index=index)
    finish = {"finish_reason": FINISH[answer.finish]}
    usage = answer.counted("usage", _usage(answer))
    yield event("message-end", id=answer.id, delta=finish | usage)


def _ask_vectors(asked: Asked) -> Question:
    body = asked.body
    needed(body, "model", "input_type")
    return Question(
        id=asked.number,
        body=body,
        model=str(body.get("model", MODEL)),
        prompt_tokens=tokens_of(_texts(body)),
        generates=False,
    )


def _texts(body: Any) -> list[Any]:
    found = body.get("texts")
    return found if isinstance(found, list) else [one["content"] for one in body["inputs"]]


def _vectors(answer: Answer) -> Body:
    body = answer.question.body
    texts = _texts(body)
    rows = [vector(text, body.get("output_dimension")) for text in texts]
    billed = answer.counted("billed_units", {"input_tokens": answer.prompt})
    told: Json = {"id": answer.id, "embeddings": {"float": rows}, "texts": texts}
    told["meta"] = {"api_version": {"version": "2"}} | billed
    return json_body(told | {"response_type": "embeddings_by_type"})


def _ranking(answer: Answer) -> Body:
    rows = [row for _, row in ranking(answer, "top_n")]
    billed = answer.counted("billed_units", {"search_units": 1})
    meta = {"api_version": {"version": "2"}} | billed
    return json_body({"id": answer.id, "results": rows, "meta": meta})


VOICE = Voice(
    "cohere",
    (
        Endpoint("/v2/chat", _ask, _whole, _events, failure=FAILURE),
        Endpoint("/v2/embed", _ask_vectors, _vectors),
        Endpoint("/v2/rerank", ask_ranking, _ranking),
    ),
    error,
    needs_bearer,
)

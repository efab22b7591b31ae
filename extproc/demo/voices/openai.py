"""OpenAI's text endpoints: chat completions, completions, embeddings, models.

https://platform.openai.com/docs/api-reference
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from extproc.demo.answers import (
    CREATED,
    MODEL,
    Answer,
    Call,
    Question,
    inputs,
    objects,
    packed,
    tokens_of,
    vector,
)
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, Body, Endpoint, integer, json_body, tools_of

FINISH = {"stop": "stop", "length": "length", "call": "tool_calls"}
FAILED_MIDWAY = "The server had an error while processing your request."
_MOST_CHOICES = 128


def error(status: int, message: str) -> Body:
    """OpenAI's error body, as it names each class of failure."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    return json_body({"error": {"message": message, "type": kind, "param": None, "code": None}})


FAILURE = Event(error(500, FAILED_MIDWAY).data)


def forced_tool(choice: Any) -> str | None:
    """The tool that a `tool_choice` of OpenAI's forces."""
    if choice in (None, "auto", "none"):
        return None
    return str(choice["function"]["name"]) if isinstance(choice, dict) else ""


def ask_chat(asked: Asked) -> Question:
    """A chat completion, as OpenAI and those who took over its format are asked for one."""
    body = asked.body
    limits = [integer(body.get(name)) for name in ("max_completion_tokens", "max_tokens")]
    choices = integer(body.get("n")) or 1
    tools = [tool for tool in body.get("tools") or [] if isinstance(tool, dict)]
    return Question(
        id=f"chatcmpl-{asked.number}",
        body=body,
        model=str(body.get("model", MODEL)),
        prompt_tokens=tokens_of(objects(body.get("messages", []))),
        stream=bool(body.get("stream")),
        limit=min((n for n in limits if n is not None and n >= 0), default=None),
        tools=tools_of([tool.get("function") for tool in tools]),
        forced=forced_tool(body.get("tool_choice")),
        choices=choices if 1 <= choices <= _MOST_CHOICES else 1,
    )


def usage(answer: Answer) -> Json:
    """The counts, with the parts that are not nothing."""
    orders = answer.orders
    told: Json = {
        "prompt_tokens": answer.prompt,
        "completion_tokens": answer.completion,
        "total_tokens": answer.prompt + answer.completion,
    }
    odd = orders.usage == "odd"
    if orders.cached or orders.audio_input or odd:
        parts = {"cached_tokens": orders.cached, "audio_tokens": orders.audio_input}
        told["prompt_tokens_details"] = parts
    if answer.reasoning or orders.audio_output or odd:
        parts = {"reasoning_tokens": answer.reasoning, "audio_tokens": orders.audio_output}
        told["completion_tokens_details"] = parts
    return told


def head(answer: Answer, kind: str) -> Json:
    """What every body and every chunk begins with."""
    model = answer.question.model
    return {"id": answer.id, "object": kind, "created": CREATED, "model": model}


def tool_call(call: Call, arguments: str | None = None) -> Json:
    """One entry of `tool_calls`."""
    text = call.text if arguments is None else arguments
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text}}


def chat(answer: Answer) -> Json:
    """The body of a chat completion."""
    message: Json = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.calls:
        message |= {"content": None, "tool_calls": [tool_call(call) for call in answer.calls]}
    return _with_choices(answer, "chat.completion", {"message": message})


def _text(answer: Answer) -> Json:
    return _with_choices(answer, "text_completion", {"text": answer.text})


def _with_choices(answer: Answer, kind: str, said: Json) -> Json:
    choices = [
        {"index": index, "logprobs": None, "finish_reason": FINISH[answer.finish], **said}
        for index in range(answer.question.choices)
    ]
    body = head(answer, kind) | {"choices": choices} | answer.padded()
    return body | answer.counted("usage", usage(answer))


Deltas = Callable[[Answer], Iterator[tuple[Json, int]]]
"""What a choice says in a stream: (members of the choice, tokens)."""


def chat_deltas(answer: Answer) -> Iterator[tuple[Json, int]]:
    """The role, then a word an event, or each call's name and then its arguments."""
    yield {"delta": {"role": "assistant", "content": None if answer.calls else ""}}, 0
    for index, call in enumerate(answer.calls):
        start = {"index": index, **tool_call(call, "")}
        rest = {"index": index, "function": {"arguments": call.text}}
        yield {"delta": {"tool_calls": [start]}}, 0
        yield {"delta": {"tool_calls": [rest]}}, call.tokens
    for piece in answer.pieces:
        yield {"delta": {"content": piece}}, 1


def _text_deltas(answer: Answer) -> Iterator[tuple[Json, int]]:
    for piece in answer.pieces:
        yield {"text": piece}, 1


def streamed(kind: str, deltas: Deltas, last: Json) -> Callable[[Answer], Iterator[Event]]:
    """The events of an answer: each choice, its finish, usage if asked, [DONE]."""

    def events(answer: Answer) -> Iterator[Event]:
        options = answer.question.body.get("stream_options")
        asked = isinstance(options, dict) and bool(options.get("include_usage"))

        def event(part: Json, tokens: int = 0) -> Event:
            return Event(orjson.dumps(head(answer, kind) | part | answer.padded()), tokens)

        for index in range(answer.question.choices):
            base: Json = {"index": index, "logprobs": None, "finish_reason": None}
            more = {"usage": None} if asked else {}
            for said, tokens in deltas(answer):
                yield event({"choices": [base | said], **more}, tokens)
            finish = {"finish_reason": FINISH[answer.finish]}
            yield event({"choices": [base | last | finish], **more})
        if asked and answer.orders.usage != "none":
            yield event({"choices": [], **answer.counted("usage", usage(answer))})
        yield Event(b"[DONE]", ends=True)

    return events


def _ask_text(asked: Asked) -> Question:
    base, body = ask_chat(asked), asked.body
    return Question(
        id=f"cmpl-{asked.number}",
        body=body,
        model=base.model,
        prompt_tokens=tokens_of(body.get("prompt")),
        stream=base.stream,
        limit=base.limit,
        choices=base.choices,
    )


def ask_vectors(asked: Asked) -> Question:
    """A request for embeddings of `input`."""
    return Question(
        id=f"embd-{asked.number}",
        body=asked.body,
        model=str(asked.body.get("model", MODEL)),
        prompt_tokens=tokens_of(asked.body.get("input")),
        generates=False,
    )


def vectors(answer: Answer) -> Body:
    """The embeddings, as numbers or packed."""
    body = answer.question.body
    made = [vector(text, body.get("dimensions")) for text in inputs(body.get("input"))]
    encoded = body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": index, "embedding": packed(row) if encoded else row}
        for index, row in enumerate(made)
    ]
    told = {"object": "list", "model": answer.question.model, "data": rows} | answer.padded()
    counts = {name: usage(answer)[name] for name in ("prompt_tokens", "total_tokens")}
    return json_body(told | answer.counted("usage", counts))


def ask_nothing(asked: Asked) -> Question:
    """A GET."""
    return Question(id=asked.number, generates=False)


def _models(_: Answer) -> Body:
    model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "demo"}
    return json_body({"object": "list", "data": [model]})


CHAT = Endpoint(
    "/chat/completions",
    ask_chat,
    lambda answer: json_body(chat(answer)),
    streamed("chat.completion.chunk", chat_deltas, {"delta": {}}),
    failure=FAILURE,
)
COMPLETIONS = Endpoint(
    "/completions",
    _ask_text,
    lambda answer: json_body(_text(answer)),
    streamed("text_completion", _text_deltas, {"text": ""}),
    failure=FAILURE,
)
EMBEDDINGS = Endpoint("/embeddings", ask_vectors, vectors)
MODELS = Endpoint("(?<!/v1beta)/models", ask_nothing, _models, method="GET", bare=True)
TEXT = (CHAT, COMPLETIONS, EMBEDDINGS, MODELS)

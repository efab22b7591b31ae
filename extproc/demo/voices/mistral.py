"""Mistral: OpenAI's paths, with differences in usage, calls, thinking and errors.

https://docs.mistral.ai/api
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from extproc.demo.answers import Answer, Question
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices import openai
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    Voice,
    json_body,
    needed,
    needs_bearer,
)

_STRANGE = ("max_completion_tokens", "logit_bias", "stream_options", "user", "seed")
"""Members of OpenAI's that are refused."""
_IDS = 9
"""Letters and digits of the id of a call."""


def error(status: int, message: str) -> Body:
    """Mistral's gateway refuses with a detail, its models with an object."""
    if status in (401, 422):
        return json_body({"detail": message})
    kinds = {429: "rate_limited", 404: "invalid_model", 400: "invalid_request_error"}
    kind = kinds.get(status, "service_unavailable" if status >= 500 else "invalid_request_error")
    told = {"object": "error", "message": message, "type": kind, "param": None, "code": None}
    return json_body(told | {"raw_status_code": status})


FAILURE = Event(error(500, "Service unavailable.").data)


def _ask(asked: Asked) -> Question:
    body = asked.body
    needed(body, "model", "messages")
    for name in _STRANGE:
        if name in body:
            raise Refused(422, f"{name}: Extra inputs are not permitted")
    choice = body.get("tool_choice")
    plain = replace(asked, body={**body, "tool_choice": "required" if choice == "any" else choice})
    return replace(
        openai.ask_chat(plain),
        id=f"mistral{asked.number}",
        body=body,
        thinking=body.get("prompt_mode") == "reasoning",
    )


def _usage(answer: Answer) -> Json:
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    told = {name: openai.usage(answer)[name] for name in counts}
    if answer.orders.cached:
        told["prompt_tokens_details"] = {"cached_tokens": answer.orders.cached}
    return told


def _calls(answer: Answer) -> list[Json]:
    """Whole, with an id of nine characters and an index."""
    return [
        {
            "id": f"{answer.question.id.replace('-', '')}{index}".rjust(_IDS, "0")[-_IDS:],
            "function": {"name": call.name, "arguments": call.text},
            "index": index,
        }
        for index, call in enumerate(answer.calls)
    ]


def _thinking(text: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _whole(answer: Answer) -> Body:
    message: Json = {"role": "assistant", "content": answer.text, "tool_calls": None}
    if answer.calls:
        message["tool_calls"] = _calls(answer)
    if answer.thoughts:
        said = [{"type": "text", "text": answer.text}] if answer.text else []
        message["content"] = [_thinking("".join(answer.thoughts)), *said]
    finish = openai.FINISH[answer.finish]
    choices = [
        {"index": index, "message": message, "finish_reason": finish}
        for index in range(answer.question.choices)
    ]
    told = openai.head(answer, "chat.completion") | {"choices": choices}
    return json_body(told | answer.counted("usage", _usage(answer)) | answer.padded())


def _events(answer: Answer) -> Iterator[Event]:
    """The last chunk of a choice carries its finish, the very last the usage."""

    def event(
        index: int, delta: Json, tokens: int = 0, finish: str | None = None, **more: Any
    ) -> Event:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        told = openai.head(answer, "chat.completion.chunk") | {"choices": [choice]}
        return Event(orjson.dumps(told | more | answer.padded("p")), tokens)

    choices = answer.question.choices
    for index in range(choices):
        yield event(index, {"role": "assistant", "content": ""})
        for thought in answer.thoughts:
            yield event(index, {"content": [_thinking(thought)]})
        for piece in answer.pieces:
            yield event(index, {"content": piece}, 1)
        last: Json = {"content": ""}
        if answer.calls:
            last["tool_calls"] = _calls(answer)
        usage = answer.counted("usage", _usage(answer)) if index == choices - 1 else {}
        tokens = sum(call.tokens for call in answer.calls)
        yield event(index, last, tokens, openai.FINISH[answer.finish], **usage)
    yield Event(b"[DONE]", ends=True)


def _vectors(answer: Answer) -> Body:
    """OpenAI's form with an id, and all three counts."""
    made = orjson.loads(openai.vectors(answer).data)
    return json_body({"id": answer.id, **made, **answer.counted("usage", _usage(answer))})


VOICE = Voice(
    "mistral",
    (
        Endpoint("/chat/completions", _ask, _whole, _events, failure=FAILURE),
        replace(openai.EMBEDDINGS, whole=_vectors),
        openai.MODELS,
    ),
    error,
    needs_bearer,
)

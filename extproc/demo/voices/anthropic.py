"""Anthropic's Messages API: messages and the counting of their tokens.

https://platform.claude.com/docs/en/api/messages
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from extproc.demo.answers import MODEL, Answer, Question, tokens_of
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    Voice,
    bearer,
    integer,
    json_body,
    needed,
    tools_of,
)

FINISH = {"stop": "end_turn", "length": "max_tokens", "call": "tool_use"}
SIGNATURE = "ZGVtby1zaWduYXR1cmU="
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error(status: int, message: str) -> Body:
    """Anthropic's error body, as it names each class of failure."""
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    told = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_demo"}
    return json_body(told, request_id="req_demo")


FAILURE = Event(
    orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    name="error",
)


def _admit(asked: Asked) -> None:
    if not asked.headers.get("x-api-key") and bearer(asked) is None:
        raise Refused(401, "x-api-key header is required")
    if not asked.headers.get("anthropic-version"):
        raise Refused(400, "anthropic-version: header is required")


def _forced(choice: Any) -> str | None:
    choice = choice or {}
    kinds = {"any": "", "tool": str(choice.get("name", ""))}
    return kinds.get(str(choice.get("type")))


def question(asked: Asked, model: str, *, stream: bool) -> Question:
    """A Messages request, wherever it is served."""
    body = asked.body
    return Question(
        id=f"msg_{asked.number}",
        body=body,
        model=model,
        prompt_tokens=tokens_of([body.get("system", []), body["messages"]]),
        stream=stream,
        limit=integer(body.get("max_tokens")),
        tools=tools_of(body.get("tools"), schema="input_schema"),
        forced=_forced(body.get("tool_choice")),
        thinking=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
    )


def _ask(asked: Asked) -> Question:
    needed(asked.body, "model", "max_tokens", "messages")
    return question(asked, str(asked.body["model"]), stream=bool(asked.body.get("stream")))


def _ask_count(asked: Asked) -> Question:
    needed(asked.body, "model", "messages")
    return question(asked, str(asked.body["model"]), stream=False)


def _usage(answer: Answer, output: int) -> Json:
    return {
        "input_tokens": answer.fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.orders.cached,
        "output_tokens": output,
    }


def _blocks(answer: Answer) -> list[Json]:
    blocks: list[Json] = []
    if answer.thoughts:
        thinking = "".join(answer.thoughts)
        blocks.append({"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
    if answer.calls:
        return blocks + [
            {
                "type": "tool_use",
                "id": f"toolu_{call.id}",
                "name": call.name,
                "input": call.arguments,
            }
            for call in answer.calls
        ]
    return [*blocks, {"type": "text", "text": answer.text}]


def _message(answer: Answer, content: list[Json], stop: str | None, output: int) -> Json:
    told = {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.question.model or MODEL,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
    }
    return told | answer.counted("usage", _usage(answer, output))


def message(answer: Answer) -> Json:
    """The body of a whole message."""
    finish = FINISH[answer.finish]
    return _message(answer, _blocks(answer), finish, answer.completion) | answer.padded()


Deltas = list[tuple[Json, int]]


def _streamed_blocks(answer: Answer) -> Iterator[tuple[Json, Deltas]]:
    """(a block as it starts, its deltas with their tokens)."""
    if answer.thoughts:
        thoughts: Deltas = [
            ({"type": "thinking_delta", "thinking": text}, 0) for text in answer.thoughts
        ]
        signed = ({"type": "signature_delta", "signature": SIGNATURE}, 0)
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signed]
    for call in answer.calls:
        start = {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": {}}
        middle = len(call.text) // 2
        pieces = (("", 0), (call.text[:middle], 0), (call.text[middle:], call.tokens))
        yield start, [({"type": "input_json_delta", "partial_json": p}, n) for p, n in pieces]
    if not answer.calls:
        texts: Deltas = [({"type": "text_delta", "text": text}, 1) for text in answer.pieces]
        yield {"type": "text", "text": ""}, texts


def events(answer: Answer) -> Iterator[Event]:
    """The message as it comes: start, each block with a ping in the first, delta, stop."""

    def event(name: str, tokens: int = 0, **more: Any) -> Event:
        told = {"type": name, **more, **answer.padded()}
        return Event(orjson.dumps(told), tokens, name, ends=name == "message_stop")

    yield event("message_start", message=_message(answer, [], None, 1))
    for index, (block, deltas) in enumerate(_streamed_blocks(answer)):
        yield event("content_block_start", index=index, content_block=block)
        if index == 0:
            yield Event(b'{"type": "ping"}', name="ping")
        for delta, tokens in deltas:
            yield event("content_block_delta", tokens, index=index, delta=delta)
        yield event("content_block_stop", index=index)
    stop = {"stop_reason": FINISH[answer.finish], "stop_sequence": None}
    told = answer.counted("usage", _usage(answer, answer.completion))
    yield event("message_delta", delta=stop, **told)
    yield event("message_stop")


def counted(answer: Answer) -> Body:
    """The body of a count."""
    return json_body({"input_tokens": answer.prompt})


def endpoint(path: str, ask: Callable[[Asked], Question]) -> Endpoint:
    """Where messages are served."""
    return Endpoint(
        path,
        ask,
        lambda answer: json_body(message(answer)),
        events,
        failure=FAILURE,
        headers=lambda answer: {"request-id": f"req_{answer.id}"},
    )


VOICE = Voice(
    "anthropic",
    (
        endpoint("/v1/messages", _ask),
        Endpoint("/v1/messages/count_tokens", _ask_count, counted),
    ),
    error,
    _admit,
)

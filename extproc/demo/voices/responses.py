"""OpenAI's Responses API: create, stream, and what can be asked of a response afterwards.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Iterator
from typing import Any

import orjson

from extproc.demo.answers import CREATED, MODEL, Answer, Call, Question, objects, tokens_of
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, Body, Endpoint, Refused, integer, json_body, tools_of

_ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Members of a response that repeat the request, and what they are where it is silent."""

FAILURE = Event(
    orjson.dumps(
        {
            "type": "error",
            "code": "server_error",
            "message": "The server had an error while processing your request.",
            "param": None,
            "sequence_number": 0,
        }
    ),
    name="error",
)


def _forced(choice: Any) -> str | None:
    if isinstance(choice, dict):
        return str(choice.get("name", "")) if choice.get("type") == "function" else None
    return "" if choice == "required" else None


def _ask(asked: Asked) -> Question:
    body = asked.body
    before = _before(asked)
    limit = integer(body.get("max_output_tokens"))
    tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    return Question(
        id=f"resp_{asked.number}",
        body=body,
        model=str(body.get("model", MODEL)),
        prompt_tokens=tokens_of([body.get("instructions"), body.get("input")]) + before,
        stream=bool(body.get("stream")),
        limit=limit,
        tools=tools_of(tools),
        forced=_forced(body.get("tool_choice")),
        thinking=bool((body.get("reasoning") or {}).get("summary")),
    )


def _before(asked: Asked) -> int:
    """The tokens of the conversation that the request goes on with."""
    previous = asked.body.get("previous_response_id")
    if previous is None:
        return 0
    if previous not in asked.kept:
        raise Refused(400, f"Previous response with id '{previous}' not found.")
    answer = asked.kept[previous]
    return answer.prompt + answer.tokens


def _usage(answer: Answer) -> Json:
    return {
        "input_tokens": answer.prompt,
        "input_tokens_details": {"cached_tokens": answer.orders.cached},
        "output_tokens": answer.completion,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning},
        "total_tokens": answer.prompt + answer.completion,
    }


def _reasoning(answer: Answer, status: str = "completed") -> Json:
    done = status == "completed"
    summary = [{"type": "summary_text", "text": "".join(answer.thoughts)}] if done else []
    return {"type": "reasoning", "id": f"rs_{answer.id}", "summary": summary}


def _call(answer: Answer, call: Call, status: str = "completed") -> Json:
    return {
        "type": "function_call",
        "id": f"fc_{call.id}",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.text if status == "completed" else "",
        "status": status,
    }


def _text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(answer: Answer, status: str = "completed") -> Json:
    return {
        "type": "message",
        "id": f"msg_{answer.id}",
        "role": "assistant",
        "content": [_text(answer.text)] if status == "completed" else [],
        "status": status,
    }


def _output(answer: Answer) -> list[Json]:
    thought = [_reasoning(answer)] if answer.thoughts else []
    calls = [_call(answer, call) for call in answer.calls]
    return [*thought, *(calls or [_message(answer)])]


def _response(answer: Answer, status: str, output: list[Json]) -> Json:
    body = answer.question.body
    short = {"reason": "max_output_tokens"} if status == "incomplete" else None
    told: Json = {
        "id": answer.id,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": short,
        "model": answer.question.model,
        "output": output,
        "usage": None,
        **{name: body.get(name, usual) for name, usual in _ECHOED.items()},
    }
    return told


def response(answer: Answer) -> Json:
    """The whole response."""
    status = "incomplete" if answer.finish == "length" else "completed"
    told = _response(answer, status, _output(answer)) | answer.padded()
    return told | answer.counted("usage", _usage(answer))


def _thought_events(answer: Answer, index: int) -> Iterator[tuple[str, Json, int]]:
    at = {"item_id": f"rs_{answer.id}", "output_index": index, "summary_index": 0}
    text = "".join(answer.thoughts)
    start = {"type": "summary_text", "text": ""}
    yield "response.reasoning_summary_part.added", {**at, "part": start}, 0
    for thought in answer.thoughts:
        yield "response.reasoning_summary_text.delta", {**at, "delta": thought}, 0
    yield "response.reasoning_summary_text.done", {**at, "text": text}, 0
    yield "response.reasoning_summary_part.done", {**at, "part": {**start, "text": text}}, 0


def _call_events(call: Call, index: int) -> Iterator[tuple[str, Json, int]]:
    at = {"item_id": f"fc_{call.id}", "output_index": index}
    name = "response.function_call_arguments"
    yield f"{name}.delta", {**at, "delta": call.text}, call.tokens
    yield f"{name}.done", {**at, "name": call.name, "arguments": call.text}, 0


def _text_events(answer: Answer, index: int) -> Iterator[tuple[str, Json, int]]:
    at = {"item_id": f"msg_{answer.id}", "output_index": index, "content_index": 0}
    yield "response.content_part.added", {**at, "part": _text("")}, 0
    for piece in answer.pieces:
        yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}, 1
    yield "response.output_text.done", {**at, "text": answer.text, "logprobs": []}, 0
    yield "response.content_part.done", {**at, "part": _text(answer.text)}, 0


Item = tuple[Json, Json, Iterator[tuple[str, Json, int]]]
"""An item as it is added, as it is done, and what happens between."""


def _items(answer: Answer) -> Iterator[Item]:
    begun, first = "in_progress", 1 if answer.thoughts else 0
    if answer.thoughts:
        yield _reasoning(answer, begun), _reasoning(answer), _thought_events(answer, 0)
    for number, call in enumerate(answer.calls, start=first):
        yield _call(answer, call, begun), _call(answer, call), _call_events(call, number)
    if not answer.calls:
        yield _message(answer, begun), _message(answer), _text_events(answer, first)


def _events(answer: Answer) -> Iterator[Event]:
    number = -1

    def event(name: str, told: Json, tokens: int = 0, *, ends: bool = False) -> Event:
        nonlocal number
        number += 1
        body = {"type": name, "sequence_number": number, **told, **answer.padded()}
        return Event(orjson.dumps(body), tokens, name, ends)

    begun = _response(answer, "in_progress", [])
    yield event("response.created", {"response": begun})
    yield event("response.in_progress", {"response": begun})
    for index, (added, done, between) in enumerate(_items(answer)):
        yield event("response.output_item.added", {"output_index": index, "item": added})
        for name, told, tokens in between:
            yield event(name, told, tokens)
        yield event("response.output_item.done", {"output_index": index, "item": done})
    whole = response(answer)
    yield event(f"response.{whole['status']}", {"response": whole}, ends=True)


def _again(asked: Asked) -> Answer:
    name = asked.part["id"]
    if name not in asked.kept:
        raise Refused(404, f"Response with id '{name}' not found.")
    return asked.kept[name]


def _background(asked: Asked) -> Answer:
    answer = _again(asked)
    if not answer.question.body.get("background"):
        raise Refused(400, "Cannot cancel a synchronous response.")
    return answer


def _given(answer: Answer) -> Body:
    """The items of the input, newest first, as they are listed."""
    said = answer.question.body.get("input")
    items = [{"role": "user", "content": said}] if isinstance(said, str) else objects(said)
    rows = []
    for number, item in enumerate(items):
        content = item.get("content")
        if isinstance(content, str):
            content = [{"type": "input_text", "text": content}]
        more = {"type": "message", "status": "completed"} | item | {"content": content}
        rows.append({"id": f"msg_{answer.id}_{number}"} | more)
    rows.reverse()
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {}
    return json_body({"object": "list", "data": rows, **ends, "has_more": False})


def _count(answer: Answer) -> Body:
    return json_body({"object": "response.input_tokens", "input_tokens": answer.prompt})


def _deleted(answer: Answer) -> Body:
    return json_body({"id": answer.id, "object": "response", "deleted": True})


def _whole(answer: Answer) -> Body:
    return json_body(response(answer))


def _made(answer: Answer) -> Body:
    """One made in the background is whole as soon as it is asked for again."""
    if answer.question.body.get("background"):
        return json_body(_response(answer, "queued", []))
    return _whole(answer)


def _cancelled(answer: Answer) -> Body:
    return json_body(response(answer) | {"status": "cancelled"})


_ID = "/responses/(?P<id>[^/]+)"
RESPONSES = (
    Endpoint("/responses", _ask, _made, _events, failure=FAILURE, keeps=True),
    Endpoint("/responses/input_tokens", _ask, _count),
    Endpoint(_ID, _again, _whole, method="GET", bare=True),
    Endpoint(_ID, _again, _deleted, method="DELETE", bare=True, forgets=True),
    Endpoint(f"{_ID}/cancel", _background, _cancelled, bare=True),
    Endpoint(f"{_ID}/input_items", _again, _given, method="GET", bare=True),
)

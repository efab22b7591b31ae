"""Ollama's own API: JSON lines, durations, and a stream unless one says no.

https://docs.ollama.com/api
"""

from collections.abc import Callable, Iterator

import orjson

from extproc.demo.answers import MODEL, Answer, Question, inputs, tokens_of, vector
from extproc.demo.frames import LINES, Event
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, Body, Endpoint, Voice, integer, json_body, tools_of
from extproc.demo.voices.openai import ask_nothing

_WHEN = "2023-11-14T22:13:20.000000Z"
_NANOSECONDS = 1_000_000


def error(_: int, message: str) -> Body:
    """Ollama's error body."""
    return json_body({"error": message})


FAILURE = Event(error(500, "an error was encountered while running the model").data)


def _ask(asked: Asked) -> Question:
    """Chat and generate alike: the prompt is `messages`, or `system` and `prompt`."""
    body = asked.body
    tools = [tool.get("function") for tool in body.get("tools") or []]
    limit = integer((body.get("options") or {}).get("num_predict"))
    texts = [body.get("messages"), body.get("system"), body.get("prompt")]
    return Question(
        id=asked.number,
        body=body,
        model=str(body["model"]),
        prompt_tokens=tokens_of(texts),
        stream=bool(body.get("stream", True)),
        limit=limit if limit is not None and limit >= 0 else None,
        tools=tools_of(tools),
        thinking=bool(body.get("think")),
    )


def _last(answer: Answer) -> Json:
    reason = "length" if answer.finish == "length" else "stop"
    durations = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
    told = {"done": True, "done_reason": reason} | dict.fromkeys(durations, _NANOSECONDS)
    counts = {"prompt_eval_count": answer.prompt, "eval_count": answer.completion}
    counted: Json = answer.counted("counts", counts).get("counts", {})
    return told | counted | answer.padded()


def _line(answer: Answer, said: Json) -> Json:
    return {"model": answer.question.model, "created_at": _WHEN, **said}


def _message(text: str, **more: object) -> Json:
    return {"message": {"role": "assistant", "content": text, **more}}


def _text(text: str, **more: object) -> Json:
    return {"response": text, **more}


def _calls(answer: Answer) -> Json:
    calls = [
        {"function": {"index": index, "name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(answer.calls)
    ]
    return {"tool_calls": calls} if calls else {}


def _endpoint(path: str, said: Callable[..., Json]) -> Endpoint:
    """Where text is made; `said` is how a line carries it."""

    def whole(answer: Answer) -> Body:
        thought = {"thinking": "".join(answer.thoughts)} if answer.thoughts else {}
        told = said(answer.text, **thought, **_calls(answer))
        return json_body(_line(answer, told) | _last(answer))

    def events(answer: Answer) -> Iterator[Event]:
        def event(told: Json, tokens: int = 0) -> Event:
            more = {"done": False} | answer.padded()
            return Event(orjson.dumps(_line(answer, told) | more), tokens)

        for thought in answer.thoughts:
            yield event(said("", thinking=thought))
        for piece in answer.pieces:
            yield event(said(piece), 1)
        if answer.calls:
            yield event(said("", **_calls(answer)), answer.tokens)
        last = _line(answer, said("")) | _last(answer)
        yield Event(orjson.dumps(last), ends=True)

    return Endpoint(path, _ask, whole, events, LINES, failure=FAILURE)


def _ask_vectors(asked: Asked) -> Question:
    return Question(
        id=asked.number,
        body=asked.body,
        model=str(asked.body["model"]),
        prompt_tokens=tokens_of(asked.body["input"]),
        generates=False,
    )


def _vectors(answer: Answer) -> Body:
    body = answer.question.body
    rows = [vector(text, body.get("dimensions")) for text in inputs(body["input"])]
    told: Json = {"model": answer.question.model, "embeddings": rows}
    told |= {"total_duration": _NANOSECONDS, "load_duration": _NANOSECONDS}
    counted: Json = answer.counted("counts", {"prompt_eval_count": answer.prompt})
    return json_body(told | counted.get("counts", {}))


def _tags(_: Answer) -> Body:
    details = {"format": "gguf", "family": "demo", "parameter_size": "1B"}
    model = {"name": f"{MODEL}:latest", "model": f"{MODEL}:latest", "modified_at": _WHEN}
    return json_body({"models": [model | {"size": 1, "digest": "00" * 32, "details": details}]})


VOICE = Voice(
    "ollama",
    (
        _endpoint("/api/chat", _message),
        _endpoint("/api/generate", _text),
        Endpoint("/api/embed", _ask_vectors, _vectors),
        Endpoint("/api/tags", ask_nothing, _tags, method="GET", bare=True),
        Endpoint(
            "/api/version", ask_nothing, lambda _: json_body({"version": "0.12.0"}), method="GET"
        ),
    ),
    error,
)

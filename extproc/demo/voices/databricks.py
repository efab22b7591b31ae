"""Databricks: OpenAI's format at serving endpoints.

https://docs.databricks.com/machine-learning/foundation-model-apis/api-reference
"""

from collections.abc import Iterator
from dataclasses import replace

import orjson

from extproc.demo.answers import Answer, Question
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices import openai
from extproc.demo.voices.base import Asked, Body, Endpoint, Voice, json_body, needs_bearer

_ERRORS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


def error(status: int, message: str) -> Body:
    """Databricks's error body."""
    usual = "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"
    return json_body({"error_code": _ERRORS.get(status, usual), "message": message})


def _ask(asked: Asked) -> Question:
    """An endpoint serves one task: messages are for chat, an input is for embeddings."""
    ask = openai.ask_vectors if "input" in asked.body else openai.ask_chat
    return replace(ask(asked), model=asked.part["model"])


def _whole(answer: Answer) -> Body:
    made = openai.CHAT if answer.question.generates else openai.EMBEDDINGS
    return made.whole(answer)


def _events(answer: Answer) -> Iterator[Event]:
    """Each chunk tells the usage so far, asked or not."""
    prompt, said = answer.prompt, answer.reasoning

    def event(choice: Json, tokens: int = 0) -> Event:
        nonlocal said
        said += tokens
        counts = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
        told = openai.head(answer, "chat.completion.chunk") | {"choices": [choice]}
        return Event(orjson.dumps(told | answer.counted("usage", counts) | answer.padded()), tokens)

    for index in range(answer.question.choices):
        for delta, tokens in openai.chat_deltas(answer):
            yield event({"index": index, "finish_reason": None, **delta}, tokens)
        finish = openai.FINISH[answer.finish]
        yield event({"index": index, "finish_reason": finish, "delta": {"content": ""}})
    yield Event(b"[DONE]", ends=True)


_CHAT = replace(openai.CHAT, events=_events)
VOICE = Voice(
    "databricks",
    (
        replace(_CHAT, path=f"/serving-endpoints{openai.CHAT.path}"),
        replace(openai.EMBEDDINGS, path=f"/serving-endpoints{openai.EMBEDDINGS.path}"),
        Endpoint(
            "/serving-endpoints/(?P<model>[^/]+)/invocations",
            _ask,
            _whole,
            _events,
            failure=openai.FAILURE,
        ),
    ),
    error,
    needs_bearer,
)

"""IBM watsonx.ai: chat, its stream, embeddings; the token is taken as it comes.

https://cloud.ibm.com/apidocs/watsonx-ai
"""

from collections.abc import Iterator
from dataclasses import replace

import orjson

from extproc.demo.answers import Answer, Question, tokens_of, vector
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

_WHEN = "2023-11-14T22:13:20.000Z"
_PLACE = r"/ml/v1/(?:deployments/(?P<model>[^/]+)/)?text"
_ERRORS = {
    401: "authentication_token_not_valid",
    403: "authorization_rejected",
    404: "model_not_supported",
    429: "rate_limit_reached_requests",
    503: "service_unavailable",
}


def error(status: int, message: str) -> Body:
    """watsonx's error body."""
    usual = "internal_error" if status >= 500 else "invalid_request_entity"
    errors = [{"code": _ERRORS.get(status, usual), "message": message}]
    return json_body({"errors": errors, "trace": "demo", "status_code": status})


FAILURE = Event(error(500, "An unexpected error occurred.").data, name="error")


def _admit(asked: Asked) -> None:
    needs_bearer(asked)
    if not asked.request.query.get("version"):
        raise Refused(400, "Missing required query parameter 'version'")


def _model(asked: Asked) -> str:
    """That of the deployment in the path, else `model_id`, which wants an owner."""
    if asked.part.get("model"):
        return asked.part["model"]
    needed(asked.body, "model_id")
    if not asked.body.get("project_id") and not asked.body.get("space_id"):
        raise Refused(400, "Either a project_id or space_id must be specified")
    return str(asked.body["model_id"])


def _ask(asked: Asked, *, stream: bool) -> Question:
    body = asked.body
    needed(body, "messages")
    choice = body.get("tool_choice") or body.get("tool_choice_option")
    plain = replace(asked, body={**body, "tool_choice": choice})
    return replace(openai.ask_chat(plain), body=body, model=_model(asked), stream=stream)


def _told(answer: Answer, choices: list[Json]) -> Json:
    model = answer.question.model
    head = {"id": answer.id, "model_id": model, "model": model, "choices": choices}
    return head | {"created": 1_700_000_000, "created_at": _WHEN} | answer.padded()


def _whole(answer: Answer) -> Body:
    choices = openai.chat(answer)["choices"]
    return json_body(_told(answer, choices) | answer.counted("usage", openai.usage(answer)))


def _events(answer: Answer) -> Iterator[Event]:
    def event(choices: list[Json], tokens: int = 0, **more: Json) -> Event:
        return Event(orjson.dumps(_told(answer, choices) | more), tokens, "message")

    for index in range(answer.question.choices):
        for said, tokens in openai.chat_deltas(answer):
            yield event([{"index": index, "finish_reason": None, **said}], tokens)
        finish = openai.FINISH[answer.finish]
        last = event([{"index": index, "finish_reason": finish, "delta": {"content": ""}}])
        yield replace(last, ends=index == answer.question.choices - 1)
    yield event([], **answer.counted("usage", openai.usage(answer)))


def _ask_vectors(asked: Asked) -> Question:
    needed(asked.body, "inputs")
    return Question(
        id=asked.number,
        body=asked.body,
        model=_model(asked),
        prompt_tokens=tokens_of(asked.body["inputs"]),
        generates=False,
    )


def _vectors(answer: Answer) -> Body:
    rows = [{"embedding": vector(text)} for text in answer.question.body["inputs"]]
    told: Json = {"model_id": answer.question.model, "created_at": _WHEN, "results": rows}
    return json_body(told | {"input_token_count": answer.prompt})


VOICE = Voice(
    "watsonx",
    (
        Endpoint(f"{_PLACE}/chat", lambda asked: _ask(asked, stream=False), _whole),
        Endpoint(
            f"{_PLACE}/chat_stream",
            lambda asked: _ask(asked, stream=True),
            _whole,
            _events,
            failure=FAILURE,
        ),
        Endpoint(f"{_PLACE}/embeddings", _ask_vectors, _vectors),
    ),
    error,
    _admit,
)

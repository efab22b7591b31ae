"""Replicate: predictions, finished while one waits or asked for later.

https://replicate.com/docs/reference/http
"""

from extproc.demo.answers import Answer, Question, tokens_of
from extproc.demo.request import Json
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    Voice,
    integer,
    json_body,
    needed,
    needs_bearer,
)

_WHEN = "2023-11-14T22:13:20.000Z"
_API = "https://api.replicate.com/v1"


def error(status: int, message: str) -> Body:
    """Replicate's error body."""
    return json_body({"title": "Failed", "detail": message, "status": status})


def _ask(asked: Asked) -> Question:
    needed(asked.body, "input")
    given = asked.body["input"]
    model = asked.part.get("model") or str(asked.body.get("version", ""))
    if not model:
        raise Refused(422, "version is required")
    prompts = [given.get(name) for name in ("system_prompt", "prompt")]
    waits = asked.headers.get("prefer", "").startswith("wait")
    return Question(
        id=asked.number,
        body={**asked.body, "waits": waits},
        model=model,
        prompt_tokens=tokens_of(prompts),
        limit=integer(given.get("max_tokens")),
    )


def _prediction(answer: Answer, status: str) -> Json:
    at = f"{_API}/predictions/{answer.id}"
    return {
        "id": answer.id,
        "model": answer.question.model,
        "version": "hidden",
        "input": answer.question.body["input"],
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": _WHEN,
        "urls": {"cancel": f"{at}/cancel", "get": at},
    } | answer.padded()


def _finished(answer: Answer) -> Body:
    counts = {"input_token_count": answer.prompt, "output_token_count": answer.completion}
    counted: Json = answer.counted("counts", counts).get("counts", {})
    more = {
        "output": answer.pieces,
        "completed_at": _WHEN,
        "metrics": {"predict_time": 0.1} | counted,
    }
    return json_body(_prediction(answer, "succeeded") | more)


def _made(answer: Answer) -> Body:
    waits = answer.question.body["waits"]
    return _finished(answer) if waits else json_body(_prediction(answer, "starting"))


def _again(asked: Asked) -> Answer:
    if asked.part["id"] not in asked.kept:
        raise Refused(404, "Not found.")
    return asked.kept[asked.part["id"]]


VOICE = Voice(
    "replicate",
    (
        Endpoint(
            r"/(?:models|deployments)/(?P<model>[^/]+/[^/]+)/predictions",
            _ask,
            _made,
            status=201,
            keeps=True,
        ),
        Endpoint("/predictions", _ask, _made, status=201, keeps=True),
        Endpoint("/predictions/(?P<id>[^/]+)", _again, _finished, method="GET", bare=True),
    ),
    error,
    needs_bearer,
)

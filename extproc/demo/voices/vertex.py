"""Vertex AI: Gemini and Claude by project and location, and embeddings by `:predict`.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from extproc.demo.answers import Answer, Question, objects, tokens_of, vector
from extproc.demo.voices import anthropic, gemini
from extproc.demo.voices.base import (
    Asked,
    Body,
    Endpoint,
    Refused,
    Voice,
    bearer,
    json_body,
    needed,
)

_AT = r"/projects/[^/]+/locations/[^/]+/publishers"
_GOOGLE = rf"{_AT}/google/models/(?P<model>[^/:]+)"
_CLAUDE = rf"{_AT}/anthropic/models/(?P<model>[^/:]+)"


def _admit(asked: Asked) -> None:
    if bearer(asked) is None:
        raise Refused(401, "Request is missing required authentication credential.")


def _ask_claude(asked: Asked) -> Question:
    needed(asked.body, "anthropic_version", "max_tokens", "messages")
    if "model" in asked.body:
        raise Refused(400, "model: Extra inputs are not permitted")
    return anthropic.question(asked, asked.part["model"], stream=bool(asked.body.get("stream")))


def _ask_claude_count(asked: Asked) -> Question:
    needed(asked.body, "model", "messages")
    return anthropic.question(asked, str(asked.body["model"]), stream=False)


def _ask_vectors(asked: Asked) -> Question:
    texts = [one["content"] for one in objects(asked.body["instances"])]
    tokens = tokens_of(texts)
    return Question(id=asked.number, body=asked.body, prompt_tokens=tokens, generates=False)


def _vectors(answer: Answer) -> Body:
    body = answer.question.body
    size = (body.get("parameters") or {}).get("outputDimensionality")
    rows, characters = [], 0
    for one in objects(body["instances"]):
        text = one["content"]
        characters += len(text.replace(" ", ""))
        counts = {"truncated": False, "token_count": tokens_of(text)}
        rows.append({"embeddings": {"values": vector(text, size), "statistics": counts}})
    return json_body({"predictions": rows, "metadata": {"billableCharacterCount": characters}})


VOICE = Voice(
    "vertex",
    (
        *gemini.endpoints(_GOOGLE),
        Endpoint(f"{_GOOGLE}:predict", _ask_vectors, _vectors),
        Endpoint(
            f"{_AT}/anthropic/models/count-tokens:rawPredict",
            _ask_claude_count,
            anthropic.counted,
        ),
        anthropic.endpoint(f"{_CLAUDE}:(?:rawPredict|streamRawPredict)", _ask_claude),
    ),
    gemini.error,
    _admit,
)

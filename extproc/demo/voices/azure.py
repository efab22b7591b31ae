"""Azure OpenAI: OpenAI's endpoints below a deployment or `/openai/v1`, and Azure AI's `/models`.

https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from collections.abc import Iterator
from dataclasses import replace

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
    bearer,
    json_body,
)
from extproc.demo.voices.media import MEDIA
from extproc.demo.voices.responses import RESPONSES

_SAFE: Json = {
    name: {"filtered": False, "severity": "safe"}
    for name in ("hate", "self_harm", "sexual", "violence")
}
_PROMPT = [{"prompt_index": 0, "content_filter_results": _SAFE}]


def error(status: int, message: str) -> Body:
    """Azure's own refusals tell their status as the code."""
    return json_body({"error": {"code": str(status), "message": message}})


def _admit(asked: Asked) -> None:
    if not asked.headers.get("api-key") and bearer(asked) is None:
        message = "Access denied due to invalid subscription key or wrong API endpoint."
        raise Refused(401, message)
    dated = "/openai/v1/" not in asked.request.path
    if dated and not asked.request.query.get("api-version"):
        raise Refused(404, "Resource not found")


def _deployed(endpoint: Endpoint) -> Endpoint:
    """The endpoint of one deployment, which the path names and not the body."""

    def ask(asked: Asked) -> Question | Answer:
        said = endpoint.ask(asked)
        assert isinstance(said, Question)
        return replace(said, model=asked.part["model"])

    return replace(endpoint, path=f"/openai/deployments/(?P<model>[^/]+){endpoint.path}", ask=ask)


def _filtered(answer: Answer) -> Body:
    """A chat completion with what the content filter says of it."""
    told = openai.chat(answer)
    choices = [choice | {"content_filter_results": _SAFE} for choice in told["choices"]]
    return json_body(told | {"choices": choices, "prompt_filter_results": _PROMPT})


def _filtered_events(answer: Answer) -> Iterator[Event]:
    """Before all else a chunk without choices, about the prompt."""
    empty = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    yield Event(orjson.dumps(empty | {"prompt_filter_results": _PROMPT}))
    assert openai.CHAT.events is not None
    yield from openai.CHAT.events(answer)


_CHAT = replace(openai.CHAT, whole=_filtered, events=_filtered_events)
_BELOW = (_CHAT, openai.COMPLETIONS, openai.EMBEDDINGS, *MEDIA)
_MODELS = (openai.CHAT, openai.EMBEDDINGS)
VOICE = Voice(
    "azure",
    (
        *(_deployed(endpoint) for endpoint in _BELOW),
        *(replace(e, path=f"/openai/v1{e.path}") for e in (*_BELOW, *RESPONSES)),
        *(replace(e, path=f"/models{e.path}") for e in _MODELS),
    ),
    error,
    _admit,
)

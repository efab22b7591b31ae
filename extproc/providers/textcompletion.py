"""OpenAI's older completions, spoken over chat: the prompt is what the user says.

https://platform.openai.com/docs/api-reference/completions
"""

from typing import Any

from extproc.domain.call import Json
from extproc.errors import UnsupportedParams
from extproc.providers.answers import content_text, count, objects, record, text
from extproc.providers.base import Request
from extproc.providers.bridge import Bridge
from extproc.providers.chat import wrong
from extproc.providers.openai import unstream_text

_LACKING: dict[str, tuple[Any, ...]] = {
    "suffix": ("",),
    "echo": (False,),
    "best_of": (1,),
    "logprobs": (),
}
"""What chat has no word for, and the values that ask for nothing."""


def request(asked: Request) -> Json:
    """The chat body. Raises InvalidRequest for a prompt that is not one text."""
    body = {name: value for name, value in asked.body.items() if value is not None}
    refused = [name for name, neutral in _LACKING.items() if body.get(name) not in (None, *neutral)]
    if refused and not asked.drop_params:
        raise UnsupportedParams(asked.deployment.provider, asked.deployment.model, refused)
    prompt = body.pop("prompt", None)
    if isinstance(prompt, list) and len(prompt) == 1:
        [prompt] = prompt
    if not isinstance(prompt, str):
        raise wrong("prompt", "one string, as this model takes no token numbers and one prompt")
    kept = {name: value for name, value in body.items() if name not in _LACKING}
    if "max_tokens" in kept:
        kept.setdefault("max_completion_tokens", kept.pop("max_tokens"))
    return {**kept, "messages": [{"role": "user", "content": prompt}]}


def response(body: Json, asked: Request) -> Json:
    choices = [
        _choice(choice, record(choice.get("message")), place)
        for place, choice in enumerate(objects(body.get("choices")))
    ]
    return {**body, "object": "text_completion", "choices": choices}


def _choice(choice: Json, said: Json, place: int) -> Json:
    index, whole = count(choice.get("index")), content_text(said.get("content"))
    return {
        "text": whole or text(said.get("refusal")),
        "index": place if index is None else index,
        "logprobs": None,
        "finish_reason": choice.get("finish_reason"),
    }


class Events:
    """A chat stream's chunks as `text_completion`s: those that say or end something."""

    def __init__(self, asked: Request) -> None:
        pass

    def feed(self, chunk: Json) -> list[Json]:
        choices = [
            _choice(choice, record(choice.get("delta")), place)
            for place, choice in enumerate(objects(chunk.get("choices")))
        ]
        saying = [choice for choice in choices if choice["text"] or choice["finish_reason"]]
        if not saying and not chunk.get("usage"):
            return []
        return [{**chunk, "object": "text_completion", "choices": saying}]

    def finish(self) -> list[Json]:
        return []


FIELDS = {"messages": "prompt", "max_completion_tokens": "max_tokens"}

BRIDGE = Bridge(request, response, Events, unstream_text, fields=FIELDS)

"""OpenAI's format with answers whose content comes in parts: text, and thoughts among it.

Mistral's and Databricks' differ in how a thought is written; all else is said here once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers, openai
from extproc.providers.base import Incoming, Request, Wrapping
from extproc.providers.failures import provider_error
from extproc.providers.frames import Frame

Thought = Callable[[Json], list[Json]]
"""The thinking blocks that a part holds; none for a part that is no thought."""

FINISH: Mapping[str, str] = {"model_length": "length"}


def message(found: Json, thought: Thought) -> Json:
    """A message or a delta with its content as text, and its thoughts where ours belong."""
    plain = {name: value for name, value in found.items() if value is not None}
    if calls := answers.objects(found.get("tool_calls")):
        plain["tool_calls"] = [_call(call) for call in calls]
    else:
        plain.pop("tool_calls", None)
    content = found.get("content")
    if not isinstance(content, list):
        return plain if "content" in plain or "role" not in found else {**plain, "content": None}
    parts = answers.objects(content)
    plain["content"] = "".join(answers.text(part.get("text")) for part in parts) or None
    if blocks := [block for part in parts for block in thought(part)]:
        plain["thinking_blocks"] = blocks
        if said := "".join(answers.text(block.get("thinking")) for block in blocks):
            plain["reasoning_content"] = said
    return plain


def _call(call: Json) -> Json:
    """Arguments are text in OpenAI's format, also where they came as an object."""
    function = answers.record(call.get("function"))
    given = function.get("arguments")
    text = answers.arguments(given) if isinstance(given, dict) else given
    return {"type": "function", **call, "function": {**function, "arguments": text}}


def response(body: Json, request: Request, thought: Thought) -> Incoming:
    """A whole answer. Raises ProviderError for a choice that ended by a failure."""
    choices = [
        {
            **choice,
            "message": message(answers.record(choice.get("message")), thought),
            "finish_reason": _finish(choice.get("finish_reason"), request),
        }
        for choice in answers.objects(body.get("choices"))
    ]
    return openai.chosen({**body, "choices": choices}, request)


def _finish(reason: Any, request: Request) -> Any:
    if reason == "error":
        body = b'{"message": "the generation failed"}'
        raise provider_error(500, {}, body, request.deployment)
    return FINISH.get(reason, reason) if isinstance(reason, str) else reason


class Chunks(Wrapping):
    """A stream of such answers."""

    def __init__(self, request: Request, thought: Thought) -> None:
        super().__init__(openai.Chunks(request))
        self._request = request
        self._thought = thought
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return self._inner.text + "".join(self._parts)

    def feed(self, frame: Frame) -> list[Json]:
        chunks = [self._plain(chunk) for chunk in self._inner.feed(frame)]
        return [chunk for chunk in chunks if chunk["choices"] or chunk.get("usage")]

    def _plain(self, chunk: Json) -> Json:
        choices = answers.objects(chunk.get("choices"))
        chunk["choices"] = choices
        for choice in choices:
            raw = answers.record(choice.get("delta"))
            choice["delta"] = delta = message(raw, self._thought)
            if isinstance(raw.get("content"), list):
                found = (delta.get("reasoning_content"), delta.get("content"))
                self._parts += [answers.text(part) for part in found]
                if delta.get("content") is None:
                    del delta["content"]
            choice["finish_reason"] = _finish(choice.get("finish_reason"), self._request)
        return chunk

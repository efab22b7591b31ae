"""OpenAI's own format, spoken by many: a request passes with the deployment's model name.

Unknown fields are not touched in either direction.
https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Callable
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.numbers import whole_number
from extproc.domain.usage import Usage
from extproc.providers.base import Incoming, Outgoing, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.profiles import PROFILES, Profile
from extproc.providers.sse import SSEEvent

DONE = b"[DONE]"
MOST_TOKENS = 2**31


def _request(path: str) -> Callable[[Json, Deployment], Outgoing]:
    def request(body: Json, deployment: Deployment) -> Outgoing:
        outgoing = {**deployment.extra_body, **body, "model": deployment.model}
        profile = PROFILES.get(deployment.provider)
        if profile is not None and (profile.rename or profile.drop):
            outgoing = _adapted(outgoing, profile)
        return Outgoing(path, outgoing)

    return request


def _adapted(body: Json, profile: Profile) -> Json:
    """The provider's own names; one that the client wrote itself is not overwritten."""
    renamed = {
        theirs: body[ours]
        for ours, theirs in profile.rename.items()
        if ours in body and theirs not in body
    }
    gone = profile.drop | profile.rename.keys()
    return {**{name: value for name, value in body.items() if name not in gone}, **renamed}


def usage(raw: Any) -> Usage | None:
    """OpenAI's usage object; its counts are inclusive, as ours are. None when it says nothing.

    Some providers count thinking in the total alone, some state nothing but the total: what the
    total holds beyond the prompt was produced. https://docs.x.ai/docs/guides/reasoning
    """
    if not isinstance(raw, dict) or not _count(raw.get("total_tokens"), raw.get("prompt_tokens")):
        return None
    prompt = _details(raw.get("prompt_tokens_details"))
    completion = _details(raw.get("completion_tokens_details"))
    stated, total = _count(raw.get("prompt_tokens")), _count(raw.get("total_tokens"))
    produced = _count(raw.get("completion_tokens"))
    whole_prompt = stated or max(0, total - produced)
    return Usage(
        input=whole_prompt,
        output=max(produced, total - whole_prompt),
        cached=_count(prompt.get("cached_tokens"), raw.get("prompt_cache_hit_tokens")),
        cache_written=_count(prompt.get("cache_creation_tokens")),
        reasoning=_count(completion.get("reasoning_tokens")),
        audio_input=_count(prompt.get("audio_tokens")),
        audio_output=_count(completion.get("audio_tokens")),
    )


def _count(*values: Any) -> int:
    """The first that is a count; a null, a string, a negative or an absurd number is none."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_TOKENS:
            return value
    return 0


def _details(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _produced(part: Json) -> list[str]:
    """The text that a message or a delta holds: content, reasoning, refusal, tool arguments."""
    texts = [part.get(name) for name in ("content", "reasoning_content", "reasoning", "refusal")]
    for tool_call in _objects(part.get("tool_calls")):
        function = _details(tool_call.get("function"))
        texts += [function.get("name"), function.get("arguments")]
    return [text for text in texts if isinstance(text, str)]


def response(body: Json) -> Incoming:
    produced: list[str] = []
    for choice in _objects(body.get("choices")):
        produced += _produced(_details(choice.get("message")))
        if isinstance(choice.get("text"), str):
            produced.append(choice["text"])
    return Incoming(body, usage(body.get("usage")), "".join(produced))


class Chunks:
    """A stream of `chat.completion.chunk` or `text_completion` objects, ended by [DONE]."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._text: list[str] = []
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def feed(self, event: SSEEvent) -> list[Json]:
        if self.done:
            return []
        if event.data.strip() == DONE:
            self.done = True
            return []
        try:
            chunk = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            raise unusable_answer("an event of the stream is not JSON", self._deployment) from None
        if not isinstance(chunk, dict):
            raise unusable_answer("an event of the stream is not an object", self._deployment)
        if chunk.get("error"):
            raise provider_error(_error_status(chunk), {}, event.data, self._deployment)
        self.usage = usage(chunk.get("usage")) or self.usage
        for choice in _objects(chunk.get("choices")):
            self._text += _produced(_details(choice.get("delta")))
            if isinstance(choice.get("text"), str):
                self._text.append(choice["text"])
        return [chunk]


def _error_status(chunk: Json) -> int:
    """The status an in-band error names in its code, else 500."""
    code = _details(chunk["error"]).get("code")
    status = whole_number(str(code)) or 0
    return status if 400 <= status <= 599 else 500


def unstream_chat(body: Json) -> list[Json]:
    """A `chat.completion` as chunks: each choice whole, then its finish reason, then usage."""
    head = {
        **{k: v for k, v in body.items() if k not in ("choices", "usage", "object")},
        "object": "chat.completion.chunk",
    }
    chunks: list[Json] = []
    for choice in _objects(body.get("choices")):
        index = choice.get("index", 0)
        delta = {k: v for k, v in _details(choice.get("message")).items() if v is not None}
        if calls := _objects(delta.get("tool_calls")):
            delta["tool_calls"] = [{"index": n, **call} for n, call in enumerate(calls)]
        end = {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}
        first = {"index": index, "delta": delta, "finish_reason": None}
        chunks += [{**head, "choices": [first]}, {**head, "choices": [end]}]
    return [*chunks, {**head, "choices": [], "usage": body.get("usage")}]


def unstream_text(body: Json) -> list[Json]:
    """A `text_completion` as chunks: the whole, then usage."""
    head = {k: v for k, v in body.items() if k not in ("choices", "usage")}
    choices = {**head, "choices": body.get("choices") or []}
    return [choices, {**head, "choices": [], "usage": body.get("usage")}]


CHAT = Translator(_request("/chat/completions"), response, Chunks, unstream_chat, provider_error)
COMPLETIONS = Translator(_request("/completions"), response, Chunks, unstream_text, provider_error)
EMBEDDINGS = Translator(_request("/embeddings"), response, Chunks, unstream_text, provider_error)

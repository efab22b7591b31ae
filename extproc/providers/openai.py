"""OpenAI's own format, spoken by many: a request passes with the deployment's model name.

Unknown fields are not touched in either direction.
https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.numbers import whole_number
from extproc.domain.usage import Usage, nanousd
from extproc.errors import UnsupportedParams
from extproc.providers import chat
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame
from extproc.providers.profile import Profile
from extproc.providers.profiles import PROFILES

DONE = b"[DONE]"
MOST_TOKENS = 2**31


def _request(path: str) -> Callable[[Request], Outgoing]:
    def request(request: Request) -> Outgoing:
        deployment = request.deployment
        body = {**request.body, "model": deployment.model}
        profile = PROFILES.get(deployment.provider)
        if profile is not None and (profile.rename or profile.lacks):
            body = _adapted(body, profile, request)
        return Outgoing(path, body)

    return request


def _adapted(body: Json, profile: Profile, request: Request) -> Json:
    """The provider's own names; one that the client wrote itself is not overwritten.

    Raises UnsupportedParams for what it lacks, unless that may be left out.
    """
    lacking = sorted(profile.lacks & body.keys() - request.allowed)
    needed = [name for name in lacking if name not in request.optional]
    refused = [name for name in needed if not chat.is_neutral(name, body[name])]
    if refused and not request.drop_params:
        raise UnsupportedParams(profile.name, request.deployment.model, refused)
    renamed = {
        theirs: body[ours]
        for ours, theirs in profile.rename.items()
        if ours in body and theirs not in body
    }
    gone = profile.rename.keys() | set(lacking)
    return {**{name: value for name, value in body.items() if name not in gone}, **renamed}


def _dollars(*path: str) -> Callable[[Json], Any]:
    """Reads a number of USD at a path in the usage object."""

    def read(raw: Json) -> Any:
        found: Any = raw
        for name in path:
            found = _details(found).get(name)
        return found

    return read


def _ticks(raw: Json) -> Any:
    """xAI counts in 10^-10 USD."""
    ticks = raw.get("cost_in_usd_ticks")
    return ticks / 10_000_000_000 if isinstance(ticks, int) else None


STATED_COSTS: Mapping[str, Callable[[Json], Any]] = {
    "openrouter": _dollars("cost"),
    "perplexity": _dollars("cost", "total_cost"),
    "xai": _ticks,
}
"""Providers whose usage says what the call cost, in USD.
https://openrouter.ai/docs/use-cases/usage-accounting, https://docs.perplexity.ai/api-reference,
https://docs.x.ai/docs/api-reference"""
MOST_USD = 10_000


def _stated(raw: Json, provider: str) -> int | None:
    read = STATED_COSTS.get(provider)
    cost = read(raw) if read else None
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost <= MOST_USD:
        return None
    return nanousd(Decimal(str(cost)))


def usage(raw: Any, provider: str = "") -> Usage | None:
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
        stated_nanousd=_stated(raw, provider),
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


def response(body: Json, request: Request) -> Incoming:
    if body.get("error"):
        raise provider_error(500, {}, orjson.dumps(body), request.deployment)
    produced: list[str] = []
    for choice in _objects(body.get("choices")):
        produced += _produced(_details(choice.get("message")))
        if isinstance(choice.get("text"), str):
            produced.append(choice["text"])
    used = usage(body.get("usage"), request.deployment.provider)
    return Incoming(body, used, "".join(produced))


class Chunks:
    """A stream of `chat.completion.chunk` or `text_completion` objects, ended by [DONE]."""

    def __init__(self, request: Request) -> None:
        self._deployment = request.deployment
        self._text: list[str] = []
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def finish(self) -> list[Json]:
        """Nothing but [DONE] ends this stream."""
        return []

    def feed(self, frame: Frame) -> list[Json]:
        if self.done:
            return []
        if frame.data.strip() == DONE:
            self.done = True
            return []
        try:
            chunk = orjson.loads(frame.data)
        except orjson.JSONDecodeError:
            raise unusable_answer("an event of the stream is not JSON", self._deployment) from None
        if not isinstance(chunk, dict):
            raise unusable_answer("an event of the stream is not an object", self._deployment)
        if chunk.get("error"):
            raise provider_error(_error_status(chunk), {}, frame.data, self._deployment)
        self.usage = usage(chunk.get("usage"), self._deployment.provider) or self.usage
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


def unstream_chat(body: Json, request: Request) -> list[Json]:
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


def unstream_text(body: Json, request: Request) -> list[Json]:
    """A `text_completion` as chunks: the whole, then usage."""
    head = {k: v for k, v in body.items() if k not in ("choices", "usage")}
    choices = {**head, "choices": body.get("choices") or []}
    return [choices, {**head, "choices": [], "usage": body.get("usage")}]


CHAT = Translator(_request("/chat/completions"), response, Chunks, unstream_chat, provider_error)
COMPLETIONS = Translator(_request("/completions"), response, Chunks, unstream_text, provider_error)
EMBEDDINGS = Translator(_request("/embeddings"), response, Chunks, unstream_text, provider_error)

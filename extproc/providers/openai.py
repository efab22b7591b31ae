"""OpenAI's own format, spoken by many: a request passes with the deployment's model name.

Unknown fields are not touched in either direction.
https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.numbers import whole_number
from extproc.domain.usage import Usage, nanousd
from extproc.providers import chat, choices, lenient
from extproc.providers.answers import MOST, objects, record, text
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame
from extproc.providers.profile import Profile
from extproc.providers.profiles import PROFILES
from extproc.providers.strict import strict

DONE = b"[DONE]"
ROUTER = "router.huggingface.co"
THOUGHTS, ALSO_THOUGHTS = "reasoning_content", "reasoning"
"""What clients read a model's thoughts from, and what many servers of open models call it.
https://console.groq.com/docs/reasoning, https://docs.vllm.ai/en/latest/features/reasoning_outputs"""
DEVELOPERS = frozenset({"openai", "azure", "litellm_proxy"})
"""Providers that know the role `developer`; many others refuse it.
https://platform.openai.com/docs/guides/text#message-roles-and-instruction-following"""
HEAD = ("id", "object", "created", "model", "system_fingerprint")
"""What every chunk of a stream repeats."""


def _request(path: str) -> Callable[[Request], Outgoing]:
    def request(request: Request) -> Outgoing:
        deployment = request.deployment
        body = {**request.body, "model": _named(deployment)}
        profile = PROFILES.get(deployment.provider)
        if profile is not None and (profile.rename or profile.lacks):
            body = _adapted(body, profile, request)
        for change in _changes(profile, deployment):
            body = _with_messages(body, change)
        return Outgoing(path, body)

    return request


def _chat(request: Request) -> Outgoing:
    outgoing = _request("/chat/completions")(request)
    return Outgoing(outgoing.path, strict(outgoing.body, request))


def _named(deployment: Deployment) -> str:
    """The model; Hugging Face's router reads at its end who serves it, LiteLLM at its beginning.

    https://huggingface.co/docs/inference-providers
    """
    host, _, model = deployment.model.partition("/")
    routed = deployment.upstream.host == ROUTER and "/" in model
    return f"{model}:{host}" if routed else deployment.model


def _adapted(body: Json, profile: Profile, request: Request) -> Json:
    """The provider's own names; one that the client wrote itself is not overwritten.

    Raises UnsupportedParams for what it lacks, unless that may be left out.
    """
    lacking = sorted(profile.lacks & body.keys() - request.allowed)
    chat.refuse(request, {name: body[name] for name in lacking})
    renamed = {
        theirs: body[ours]
        for ours, theirs in profile.rename.items()
        if ours in body and theirs not in body
    }
    gone = profile.rename.keys() | set(lacking)
    return {**{name: value for name, value in body.items() if name not in gone}, **renamed}


def _changes(profile: Profile | None, deployment: Deployment) -> Iterator[Callable[[Any], Any]]:
    """What happens to the messages."""
    if deployment.provider not in DEVELOPERS:
        yield _from_system
    if profile is not None and profile.thoughts != THOUGHTS:
        yield partial(_renamed, old=THOUGHTS, new=profile.thoughts)
    if profile is not None and profile.plain_text:
        yield _with_plain_text


def _from_system(message: Any) -> Any:
    """A developer's message under the name that every server knows."""
    return {**message, "role": "system"} if record(message).get("role") == "developer" else message


def _with_messages(body: Json, change: Callable[[Any], Any]) -> Json:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [change(message) for message in messages]}


def _with_plain_text(message: Any) -> Any:
    """A message whose parts are all text with a string as its content."""
    content = record(message).get("content")
    if not isinstance(content, list) or any(record(p).get("type") != "text" for p in content):
        return message
    return {**message, "content": "".join(text(part.get("text")) for part in content)}


def _renamed(part: Any, old: str, new: str) -> Any:
    """`part` with a text called `old` under its `new` name, where that is free."""
    if not isinstance(part, dict) or not isinstance(part.get(old), str) or part.get(new):
        return part
    return {(new if name == old else name): value for name, value in part.items() if name != new}


def _dollars(*path: str) -> Callable[[Json], Any]:
    """Reads a number of USD at a path in the usage object."""

    def read(raw: Json) -> Any:
        found: Any = raw
        for name in path:
            found = record(found).get(name)
        return found

    return read


def _ticks(raw: Json) -> Any:
    """xAI counts in 10^-10 USD."""
    ticks = raw.get("cost_in_usd_ticks")
    return ticks / 10_000_000_000 if isinstance(ticks, int) and ticks is not True else None


def _openrouter(raw: Json) -> Any:
    """Where the operator's own provider key is used, the cost is OpenRouter's fee alone."""
    return None if raw.get("is_byok") else raw.get("cost")


STATED_COSTS: Mapping[str, Callable[[Json], Any]] = {
    "openrouter": _openrouter,
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
    prompt = record(raw.get("prompt_tokens_details"))
    completion = record(raw.get("completion_tokens_details"))
    stated, total = _count(raw.get("prompt_tokens")), _count(raw.get("total_tokens"))
    produced = _count(raw.get("completion_tokens"))
    whole_prompt = stated or max(0, total - produced)
    return Usage(
        input=whole_prompt,
        output=max(produced, total - whole_prompt),
        cached=_count(
            prompt.get("cached_tokens"),
            raw.get("prompt_cache_hit_tokens"),  # DeepSeek
            raw.get("cached_tokens"),  # Moonshot
            raw.get("cache_read_input_tokens"),  # Databricks' Claude
        ),
        cache_written=_count(
            prompt.get("cache_write_tokens"),
            prompt.get("cache_creation_tokens"),  # LiteLLM
            raw.get("cache_creation_input_tokens"),  # Databricks' Claude
        ),
        reasoning=_count(completion.get("reasoning_tokens")),
        audio_input=_count(prompt.get("audio_tokens")),
        audio_output=_count(completion.get("audio_tokens")),
        stated_nanousd=_stated(raw, provider),
    )


def _count(*values: Any) -> int:
    """The first that is a count; a null, a string, a negative or an absurd number is none."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST:
            return value
    return 0


def _produced(part: Json) -> list[str]:
    """The text that a message or a delta holds: content, reasoning, refusal, tool arguments."""
    texts = [part.get(name) for name in ("content", "reasoning_content", "reasoning", "refusal")]
    for tool_call in objects(part.get("tool_calls")):
        function = record(tool_call.get("function"))
        texts += [function.get("name"), function.get("arguments")]
    return [each for each in texts if isinstance(each, str)]


def _with_thoughts(answer: Json, part: str) -> Json:
    """An answer, or a chunk of one, whose choices have their thoughts where clients look."""
    found = answer.get("choices")
    if not isinstance(found, list) or not any(
        isinstance(choice, dict) and ALSO_THOUGHTS in record(choice.get(part)) for choice in found
    ):
        return answer
    return {
        **answer,
        "choices": [
            {**choice, part: _renamed(choice.get(part), ALSO_THOUGHTS, THOUGHTS)}
            if isinstance(choice, dict)
            else choice
            for choice in found
        ],
    }


def _usage_of(chunk: Json, pieces: list[Json]) -> Any:
    """Groq and Moonshot state it in members of their own.

    https://console.groq.com/docs/api-reference#chat, https://platform.moonshot.ai/docs/api/chat
    """
    stated = chunk.get("usage") or record(chunk.get("x_groq")).get("usage")
    return stated or next((piece["usage"] for piece in pieces if piece.get("usage")), None)


def chosen(body: Json, request: Request) -> Incoming:
    """An answer that is nothing but its choices: without one there is nothing to read in it."""
    if not body.get("error") and not objects(body.get("choices")):
        raise unusable_answer("the answer has no choices", request.deployment)
    choices.put_right(body, _call_stem(request))
    return response(body, request)


def _call_stem(request: Request) -> str:
    """How the ids of tool calls begin that have none."""
    return f"call_{request.call_id}"


def response(body: Json, request: Request) -> Incoming:
    if body.get("error"):
        raise provider_error(500, {}, orjson.dumps(body), request.deployment)
    body = _with_thoughts(body, "message")
    produced: list[str] = []
    for choice in objects(body.get("choices")):
        produced += _produced(record(choice.get("message")))
        if isinstance(choice.get("text"), str):
            produced.append(choice["text"])
    used = usage(body.get("usage"), request.deployment.provider)
    return Incoming(body, used, "".join(produced))


class Chunks:
    """A stream of `chat.completion.chunk` or `text_completion` objects, ended by [DONE].

    The usage is told once, in a chunk of its own at the end: clients add up what they are told.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._deployment = request.deployment
        self._text: list[str] = []
        self._choices: dict[int, choices.Choice] = {}
        self._last: Json = {}
        self._untold: Any = None
        """The usage, while the client has not seen it."""
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
            return self._ended()
        try:
            chunk = lenient.loads(frame.data)
        except orjson.JSONDecodeError:
            raise unusable_answer("an event of the stream is not JSON", self._deployment) from None
        if not isinstance(chunk, dict):
            raise unusable_answer("an event of the stream is not an object", self._deployment)
        if chunk.get("error") or chunk.get("object") == "error":
            raise provider_error(_error_status(chunk), {}, frame.data, self._deployment)
        self._last = chunk = _with_thoughts(chunk, "delta")
        pieces = objects(chunk.get("choices"))
        self._measure(chunk, pieces)
        for piece in pieces:
            self._take(piece)
        return [chunk]

    def _measure(self, chunk: Json, pieces: list[Json]) -> None:
        stated = _usage_of(chunk, pieces)
        found = usage(stated, self._deployment.provider) if stated else None
        if found is None:
            return
        self.usage, self._untold = found, stated if pieces else None
        for holder in (chunk, *pieces) if pieces else ():
            holder.pop("usage", None)

    def _take(self, piece: Json) -> None:
        if "delta" in piece:
            index = piece.get("index")
            if not isinstance(index, int):
                index = piece["index"] = 0
            if index not in self._choices:
                self._choices[index] = choices.Choice(_call_stem(self._request))
            self._choices[index].put_right(piece)
            self._text += _produced(piece["delta"])
        elif "finish_reason" in piece:
            piece["finish_reason"] = choices.reason(piece["finish_reason"])
        if isinstance(piece.get("text"), str):
            self._text.append(piece["text"])

    def _ended(self) -> list[Json]:
        """What the server did not say: why a choice ended, and the usage in its place."""
        head = {name: self._last[name] for name in HEAD if name in self._last}
        left = [each.end(index) for index, each in self._choices.items() if not each.ended]
        chunks = [{**head, "choices": left}] if left else []
        used = [{**head, "choices": [], "usage": self._untold}] if self._untold else []
        return [*chunks, *used]


def _error_status(chunk: Json) -> int:
    """The status that an in-band error names, else 500. vLLM's older errors are the event."""
    error = record(chunk.get("error")) or chunk
    named = (whole_number(str(error.get(name))) or 0 for name in ("code", "status_code"))
    return next((status for status in named if 400 <= status <= 599), 500)


def unstream_chat(body: Json, request: Request) -> list[Json]:
    """A `chat.completion` as chunks: each choice whole, then its finish reason, then usage."""
    head = {
        **{k: v for k, v in body.items() if k not in ("choices", "usage", "object")},
        "object": "chat.completion.chunk",
    }
    chunks: list[Json] = []
    for choice in objects(body.get("choices")):
        index = choice.get("index", 0)
        delta = {k: v for k, v in record(choice.get("message")).items() if v is not None}
        if calls := objects(delta.get("tool_calls")):
            delta["tool_calls"] = [{"index": n, **call} for n, call in enumerate(calls)]
        end = {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}
        first = {"index": index, "delta": delta, "finish_reason": None}
        chunks += [{**head, "choices": [first]}, {**head, "choices": [end]}]
    return [*chunks, *_used(head, body)]


def _used(head: Json, body: Json) -> list[Json]:
    """The chunk that tells the usage; none where the answer does not."""
    return [{**head, "choices": [], "usage": body["usage"]}] if body.get("usage") else []


def unstream_text(body: Json, request: Request) -> list[Json]:
    """A `text_completion` as chunks: the whole, then usage."""
    head = {k: v for k, v in body.items() if k not in ("choices", "usage")}
    whole = {**head, "choices": body.get("choices") or []}
    return [whole, *_used(head, body)]


CHAT = Translator(_chat, chosen, Chunks, unstream_chat, provider_error)
COMPLETIONS = Translator(_request("/completions"), chosen, Chunks, unstream_text, provider_error)
EMBEDDINGS = Translator(_request("/embeddings"), response, Chunks, unstream_text, provider_error)

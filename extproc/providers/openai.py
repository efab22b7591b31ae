"""OpenAI's own format, spoken by many: a request passes with the deployment's model name.

Unknown fields are not touched in either direction.
https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.numbers import whole_number
from extproc.domain.usage import Usage, nanousd
from extproc.providers import chat, lenient
from extproc.providers.answers import MOST, arguments, objects, record
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame
from extproc.providers.profile import Profile
from extproc.providers.profiles import PROFILES

DONE = b"[DONE]"
ROUTER = "router.huggingface.co"
THOUGHTS, ALSO_THOUGHTS = "reasoning_content", "reasoning"
"""What clients read a model's thoughts from, and what many servers of open models call it.
https://console.groq.com/docs/reasoning, https://docs.vllm.ai/en/latest/features/reasoning_outputs"""

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
OTHER_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_use", "tool_call", "tool_calls"), "tool_calls"),
    **dict.fromkeys(("refusal", "safety", "content_filtered", "error_toxic"), "content_filter"),
    **dict.fromkeys(("prohibited_content", "guardrail_intervened"), "content_filter"),
}
"""Why an answer ended, in the words of other formats, which some servers of OpenAI's keep."""


def _request(path: str) -> Callable[[Request], Outgoing]:
    def request(request: Request) -> Outgoing:
        deployment = request.deployment
        body = {**request.body, "model": _named(deployment)}
        profile = PROFILES.get(deployment.provider)
        if profile is not None and (profile.rename or profile.lacks):
            body = _adapted(body, profile, request)
        if profile is not None and profile.thoughts != THOUGHTS:
            body = _thoughts_as(profile.thoughts, body)
        return Outgoing(path, body)

    return request


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


def _thoughts_as(name: str, body: Json) -> Json:
    """The messages with their thoughts in the member that the provider has for them."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [_renamed(message, THOUGHTS, name) for message in messages]}


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
    return [text for text in texts if isinstance(text, str)]


def _with_thoughts(answer: Json, part: str) -> Json:
    """An answer, or a chunk of one, whose choices have their thoughts where clients look."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not any(
        isinstance(choice, dict) and ALSO_THOUGHTS in record(choice.get(part)) for choice in choices
    ):
        return answer
    return {
        **answer,
        "choices": [
            {**choice, part: _renamed(choice.get(part), ALSO_THOUGHTS, THOUGHTS)}
            if isinstance(choice, dict)
            else choice
            for choice in choices
        ],
    }


def _usage_of(chunk: Json) -> Any:
    """Groq states it in a member of its own. https://console.groq.com/docs/api-reference#chat"""
    return chunk.get("usage") or record(chunk.get("x_groq")).get("usage")


def _reason(said: Any) -> Any:
    """OpenAI's word for why a choice ended; a word that nobody knows passes."""
    if not isinstance(said, str) or said in FINISH_REASONS:
        return said
    return OTHER_REASONS.get(said.lower(), said)


def _with_reasons(answer: Json) -> Json:
    choices = objects(answer.get("choices"))
    reasons = [choice.get("finish_reason") for choice in choices]
    named = [_reason(said) for said in reasons]
    if named == reasons:
        return answer
    pairs = zip(choices, named, strict=True)
    return {**answer, "choices": [{**choice, "finish_reason": said} for choice, said in pairs]}


def _with_calls(answer: Json) -> Json:
    """An answer whose tool calls are why it ended, and have their arguments as text.

    Some servers of open models say `stop`, and write an object.
    https://huggingface.co/docs/text-generation-inference/basic_tutorials/using_guidance
    """
    for choice in objects(answer.get("choices")):
        calls = objects(record(choice.get("message")).get("tool_calls"))
        for function in (record(call.get("function")) for call in calls):
            if isinstance(function.get("arguments"), dict):
                function["arguments"] = arguments(function["arguments"])
        if calls and choice.get("finish_reason") == "stop":
            choice["finish_reason"] = "tool_calls"
    return answer


def chosen(body: Json, request: Request) -> Incoming:
    """An answer that is nothing but its choices: without one there is nothing to read in it."""
    if not body.get("error") and not objects(body.get("choices")):
        raise unusable_answer("the answer has no choices", request.deployment)
    return response(_with_calls(_with_reasons(body)), request)


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
    """A stream of `chat.completion.chunk` or `text_completion` objects, ended by [DONE]."""

    def __init__(self, request: Request) -> None:
        self._deployment = request.deployment
        self._text: list[str] = []
        self._begun: set[int] = set()
        self._calling: set[int] = set()
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
            chunk = lenient.loads(frame.data)
        except orjson.JSONDecodeError:
            raise unusable_answer("an event of the stream is not JSON", self._deployment) from None
        if not isinstance(chunk, dict):
            raise unusable_answer("an event of the stream is not an object", self._deployment)
        if chunk.get("error"):
            raise provider_error(_error_status(chunk), {}, frame.data, self._deployment)
        chunk = _with_thoughts(chunk, "delta")
        self.usage = usage(_usage_of(chunk), self._deployment.provider) or self.usage
        for choice in objects(chunk.get("choices")):
            self._text += _produced(record(choice.get("delta")))
            if isinstance(choice.get("text"), str):
                self._text.append(choice["text"])
            if choice.get("finish_reason") is not None:
                choice["finish_reason"] = _reason(choice["finish_reason"])
            index, delta = choice.get("index", 0), choice.get("delta")
            if isinstance(index, int) and isinstance(delta, dict):
                self._begin(choice, index, delta)
                self._end(choice, index, delta)
        return [chunk]

    def _begin(self, choice: Json, index: int, delta: Json) -> None:
        """A choice's first delta says who speaks: some servers forget it, some say it in each."""
        if index in self._begun:
            if "role" in delta:
                choice["delta"] = {name: value for name, value in delta.items() if name != "role"}
            return
        self._begun.add(index)
        if not delta.get("role"):
            choice["delta"] = {**delta, "role": "assistant"}

    def _end(self, choice: Json, index: int, delta: Json) -> None:
        """A choice that made tool calls ended for them, where its server only says that it did."""
        if objects(delta.get("tool_calls")):
            self._calling.add(index)
        if choice.get("finish_reason") == "stop" and index in self._calling:
            choice["finish_reason"] = "tool_calls"


def _error_status(chunk: Json) -> int:
    """The status an in-band error names in its code, else 500."""
    code = record(chunk["error"]).get("code")
    status = whole_number(str(code)) or 0
    return status if 400 <= status <= 599 else 500


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
    choices = {**head, "choices": body.get("choices") or []}
    return [choices, *_used(head, body)]


CHAT = Translator(_request("/chat/completions"), chosen, Chunks, unstream_chat, provider_error)
COMPLETIONS = Translator(_request("/completions"), chosen, Chunks, unstream_text, provider_error)
EMBEDDINGS = Translator(_request("/embeddings"), response, Chunks, unstream_text, provider_error)

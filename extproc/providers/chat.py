"""OpenAI's chat format as the hub: read with care, written in one place.

Every provider format of its own translates to and from it, and every client format can be spoken
over it. What OpenAI's format has no word for travels in these members, and is kept both ways:

    message.reasoning_content   the thoughts as text
    message.thinking_blocks     [{type: thinking, thinking, signature}], [{type: redacted_thinking,
                                data}]
    message.annotations         [{type: url_citation, url_citation: {url, title, start_index, …}}]
    message.is_error            true on a tool's result that failed
    part.cache_control          on a content part, a message or a tool: {type: ephemeral, ttl?}
    tool_call.provider_specific_fields.thought_signature, and `{id}__thought__{signature}` as its id
"""

from collections.abc import Mapping
from string import ascii_letters, digits
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers.base import Request

PARAMS = frozenset(
    {"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"}
    | {"max_completion_tokens", "max_tokens", "metadata", "modalities", "moderation", "n"}
    | {"parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"}
    | {"prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "response_format"}
    | {"safety_identifier"}
    | {"seed", "service_tier", "stop", "store", "temperature", "tool_choice", "tools"}
    | {"top_logprobs", "top_p", "user", "verbosity", "web_search_options"}
)
"""What OpenAI's chat takes beside model, messages and the stream.
https://platform.openai.com/docs/api-reference/chat/create"""

FRAMING = frozenset({"model", "messages", "stream", "stream_options"})

NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "parallel_tool_calls": (True,),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "tool_choice": ("auto",),
    "verbosity": ("medium",),
    "tools": ([],),
    "functions": ([],),
    "stop": ([],),
}
"""Values that ask for nothing but what every provider does anyway."""

QUIET = frozenset(
    {"metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
    | {"safety_identifier", "service_tier", "store", "user"}
)
"""Parameters that label a request, or say how it is kept or queued: the answer is the same without
them, so they are left out where there is no word for them, and refused nowhere."""

DEEPEST = 200
"""How deep a tool call's arguments may be nested: orjson writes 254 levels, and some are ours."""

BASE64 = (ascii_letters + digits + "+/").encode()

SIGNED_ID = "__thought__"
"""Between a call's id and the signature of the thought that led to it."""

JSON_TOOL = "json_tool_call"
"""The forced tool that stands for `response_format` where the provider knows no schema."""

THINKING_TOKENS: Mapping[str, int] = {
    "minimal": 128,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
"""LiteLLM's thinking budgets for `reasoning_effort`; `none` has no budget, it switches off."""
EFFORTS = ("none", *THINKING_TOKENS)


def given(request: Request, supported: frozenset[str]) -> Json:
    """The body's members that say something: without null, and without what the provider lacks.

    `supported` names OpenAI's parameters that the translator knows what to do with. Members that
    are not OpenAI's pass. Raises UnsupportedParams for the lacking, unless they may be dropped;
    those that are QUIET, neutral or optional go without a word.
    """
    body = {name: value for name, value in request.body.items() if value is not None}
    lacking = [name for name in body if _lacks(request, supported, name)]
    refuse(request, {name: body[name] for name in lacking})
    return {name: value for name, value in body.items() if name not in lacking}


def refuse(request: Request, lacking: Json, rather: str | None = None) -> None:
    """Raises UnsupportedParams for parameters that the provider lacks and that would be missed.

    `rather` is the advice where `allowed_openai_params` would not send them.
    """
    spared = QUIET | request.optional
    missed = [n for n, value in lacking.items() if n not in spared and not is_neutral(n, value)]
    if missed and not request.drop_params:
        deployment = request.deployment
        raise UnsupportedParams(deployment.provider, deployment.model, missed, rather)


def is_neutral(name: str, value: Any) -> bool:
    """Whether a parameter asks for nothing but what every provider does anyway."""
    return value is None or value in NEUTRAL.get(name, ())


def _lacks(request: Request, supported: frozenset[str], name: str) -> bool:
    return name in PARAMS and name not in supported and name not in request.allowed


def extras(request: Request, body: Json) -> Json:
    """Members that OpenAI's chat does not have (and `allowed` ones): the provider's own."""
    known = (PARAMS - request.allowed) | FRAMING
    return {name: value for name, value in body.items() if name not in known}


def messages(body: Json) -> list[Json]:
    """The messages, each an object with a role. Raises InvalidRequest."""
    value = body.get("messages")
    if not isinstance(value, list):
        raise wrong("messages", "an array")
    for place, message in enumerate(value):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise wrong(f"messages[{place}]", "an object with a role")
    return value


def parts(content: Any, where: str) -> list[Json]:
    """A message's content as typed parts: a string is one text part, nothing is none."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise wrong(where, "a string or an array of parts")
    for place, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise wrong(f"{where}[{place}]", "an object with a type")
    return content


def text_of(content: Any, where: str) -> str:
    """The text of a content that can only be text. Raises InvalidRequest for any other part."""
    texts = []
    for place, part in enumerate(parts(content, where)):
        if part["type"] != "text":
            raise unsupported_part(f"{where}[{place}]", part)
        texts.append(string(part, "text", f"{where}[{place}]"))
    return "".join(texts)


def string(value: Json, name: str, where: str) -> str:
    """A member that must be a string."""
    found = value.get(name)
    if not isinstance(found, str):
        raise wrong(f"{where}.{name}", "a string")
    return found


def member(value: Json, name: str, where: str) -> Json:
    """A member that must be an object; `where` is empty for one of the body itself."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise wrong(f"{where}.{name}" if where else name, "an object")
    return found


def listed(value: Json, name: str, where: str) -> list[Json]:
    """A member that may be missing, else must be an array of objects."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise wrong(f"{where}.{name}" if where else name, "an array of objects")
    return found


def arguments(text: Any, where: str) -> Json:
    """A tool call's arguments, which are JSON in a string, as the object they hold."""
    if text in (None, ""):
        return {}
    try:
        parsed = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        raise wrong(where, "JSON in a string") from None
    if not isinstance(parsed, dict):
        raise wrong(where, "a JSON object in a string")
    if not isinstance(text, str) or text.count("{") + text.count("[") > DEEPEST:
        _check_depth(parsed, where)
    return parsed


def _check_depth(value: Any, where: str) -> None:
    level = [value]
    for _ in range(DEEPEST):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise wrong(where, "JSON that is not nested so deeply")


def data_url(url: str, where: str) -> tuple[str, str] | None:
    """(media type, base64) of a `data:` URL; None for any other URL. Raises InvalidRequest."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",")
    media_type, _, encoding = head.partition(";base64")
    if not comma or encoding or not head.endswith(";base64"):
        raise wrong(where, "a data: URL in base64")
    if not is_base64(data):
        data = unquote_to_bytes(data).decode("latin-1")
        if not is_base64(data):
            raise wrong(where, "a data: URL in base64")
    return media_type or "text/plain", data


def is_base64(text: str) -> bool:
    """Whether it could be decoded; a third of the time that decoding a picture takes."""
    if len(text) % 4 or not text.isascii():
        return False
    letters = text.rstrip("=").encode()
    return len(text) - len(letters) <= 2 and not letters.translate(None, BASE64)


def effort(value: Any) -> str:
    """A `reasoning_effort`. Raises InvalidRequest."""
    if not isinstance(value, str) or value not in EFFORTS:
        raise wrong("reasoning_effort", f"one of {', '.join(EFFORTS)}")
    return value


def wrong(where: str, expected: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value for '{where}': expected {expected}.", param=where.partition("[")[0]
    )


def unsupported_part(where: str, part: Json) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value for '{where}': this provider takes no {part['type']!r} here.",
        param=where.partition("[")[0],
    )


def usage_object(usage: Usage) -> Json:
    """OpenAI's `usage`, with Anthropic's names beside it where a cache was used."""
    shown: Json = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        },
    }
    if usage.cached or usage.cache_written:
        shown["prompt_tokens_details"]["cache_creation_tokens"] = usage.cache_written
        shown["cache_read_input_tokens"] = usage.cached
        shown["cache_creation_input_tokens"] = usage.cache_written
    return shown


def completion(
    request: Request,
    answer_id: str,
    choices: list[Json],
    usage: Usage | None,
    **more: Any,
) -> Json:
    """A `chat.completion`. `choices` are whole: {index, message, finish_reason}."""
    body = {
        "id": answer_id or f"chatcmpl-{request.call_id}",
        "object": "chat.completion",
        "created": int(request.at),
        "model": request.deployment.model,
        "choices": choices,
        **more,
    }
    if usage is not None:
        body["usage"] = usage_object(usage)
    return body


class ChunkWriter:
    """The `chat.completion.chunk`s of one stream: one id, the role in each choice's first."""

    def __init__(self, request: Request) -> None:
        self.id = f"chatcmpl-{request.call_id}"
        """The provider's own id, once it is known: before the first chunk is written."""
        self._created = int(request.at)
        self._model = request.deployment.model
        self._begun: set[int] = set()

    def delta(self, delta: Json, index: int = 0, finish_reason: str | None = None) -> Json:
        """One choice's next piece."""
        if index not in self._begun:
            self._begun.add(index)
            delta = {"role": "assistant", **delta}
        return self._chunk([{"index": index, "delta": delta, "finish_reason": finish_reason}])

    def finish(self, reason: str, index: int = 0) -> Json:
        """One choice's last chunk."""
        return self.delta({}, index, reason)

    def usage(self, usage: Usage) -> Json:
        """The stream's last chunk: it has no choices."""
        return {**self._chunk([]), "usage": usage_object(usage)}

    def _chunk(self, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }


def tool_call(call_id: str, name: str, arguments_text: str) -> Json:
    """A whole tool call of a message."""
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments_text},
    }


def tool_delta(
    index: int, arguments_text: str, call_id: str | None = None, name: str | None = None
) -> Json:
    """A piece of a tool call: id and name in its first, arguments in all."""
    function: Json = {"arguments": arguments_text}
    if name is not None:
        function["name"] = name
    delta: Json = {"index": index, "function": function}
    if call_id is not None:
        delta |= {"id": call_id, "type": "function"}
    return {"tool_calls": [delta]}

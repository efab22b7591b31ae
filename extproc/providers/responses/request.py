"""A Responses request as a chat request.

Members that only say how the answer is kept or shown (`store`, `metadata`, `include`) are the
gateway's own: the answer repeats them, the provider is not asked. Members that neither API knows
pass, they are the provider's own.
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import chat
from extproc.providers.base import Request
from extproc.providers.responses import items, tools

SAME = frozenset(
    {"temperature", "top_p", "top_logprobs", "user", "service_tier", "safety_identifier"}
    | {"prompt_cache_key", "prompt_cache_retention"}
)
"""Of the same name and meaning in chat."""
FIELDS: Mapping[str, str] = {
    "logprobs": "include",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning",
    "response_format": "text",
    "verbosity": "text",
    "web_search_options": "tools",
}
"""Chat's members under the names that they have here."""
OPTIONAL = frozenset({"parallel_tool_calls", "verbosity"})
"""Codex says `parallel_tool_calls: false` to every model that it does not know, and takes several
calls all the same."""
TIERS = ("ultrafast",)
"""Service tiers that chat does not have."""
READ = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls"}
    | {"text", "reasoning", "max_output_tokens", "include", "stream", "stream_options"}
)
KEPT = frozenset({"client_metadata", "metadata", "store"})
NO_MEMORY: Mapping[str, str] = {
    "previous_response_id": "the response is not known to the gateway",
    "conversation": "conversations are kept by OpenAI alone",
    "prompt": "prompt templates are kept by OpenAI alone",
    "background": "this model's provider answers only while the client waits",
}
"""What cannot be left out without changing what was asked."""
LACKING: Mapping[str, tuple[Any, ...]] = {
    "truncation": ("disabled",),
    "max_tool_calls": (),
    "context_management": ([],),
    "moderation": (),
    "prompt_cache_options": ({},),
    "image": ({},),
    "access_programs": ({},),
}
"""What chat has not, with the values that ask for nothing."""

TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "a string"),
    "temperature": ((int, float), "a number"),
    "top_p": ((int, float), "a number"),
    "max_output_tokens": ((int,), "an integer"),
    "top_logprobs": ((int,), "an integer"),
    "parallel_tool_calls": ((bool,), "a boolean"),
    "store": ((bool,), "a boolean"),
    "metadata": ((dict,), "an object"),
    "text": ((dict,), "an object"),
    "reasoning": ((dict,), "an object"),
    "include": ((list,), "an array"),
    "user": ((str,), "a string"),
    "service_tier": ((str,), "a string"),
    "safety_identifier": ((str,), "a string"),
    "prompt_cache_key": ((str,), "a string"),
}

LOGPROBS = "message.output_text.logprobs"


def chat_body(request: Request) -> Json:
    """The chat body. Raises InvalidRequest or UnsupportedParams naming the member."""
    body = {name: value for name, value in request.body.items() if value is not None}
    _check(body)
    unknown = _known_to_neither(request, body)
    asked = {
        **unknown,
        **{name: body[name] for name in ("model", *sorted(SAME)) if name in body},
        "messages": items.messages(request, body),
        **tools.as_chat(request, body),
        **_shape(body),
    }
    if asked.get("service_tier") in TIERS:
        del asked["service_tier"]
    if "max_output_tokens" in body:
        asked["max_completion_tokens"] = body["max_output_tokens"]
    if "top_logprobs" in body or LOGPROBS in body.get("include", ()):
        asked["logprobs"] = True
    if request.streaming:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return asked


def _check(body: Json) -> None:
    for name, reason in NO_MEMORY.items():
        if body.get(name, False) is not False:
            raise InvalidRequest(f"Invalid value for '{name}': {reason}.", param=name)
    for name, (types, expected) in TYPES.items():
        value = body.get(name)
        if name in body and (not isinstance(value, types) or _is_odd(value, types)):
            raise chat.wrong(name, expected)


def _is_odd(value: Any, types: tuple[type, ...]) -> bool:
    """True is an integer to Python alone."""
    return isinstance(value, bool) and bool not in types


def _known_to_neither(request: Request, body: Json) -> Json:
    """The provider's own members. Raises UnsupportedParams for OpenAI's that chat lacks."""
    lacking = [name for name in LACKING if name in body and name not in request.allowed]
    refused = [name for name in lacking if body[name] not in LACKING[name]]
    if refused and not request.drop_params:
        deployment = request.deployment
        raise UnsupportedParams(deployment.provider, deployment.model, refused)
    known = SAME | READ | KEPT | NO_MEMORY.keys() | set(lacking)
    return {name: value for name, value in body.items() if name not in known}


def _shape(body: Json) -> Json:
    """Chat's members for `text` and `reasoning`: the thoughts are shown if there are any."""
    shape: Json = {}
    text = body.get("text", {})
    if text.get("format") is not None:
        shape |= _response_format(chat.member(text, "format", "text"))
    if text.get("verbosity") is not None:
        shape["verbosity"] = chat.string(text, "verbosity", "text")
    reasoning = body.get("reasoning", {})
    if reasoning.get("effort") is not None:
        shape["reasoning_effort"] = chat.string(reasoning, "effort", "reasoning")
    return shape


def _response_format(form: Json) -> Json:
    kind = chat.string(form, "type", "text.format")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    if kind != "json_schema":
        raise chat.wrong("text.format.type", "one of text, json_object, json_schema")
    schema = {
        "name": chat.string(form, "name", "text.format"),
        "schema": chat.member(form, "schema", "text.format"),
        **{n: form[n] for n in ("description", "strict") if form.get(n) is not None},
    }
    return {"response_format": {"type": "json_schema", "json_schema": schema}}

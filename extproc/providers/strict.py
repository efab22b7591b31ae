"""A chat request as OpenAI's own models take it: they refuse what they do not know.

    max_tokens                        models that reason have max_completion_tokens alone
    temperature, top_p, penalties …   they choose themselves: such a member is left out where it may
                                      be; else it passes, OpenAI knows best which model takes it
    cache_control, thinking_blocks …  the hub's words go, so that a conversation that another
                                      provider began can be continued

https://platform.openai.com/docs/guides/reasoning
"""

import re
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.answers import text
from extproc.providers.base import Request

PROVIDERS = frozenset({"openai", "azure", "azure_ai"})
HOST = "api.openai.com"
"""Another host of OpenAI's format may have a word for what is the hub's."""

REASONING = re.compile(r"(?:o\d|gpt-(?!5-chat)[5-9])(?![^.:-])")
"""o1, o3-mini, gpt-5, gpt-5.1-codex …"""
NOT_UNASKED = re.compile(r"gpt-5\.[124](?:-mini|-nano)?(?:-20\d\d-\d\d-\d\d)?$")
"""Those that do not reason unless they are told to."""
PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
GPT_LACKS = PENALTIES | {"logit_bias", "stop"}
CHOSEN = frozenset({"temperature", "top_p"})
"""By the model, while it reasons; 1 is what it chooses."""
LOGPROBS = frozenset({"logprobs", "top_logprobs"})

HUB = frozenset(
    {"cache_control", "is_error", "provider_specific_fields", "reasoning_content"}
    | {"thinking_blocks"}
)
"""Members of messages, parts, tool calls and tools that are no words of OpenAI's."""


def strict(body: Json, request: Request) -> Json:
    """The body as it may be sent; the same one for other providers."""
    deployment = request.deployment
    if deployment.provider not in PROVIDERS:
        return body
    model = (deployment.base_model or deployment.model).rpartition("/")[2].removeprefix("ft:")
    if REASONING.match(model):
        body = _reasoning(body, model, request)
    if deployment.provider != "openai" or deployment.upstream.host == HOST:
        body = _without_hub(body)
    return body


def _reasoning(body: Json, model: str, request: Request) -> Json:
    if "max_tokens" in body:
        body = {"max_completion_tokens": body["max_tokens"], **body}
        del body["max_tokens"]
    if not request.drop_params:
        return body
    gone = {name for name in body if _lacks(body, name, model)} - request.allowed
    return {name: value for name, value in body.items() if name not in gone}


def _lacks(body: Json, name: str, model: str) -> bool:
    if name in (PENALTIES if model.startswith("o") else GPT_LACKS):
        return not chat.is_neutral(name, body[name])
    if name not in LOGPROBS and (name not in CHOSEN or body[name] in (None, 1)):
        return False
    effort = body.get("reasoning_effort") or ("none" if NOT_UNASKED.match(model) else None)
    return effort != "none"


def _without_hub(body: Json) -> Json:
    plain = {
        name: [_plain(item) for item in body[name]]
        for name in ("messages", "tools")
        if isinstance(body.get(name), list)
    }
    return {**body, **plain}


def _plain(item: Any) -> Any:
    """A message, a part, a call or a tool; the same one where it has none of the hub's words."""
    if not isinstance(item, dict):
        return item
    plain: Json = {
        name: [_plain(inner) for inner in item[name]]
        for name in ("content", "tool_calls")
        if isinstance(item.get(name), list)
    }
    for name in ("id", "tool_call_id"):
        if chat.SIGNED_ID in (signed := text(item.get(name))):
            plain[name] = signed.partition(chat.SIGNED_ID)[0]
    if not plain and HUB.isdisjoint(item):
        return item
    return {name: plain.get(name, value) for name, value in item.items() if name not in HUB}

"""A Messages body, or one of count_tokens, as a chat body.

Clients of this format (Claude Code) send `thinking`, `metadata`, `top_k` and
`context_management` always. They must not fail where those have no word, so these are left out of
what a deployment does not take (carried.py):

    thinking                exactly, where it is taken; else `reasoning_effort` by its budget.
                            `adaptive` and `disabled` leave the model's own default
    output_config.effort    exactly, where it is taken; else `reasoning_effort`, which wins
    top_k                   where it is taken
    metadata.user_id        `user`; hashed where OpenAI would find it too long
    HINTS                   nowhere: they change cost, speed or diagnostics, not the answer

What would change the answer or where it is made, and has no word, is refused by name: containers,
MCP servers, `inference_geo`. Members that are not Anthropic's pass as they are.
https://platform.claude.com/docs/en/api/messages/create
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.providers import chat
from extproc.providers.base import Request
from extproc.providers.carried import Carried, carried_by
from extproc.providers.messages.blocks import chat_messages, wrong
from extproc.providers.messages.tools import chat_tools

OPTIONAL = frozenset({"reasoning_effort"})

FIELDS: Mapping[str, str] = {
    "max_completion_tokens": "max_tokens",
    "parallel_tool_calls": "tool_choice",
    "reasoning_effort": "thinking",
    "response_format": "output_config",
    "stop": "stop_sequences",
    "user": "metadata",
    "web_search_options": "tools",
}
"""Chat's members under the names that Anthropic's clients know them by."""

RENAMED: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "stop_sequences": "stop",
}
REFUSED = frozenset({"container", "mcp_servers", "inference_geo"})
HINTS = frozenset(
    {"context_management", "speed", "diagnostics", "user_profile_id", "workspace_id", "betas"}
)
TRANSLATED = frozenset(
    {"model", "messages", "system", "stream", "max_tokens", "metadata", "service_tier"}
    | {"thinking", "output_config", "output_format", "cache_control", "top_k"}
    | {"tools", "tool_choice"}
)

EFFORTS: Mapping[str, str] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
"""Every model that reasons knows the first three; few know more."""

WIDELY_KNOWN = frozenset({"enabled", "disabled", "adaptive"})
"""The types of thinking that others understand; what else there is only Claude does."""

NEVER_REASONS = re.compile(r"(.*/)?(gpt-3\.5|gpt-4|chatgpt-4o)")
"""OpenAI's models that refuse `reasoning_effort`."""

OWN_WORDS = frozenset({"openai", "azure"})
"""Providers that deprecate `max_tokens`, and refuse it for models that reason."""

MAX_USER = 64


def chat_body(asked: Request) -> Json:
    """The chat body. Raises InvalidRequest naming the member as Anthropic does."""
    body = {name: value for name, value in asked.body.items() if value is not None}
    carried = carried_by(asked)
    for name in sorted(name for name in REFUSED & body.keys() if body[name] != []):
        carried.refuse(name, "this member")
    members: Json = {"messages": chat_messages(body, carried)}
    limit = "max_completion_tokens" if asked.deployment.provider in OWN_WORDS else "max_tokens"
    if "max_tokens" in body:
        members[limit] = body["max_tokens"]
    for theirs, ours in RENAMED.items():
        if body.get(theirs) not in (None, []):
            members[ours] = body[theirs]
    members |= chat_tools(body, carried)
    members |= _reasoning(body, asked.deployment, carried)
    members |= _response_format(body)
    members |= _user(body)
    if body.get("service_tier") == "standard_only":
        members["service_tier"] = "default"
    if "top_k" in body and "top_k" in carried:
        members["top_k"] = body["top_k"]
    if asked.streaming:
        members |= {"stream": True, "stream_options": {"include_usage": True}}
    return {**_others(body), **members}


def _others(body: Json) -> Json:
    known = TRANSLATED | RENAMED.keys() | REFUSED | HINTS
    return {name: value for name, value in body.items() if name not in known}


def _reasoning(body: Json, deployment: Deployment, carried: Carried) -> Json:
    thinking = _member(body, "thinking")
    kind, effort = thinking.get("type"), _member(body, "output_config").get("effort")
    if thinking and not isinstance(kind, str):
        raise wrong("thinking.type", "a string")
    if effort is not None and not isinstance(effort, str):
        raise wrong("output_config.effort", "a string")
    is_claude = "output_config" in carried
    known = is_claude or kind in WIDELY_KNOWN
    as_it_is = {"thinking": thinking} if thinking and known and "thinking" in carried else {}
    if effort is not None and is_claude:
        return {**as_it_is, "output_config": {"effort": effort}}
    if kind == "disabled" or (kind == "enabled" and as_it_is):
        return as_it_is
    word = _effort_of(thinking.get("budget_tokens")) if kind == "enabled" else None
    if effort is not None:
        word = EFFORTS.get(effort, effort)
    if word is None:
        return as_it_is
    reasons = not NEVER_REASONS.match(deployment.base_model or deployment.model)
    return {"reasoning_effort": word} if reasons else {}


def _effort_of(budget: Any) -> str:
    """The greatest effort that a budget of tokens pays for, and at least the least."""
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise wrong("thinking.enabled.budget_tokens", "an integer")
    affordable = [EFFORTS[name] for name, tokens in _BUDGETS if tokens <= budget]
    return affordable[-1] if affordable else "low"


_BUDGETS = [(name, tokens) for name, tokens in chat.THINKING_TOKENS.items() if name in EFFORTS]


def _response_format(body: Json) -> Json:
    """`output_config.format`, or `output_format` as the beta called it."""
    format_ = _member(body, "output_config").get("format") or body.get("output_format")
    if format_ is None:
        return {}
    schema = format_.get("schema") if isinstance(format_, dict) else None
    if not isinstance(schema, dict) or format_.get("type") != "json_schema":
        raise wrong("output_config.format", "a json_schema with its schema")
    named = {"name": "output", "schema": schema, "strict": _is_strict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _is_strict(schema: Json) -> bool:
    """Whether OpenAI would enforce it: each object closed, and all its properties required.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    left: list[Any] = [schema]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += value.values()
            properties = value.get("properties")
            if value.get("type") == "object" and (
                value.get("additionalProperties") is not False
                or not isinstance(properties, dict)
                or not _all_required(value.get("required"), properties)
            ):
                return False
    return True


def _all_required(required: Any, properties: Json) -> bool:
    return isinstance(required, list) and all(name in required for name in properties)


def _user(body: Json) -> Json:
    user = _member(body, "metadata").get("user_id")
    if user is None:
        return {}
    if not isinstance(user, str):
        raise wrong("metadata.user_id", "a string")
    if len(user) > MAX_USER:
        user = sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
    return {"user": user}


def _member(body: Json, name: str) -> Json:
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise wrong(name, "an object")
    return found

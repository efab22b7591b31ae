"""A chat request as a Messages request.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/api/openai-sdk (what OpenAI's parameters mean to Anthropic)
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extproc.domain.call import Json
from extproc.errors import UnsupportedParams
from extproc.providers import chat
from extproc.providers.anthropic import tools
from extproc.providers.anthropic.hosts import BETA, BETA_FILES, Host, betas
from extproc.providers.anthropic.models import DEFAULT_MAX_TOKENS, LEAST_BUDGET, Model, model_of
from extproc.providers.anthropic.turns import conversation
from extproc.providers.base import Outgoing, Request

SUPPORTED = frozenset(
    {"function_call", "functions", "max_completion_tokens", "max_tokens", "metadata"}
    | {"parallel_tool_calls", "reasoning_effort", "response_format", "safety_identifier"}
    | {"service_tier", "stop", "temperature", "tool_choice", "tools", "top_p", "user"}
    | {"web_search_options"}
)
_TRANSLATED = SUPPORTED | {"anthropic_beta", "output_config", "thinking", "top_k"}
"""With Anthropic's members that are merged with what the others mean; the rest pass."""
_SEARCH = frozenset({"web_search_options"})
UNLIMITED = 2**31

_TIERS: Mapping[str, str] = {
    "auto": "auto",
    "default": "standard_only",
    "priority": "auto",
    "standard_only": "standard_only",
}
_INLINE = frozenset({"base64", "content", "text"})
_SAMPLING = ("temperature", "top_p", "top_k")
_NO_INPUT: Json = {"type": "object", "properties": {}}


def request(asked: Request, host: Host) -> Outgoing:
    """What the host is sent. Raises InvalidRequest or UnsupportedParams."""
    headers = {name: text for name, text in asked.headers.items() if name == BETA}
    asked = replace(asked, headers=headers)
    given = chat.given(asked, SUPPORTED if host.searches else SUPPORTED - _SEARCH)
    model = _model(asked)
    system, turns = conversation(given, asked.modify_params)
    sources = _sources(turns)
    if not host.fetches and not sources <= _INLINE:
        raise chat.wrong("messages", "images and files as data: URLs; no other can be fetched")
    body: Json = {"messages": turns}
    if system:
        body["system"] = system
    limit = _limit(given)
    body |= _tools(given, asked, model, host)
    if asked.modify_params:
        _mend(body, given)
    forced = body.get("tool_choice", {}).get("type") in tools.FORCING
    room = 0 if forced or _thoughtless_loop(turns) else limit or UNLIMITED
    body |= _thinking(given, asked, model, room)
    body |= _format(given, body, model, host)
    most = max(model.max_tokens, _budget(body) + DEFAULT_MAX_TOKENS)
    body["max_tokens"] = most if limit is None else limit
    body |= _sampling(given, asked, model, _budget(body) > 0)
    body |= _rest(given, asked, host)
    extras = chat.extras(asked, given)
    body |= {name: extras[name] for name in extras if name not in _TRANSLATED}
    named = betas(asked, {**body, "anthropic_beta": given.get("anthropic_beta")}, host.betas)
    if "file" in sources and BETA_FILES not in named:
        named.append(BETA_FILES)
    return host.address(asked, body, named)


def answers_by_tool(asked: Request, host: Host) -> bool:
    """Whether the answer comes as a call of JSON_TOOL."""
    schema = tools.answer_schema(asked.body)
    return schema is not None and not _natively(schema, _model(asked), host)


def _model(asked: Request) -> Model:
    """A deployment's own name may say nothing of the model."""
    return model_of(asked.deployment.base_model or asked.deployment.model)


def _mend(body: Json, given: Json) -> None:
    """Past calls of tools need tools, and a budget needs the thoughts before them."""
    if "tools" not in body and (used := _used(body["messages"])):
        body["tools"] = [{"name": name, "input_schema": _NO_INPUT} for name in used]
        body["tool_choice"] = {"type": "none"}
    thinking = given.get("thinking")
    budgeted = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    if budgeted and _thoughtless_loop(body["messages"]):
        del given["thinking"]


def _used(turns: list[Json]) -> list[str]:
    blocks = [block for turn in turns for block in turn["content"]]
    return list(dict.fromkeys(block["name"] for block in blocks if block["type"] == "tool_use"))


def _limit(given: Json) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = given.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0:
            return limit
        if limit is not None:
            raise chat.wrong(name, "a whole number")
    return None


def _left_out(asked: Request, name: str) -> None:
    """A parameter that the model lacks: refused, unless it may be dropped."""
    if not asked.drop_params:
        raise UnsupportedParams(asked.deployment.provider, asked.deployment.model, [name])


def _tools(given: Json, asked: Request, model: Model, host: Host) -> Json:
    found = tools.tools(given, host.schemas(model))
    choice = tools.choice(given)
    if not found:
        return {}
    forceable = model.forceable or "tool_choice" in asked.allowed
    if choice.get("type") in tools.FORCING and not forceable:
        _left_out(asked, "tool_choice")
        choice = {**choice, "type": "auto"}
        choice.pop("name", None)
    return {"tools": found, "tool_choice": choice} if choice else {"tools": found}


def _thoughtless_loop(turns: list[Json]) -> bool:
    """Whether tools were called without thinking, so that a budget would be refused now."""
    replies = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    kinds = [block["type"] for block in replies[-1]] if replies else []
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


def _thinking(given: Json, asked: Request, model: Model, room: int) -> Json:
    """`thinking` and `output_config`. An effort becomes a budget only if there is room for it.

    A forced tool and a tool's result without thoughts before it leave none: the provider refuses
    a budget beside them, and an effort is a wish.
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    """
    made: Json = {}
    for name in ("thinking", "output_config"):
        member = given.get(name)
        if member is not None and not isinstance(member, dict):
            raise chat.wrong(name, "an object")
        made |= {name: member} if member else {}
    effort = _effort(given.get("reasoning_effort"))
    if effort is None:
        return made
    if effort == "none":
        mode = model.thoughtless
    elif model.adaptive:
        made["output_config"] = {"effort": model.effort(effort), **made.get("output_config", {})}
        shown = {} if model.shows_thinking else {"display": "summarized"}
        mode = {"type": "adaptive", **shown} if room else {}
    else:
        mode = _budgeted(effort, room) if model.thinks else None
    if mode is None:
        _left_out(asked, "reasoning_effort")
    return {"thinking": mode, **made} if mode else made


def _budgeted(effort: str, room: int) -> Json:
    """At most half of the room, so that some is left for the answer."""
    wanted = max(LEAST_BUDGET, chat.THINKING_TOKENS[effort])
    budget = min(wanted, max(LEAST_BUDGET, room // 2))
    return {"type": "enabled", "budget_tokens": budget} if budget < room else {}


def _effort(asked: Any) -> str | None:
    if isinstance(asked, dict):
        asked = asked.get("effort")
    return None if asked is None else chat.effort(asked)


def _budget(body: Json) -> int:
    """The tokens that thinking may take, where it has a budget."""
    thinking = body.get("thinking", {})
    budget = thinking.get("budget_tokens") if thinking.get("type") == "enabled" else 0
    return budget if isinstance(budget, int) and 0 < budget < 2**31 else 0


def _format(given: Json, body: Json, model: Model, host: Host) -> Json:
    """The answer's schema: the provider's own mechanism, or a tool whose input is the answer."""
    schema = tools.answer_schema(given)
    if schema is None:
        return {}
    if _natively(schema, model, host):
        asked = {"type": "json_schema", "schema": tools.closed(schema)}
        return {"output_config": {"format": asked, **body.get("output_config", {})}}
    own = body.get("tools", [])
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    forceable = model.forceable and not thinks
    choice = tools.answer_choice(own, body.get("tool_choice", {}), forceable)
    made = {"tools": [*own, tools.answer_tool(schema)]}
    return {**made, "tool_choice": choice} if choice else made


def _natively(schema: Json, model: Model, host: Host) -> bool:
    return host.schemas(model) and not tools.is_open(schema)


def _sampling(given: Json, asked: Request, model: Model, budgeted: bool) -> Json:
    """Temperature and its kin, where the model takes them; 1 is what all do unasked."""
    made: Json = {}
    for name in _SAMPLING:
        number = given.get(name)
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise chat.wrong(name, "a number")
        if name not in asked.allowed and _lacks_sampling(name, number, model, budgeted):
            if number != 1 or name == "top_k":
                _left_out(asked, name)
        else:
            made[name] = min(number, 1) if name == "temperature" else number
    both = "temperature" in made and "top_p" in made
    if both and model.samples_one_way and made.pop("top_p") != 1:
        _left_out(asked, "top_p")
    return made


def _lacks_sampling(name: str, number: float, model: Model, budgeted: bool) -> bool:
    """https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""
    if not model.samples:
        return True
    return budgeted and not (name == "top_p" and 0.95 <= number <= 1)


def _rest(given: Json, asked: Request, host: Host) -> Json:
    made: Json = {}
    if stops := _stops(given.get("stop")):
        made["stop_sequences"] = stops
    if user := _user(given):
        made["metadata"] = {"user_id": user}
    tier = given.get("service_tier")
    if tier is not None:
        if not isinstance(tier, str):
            raise chat.wrong("service_tier", f"one of {', '.join(_TIERS)}")
        made |= {"service_tier": _TIERS[tier]} if tier in _TIERS and host.tiers else {}
    return made


def _user(given: Json) -> str | None:
    metadata = given.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    users = (given.get("user"), given.get("safety_identifier"), named)
    return next((user for user in users if isinstance(user, str) and user), None)


def _stops(stop: Any) -> list[str]:
    """Sequences of nothing but whitespace are refused by the provider."""
    given = [stop] if isinstance(stop, str) else stop
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise chat.wrong("stop", "a string or an array of strings")
    return [text for text in given if text.strip()]


def _sources(turns: list[Json]) -> set[str]:
    """How the images and documents are given: base64, text, url, file."""
    blocks = [block for turn in turns for block in turn["content"]]
    for block in blocks:
        inner = block.get("content")
        if block["type"] == "tool_result" and isinstance(inner, list):
            blocks += inner
    found = [block.get("source") for block in blocks]
    kinds = [source.get("type") for source in found if isinstance(source, dict)]
    return {kind for kind in kinds if isinstance(kind, str)}

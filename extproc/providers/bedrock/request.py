"""A chat request as Bedrock's Converse takes it.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import re
from typing import Any

from extproc.domain.call import Json
from extproc.errors import UnsupportedParams
from extproc.providers import chat
from extproc.providers.anthropic.clouds import AMAZON_BETAS
from extproc.providers.anthropic.hosts import betas
from extproc.providers.base import Outgoing, Request
from extproc.providers.bedrock import models, tools
from extproc.providers.bedrock.turns import Turns

SUPPORTED = frozenset(
    {"max_completion_tokens", "max_tokens", "metadata", "response_format", "service_tier"}
    | {"stop", "temperature", "tool_choice", "tools", "top_p", "user"}
)
"""`user` has no place there; it is left out, as nobody misses it."""
OWN = frozenset(
    {"additionalModelResponseFieldPaths", "guardrailConfig", "outputConfig", "performanceConfig"}
    | {"promptVariables", "requestMetadata", "serviceTier"}
)
"""Members of Converse that a client may write itself."""
ADDITIONAL = "additionalModelRequestFields"
TIERS = ("default", "priority", "flex")
CONTINUE = "Please continue."
MOST_METADATA = 16
LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}")
SAMPLING = (("temperature", "temperature"), ("top_p", "topP"), ("top_k", "top_k"))


def request(request: Request) -> Outgoing:
    deployment = request.deployment
    supported = SUPPORTED | models.extra_params(deployment)
    body = chat.given(request, supported)
    turns = _turns(body, request)
    config = _inference(body)
    extra = _additional(body, request, config.get("maxTokens"), turns)
    _check_sampling(config, extra, request)
    offered = tools.tool_config(body, request, _used(turns), _forceable(extra, request))
    if offered and body.get("parallel_tool_calls") is False:
        kind = {} if "toolChoice" in offered else {"type": "auto"}
        extra["tool_choice"] = {**kind, "disable_parallel_tool_use": True}
    outgoing: Json = {
        "messages": turns.messages,
        "system": turns.system,
        "inferenceConfig": config,
        "toolConfig": offered,
        "additionalModelRequestFields": extra,
        "outputConfig": tools.output_config(body, request),
        "requestMetadata": _metadata(body.get("metadata")),
        "serviceTier": _tier(body.get("service_tier")),
    }
    outgoing = {name: value for name, value in outgoing.items() if value or name == "messages"}
    outgoing |= {name: value for name, value in body.items() if name in OWN}
    operation = "converse-stream" if request.streaming else "converse"
    return Outgoing(models.model_path(deployment, operation), outgoing)


def _turns(body: Json, request: Request) -> Turns:
    turns = Turns(request.deployment)
    for place, message in enumerate(chat.messages(body)):
        turns.add(message, f"messages[{place}]")
    begins_well = turns.messages and turns.messages[0]["role"] == "user"
    if request.modify_params and not begins_well:
        turns.messages.insert(0, {"role": "user", "content": [{"text": CONTINUE}]})
    if not turns.messages:
        raise chat.wrong("messages", "at least one message that is not the system's")
    turns.introduce_documents()
    return turns


def _used(turns: Turns) -> list[str]:
    """The tools that the messages call, each once, in order; also for results without a call."""
    blocks = [block for message in turns.messages for block in message["content"]]
    names = [block["toolUse"]["name"] for block in blocks if "toolUse" in block]
    if not names and any("toolResult" in block for block in blocks):
        return [tools.UNKNOWN]
    return list(dict.fromkeys(names))


def _inference(body: Json) -> Json:
    most_tokens = _count(body, "max_completion_tokens") or _count(body, "max_tokens")
    temperature = _number(body, "temperature")
    config = {
        "maxTokens": most_tokens,
        "temperature": None if temperature is None else min(temperature, 1),
        "topP": _number(body, "top_p"),
        "stopSequences": _stops(body.get("stop")),
    }
    return {name: value for name, value in config.items() if value is not None}


def _additional(body: Json, request: Request, most_tokens: int | None, turns: Turns) -> Json:
    """What only the model itself knows: thinking, top_k, and whatever else the client names."""
    deployment = request.deployment
    given = chat.extras(request, body)
    extra: Json = {}
    if "reasoning_effort" in body:
        room = most_tokens if _may_think(turns) and not tools.forces(body) else 0
        extra = models.reasoning(body["reasoning_effort"], room, deployment)
    extra |= {name: value for name, value in given.items() if name not in OWN | {ADDITIONAL}}
    if models.is_nova(deployment) and "top_k" in extra:
        extra["inferenceConfig"] = {"topK": extra.pop("top_k")}
    if ADDITIONAL in given:
        extra |= chat.member(given, ADDITIONAL, "")
    if models.claude(deployment):
        extra |= _of_claude(body, request, extra)
    if request.modify_params and not _may_think(turns):
        extra.pop("thinking", None)
    return extra


def _of_claude(body: Json, request: Request, extra: Json) -> Json:
    """Claude's own tools, and the betas that these and the client ask for.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
    """
    own = tools.additional_tools(body)
    found: Json = {"tools": own} if own else {}
    names = betas(request, extra | found, AMAZON_BETAS)
    return found | {"anthropic_beta": names} if names else found


def _forceable(extra: Json, request: Request) -> bool:
    """Whether the model can be made to call a tool: not while it thinks, and not each model."""
    thinking = extra.get("thinking", extra.get("reasoningConfig"))
    thinks = isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")
    return not thinks and models.can_be_forced(request.deployment)


def _may_think(turns: Turns) -> bool:
    """Claude, when it thinks, wants the thoughts of its last tool calls back.

    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    """
    for message in reversed(turns.messages):
        blocks = message["content"]
        if message["role"] == "assistant" and any("toolUse" in block for block in blocks):
            return any("reasoningContent" in block for block in blocks)
    return True


def _check_sampling(config: Json, extra: Json, request: Request) -> None:
    """Takes out what this Claude does not let a client choose, and not while it thinks.

    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    """
    deployment = request.deployment
    model = models.claude(deployment)
    if model is None:
        return
    thinking = extra.get("thinking")
    budgeted = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    for name, place in SAMPLING if budgeted or not model.samples else ():
        source = extra if place == "top_k" else config
        fits = model.samples and place == "topP" and 0.95 <= source.get(place, 1) <= 1
        if place not in source or name in request.allowed or fits:
            continue
        if source.pop(place) != 1:
            _left_out(name, request)
    both = "temperature" in config and "topP" in config
    if both and model.samples_one_way and config.pop("topP") != 1:
        _left_out("top_p", request)


def _left_out(name: str, request: Request) -> None:
    """A parameter that the model lacks: refused, unless it may be dropped."""
    if not request.drop_params:
        raise UnsupportedParams(request.deployment.provider, request.deployment.model, [name])


def _count(body: Json, name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise chat.wrong(name, "a whole number above 0")
    return value


def _number(body: Json, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise chat.wrong(name, "a number that is not negative")
    return value


def _stops(stop: Any) -> list[str] | None:
    stops = [stop] if isinstance(stop, str) else stop
    if stops is None or stops == []:
        return None
    if not isinstance(stops, list) or not all(isinstance(one, str) and one for one in stops):
        raise chat.wrong("stop", "a string or an array of strings, none of them empty")
    return stops


def _metadata(metadata: Any) -> Json:
    """Labels that Bedrock has no letters for are left out."""
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or len(metadata) > MOST_METADATA:
        raise chat.wrong("metadata", f"an object with at most {MOST_METADATA} members")
    for name, value in metadata.items():
        if not isinstance(value, str):
            raise chat.wrong(f"metadata.{name}", "a string")
    return {n: v for n, v in metadata.items() if n and LABEL.fullmatch(n) and LABEL.fullmatch(v)}


def _tier(tier: Any) -> Json:
    """A tier that Bedrock does not have is left to it, as `auto` is."""
    if tier is not None and not isinstance(tier, str):
        raise chat.wrong("service_tier", f"one of auto, {', '.join(TIERS)}")
    return {"type": tier} if tier in TIERS else {}

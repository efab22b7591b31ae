"""A GenerateContentRequest as the body of a chat completion.

https://ai.google.dev/api/generate-content#request-body
"""

import re
from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers.anthropic.models import LEAST_BUDGET, model_of
from extproc.providers.base import Request
from extproc.providers.carried import Carried, carried_by
from extproc.providers.chat import wrong
from extproc.providers.generate import tools
from extproc.providers.generate.contents import Reading, messages, system
from extproc.providers.generate.fields import members
from extproc.providers.generate.schema import json_schema
from extproc.providers.messages.request import NEVER_REASONS

_READ = frozenset(
    {"model", "stream", "contents", "systemInstruction", "generationConfig", "tools", "toolConfig"}
    | {"serviceTier", "store", "cachedContent"}
)
_LEFT_OUT = frozenset({"safetySettings", "labels"})
"""They steer or mark what Google does; other providers have their own ways."""

_NUMBERS: Mapping[str, tuple[str, type]] = {
    "maxOutputTokens": ("max_completion_tokens", int),
    "temperature": ("temperature", float),
    "topP": ("top_p", float),
    "topK": ("top_k", int),
    "candidateCount": ("n", int),
    "seed": ("seed", int),
    "presencePenalty": ("presence_penalty", float),
    "frequencyPenalty": ("frequency_penalty", float),
}
"""generationConfig's name -> (chat's name, its kind)."""
_CONFIG = frozenset(_NUMBERS) | {
    *("stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema"),
    *("responseLogprobs", "logprobs", "thinkingConfig", "responseModalities", "speechConfig"),
    "mediaResolution",
}
FIELDS: Mapping[str, str] = {
    **{name: f"generationConfig.{theirs}" for theirs, (name, _) in _NUMBERS.items()},
    "audio": "generationConfig.speechConfig",
    "logprobs": "generationConfig.responseLogprobs",
    "max_tokens": "generationConfig.maxOutputTokens",
    "messages": "contents",
    "modalities": "generationConfig.responseModalities",
    "reasoning_effort": "generationConfig.thinkingConfig",
    "response_format": "generationConfig.responseMimeType",
    "service_tier": "serviceTier",
    "stop": "generationConfig.stopSequences",
    "tool_choice": "toolConfig",
    "top_logprobs": "generationConfig.logprobs",
    "web_search_options": "tools",
}
"""Chat's members under the names that Google's clients know them by."""
_TIERS: Mapping[str, str] = {"standard": "default", "flex": "flex", "priority": "priority"}
_BUDGETS: Mapping[str, int] = {"low": 1024, "medium": 8192}
"""Google's own table of what the efforts mean. https://ai.google.dev/gemini-api/docs/openai"""
OPTIONAL = frozenset({"reasoning_effort"})
"""How much to think leads the answer and is not what was asked: clients send it always."""
_OWN_WORDS = frozenset({"openai", "azure"})
_NEED_NOT_REASON = re.compile(r"(.*/)?gpt-5\.[1-9]")
"""Those of OpenAI's models that know the effort `none`."""
_LARGEST = 2**53
"""Up to here a float is a whole number exactly, and JSON can be written."""
_DEFAULT_VOICE = "alloy"
"""Chat must name one, Google need not."""


def request(asked: Request) -> Json:
    """The chat body. Raises InvalidRequest, or UnsupportedParams for what chat has no word for."""
    body = _body(asked.body)
    config = members(body.get("generationConfig", {}), "generationConfig")
    reading = Reading(carried_by(asked), config.get("mediaResolution"))
    made: Json = {
        "model": body.get("model"),
        "messages": [
            *system(body.get("systemInstruction", {}), "systemInstruction"),
            *messages(body.get("contents"), reading),
        ],
    }
    if asked.streaming:
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    made |= _numbers(config, reading)
    made |= _format(config, reading)
    made |= _modalities(config, reading)
    made |= _thinking(config, reading.carried, asked.deployment)
    made |= _account(body)
    made |= tools.tools(body, reading.lacking)
    known = _READ | _LEFT_OUT
    reading.lacking.extend(name for name in body if name not in known)
    reading.lacking.extend(
        f"generationConfig.{name}"
        for name, value in config.items()
        if name not in _CONFIG and value
    )
    if reading.lacking and not asked.drop_params:
        deployment = asked.deployment
        raise UnsupportedParams(deployment.provider, deployment.model, reading.lacking)
    return made


def _body(body: Json) -> Json:
    """The request; of a question for its tokens, the one that it is about."""
    given = members(body, "body")
    if "generateContentRequest" in given:
        given = members(given["generateContentRequest"], "generateContentRequest")
        given["model"] = body.get("model")
    if "cachedContent" in given:
        raise InvalidRequest(
            "Invalid value for 'cachedContent': a cache at Google cannot be read by this model.",
            param="cachedContent",
        )
    return given


def _numbers(config: Json, reading: Reading) -> Json:
    made: Json = {}
    for name, (theirs, kind) in _NUMBERS.items():
        if name in config:
            made[theirs] = _number(config[name], kind, f"generationConfig.{name}")
    if "top_k" not in reading.carried:
        made.pop("top_k", None)
    if "stopSequences" in config:
        made["stop"] = _strings(config["stopSequences"], "generationConfig.stopSequences")
    if config.get("responseLogprobs") is True:
        made["logprobs"] = True
        if "logprobs" in config:
            made["top_logprobs"] = _number(config["logprobs"], int, "generationConfig.logprobs")
    return made


def _number(value: Any, kind: type, where: str) -> int | float:
    """SDKs write whole numbers as 40.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(where, "a number")
    if kind is float:
        return value
    if (isinstance(value, float) and not value.is_integer()) or abs(value) > _LARGEST:
        raise wrong(where, "a whole number")
    return int(value)


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong(where, "an array of strings")
    return value


def _format(config: Json, reading: Reading) -> Json:
    """`response_format`: JSON, by a schema where there is one."""
    schema = None
    if "responseJsonSchema" in config:
        schema = config["responseJsonSchema"]
        members(schema, "generationConfig.responseJsonSchema")
    elif "responseSchema" in config:
        schema = json_schema(config["responseSchema"], "generationConfig.responseSchema")
    mime = config.get("responseMimeType", "text/plain" if schema is None else "application/json")
    if mime == "text/plain":
        return {}
    if mime != "application/json":
        reading.lacking.append("generationConfig.responseMimeType")
        return {}
    if schema is None:
        return {"response_format": {"type": "json_object"}}
    named = {"name": "response", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _modalities(config: Json, reading: Reading) -> Json:
    """Sound is asked for as Google makes it: PCM of 24 kHz."""
    where = "generationConfig.responseModalities"
    asked = [kind.lower() for kind in _strings(config.get("responseModalities", []), where)]
    wanted = [kind for kind in asked if kind in ("image", "audio")]
    if len(wanted) + asked.count("text") + asked.count("modality_unspecified") < len(asked):
        reading.lacking.append(where)
    if not wanted:
        return {}
    made: Json = {"modalities": list(dict.fromkeys(["text", *wanted]))}
    if "audio" in wanted:
        made["audio"] = {"voice": _voice(config, reading), "format": "pcm16"}
    return made


def _voice(config: Json, reading: Reading) -> str:
    where = "generationConfig.speechConfig"
    speech = members(config.get("speechConfig", {}), where)
    reading.lacking.extend(f"{where}.{name}" for name in speech if name != "voiceConfig")
    voice = members(speech.get("voiceConfig", {}), f"{where}.voiceConfig")
    prebuilt = members(voice.get("prebuiltVoiceConfig", {}), f"{where}.prebuiltVoiceConfig")
    name = prebuilt.get("voiceName")
    return name if isinstance(name, str) else _DEFAULT_VOICE


def _thinking(config: Json, carried: Carried, deployment: Deployment) -> Json:
    """The level as an effort; a budget exactly where it can be said, else as the next effort."""
    where = "generationConfig.thinkingConfig"
    thinking = members(config.get("thinkingConfig", {}), where)
    level = str(thinking.get("thinkingLevel", "")).lower()
    if level and level != "thinking_level_unspecified":
        return _effort("low" if level == "minimal" else level, deployment)
    budget = _number(thinking.get("thinkingBudget", -1), int, f"{where}.thinkingBudget")
    if budget < 0:
        return {}
    if "thinking" in carried and _fits(budget, config, deployment):
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    efforts = (effort for effort, tokens in _BUDGETS.items() if budget <= tokens)
    return _effort(next(efforts, "high") if budget else "none", deployment)


def _fits(budget: float, config: Json, deployment: Deployment) -> bool:
    """Whether a budget may be said to Claude: the new ones have none, the others' is a part of
    what they may write. Google's is a budget of its own."""
    limit = config.get("maxOutputTokens", _LARGEST)
    claude = model_of(deployment.base_model or deployment.model)
    return LEAST_BUDGET <= budget < limit and not claude.adaptive


def _effort(word: str, deployment: Deployment) -> Json:
    """Left out where a model would refuse it: it then thinks as much as it does."""
    model = deployment.base_model or deployment.model
    if NEVER_REASONS.match(model) or (word == "none" and not _may_not_think(model, deployment)):
        return {}
    return {"reasoning_effort": word}


def _may_not_think(model: str, deployment: Deployment) -> bool:
    """Whether the model can be told not to think; an unknown one is believed to."""
    if deployment.provider in _OWN_WORDS:
        return _NEED_NOT_REASON.match(model) is not None
    return model_of(model).thoughtless is not None


def shows_thoughts(asked: Request) -> bool:
    """Whether the client asked for the thoughts beside the answer."""
    config = members(_body(asked.body).get("generationConfig", {}), "generationConfig")
    thinking = members(config.get("thinkingConfig", {}), "generationConfig.thinkingConfig")
    return thinking.get("includeThoughts") is True


def _account(body: Json) -> Json:
    made: Json = {}
    tier = str(body.get("serviceTier", "unspecified")).lower()
    if tier in _TIERS:
        made["service_tier"] = _TIERS[tier]
    if isinstance(body.get("store"), bool):
        made["store"] = body["store"]
    return made

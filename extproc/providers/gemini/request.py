"""OpenAI's chat request as a GenerateContentRequest.

https://ai.google.dev/api/generate-content#request-body
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Outgoing, Request
from extproc.providers.gemini.contents import contents
from extproc.providers.gemini.naming import camel
from extproc.providers.gemini.schema import google_schema
from extproc.providers.gemini.sites import STREAM, WHOLE, site_of
from extproc.providers.gemini.thinking import thinking_config
from extproc.providers.gemini.tools import tools

SUPPORTED = frozenset(
    {"audio", "frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "metadata"}
    | {"modalities", "n", "parallel_tool_calls", "presence_penalty", "reasoning_effort"}
    | {"response_format", "seed", "service_tier", "stop", "temperature", "tool_choice", "tools"}
    | {"top_logprobs", "top_p", "user", "web_search_options"}
)
"""`user` and `metadata` only name the call: they are left out."""
NUMBERS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "top_logprobs": "logprobs",
}
GENERATION = frozenset(
    {"audioTimestamp", "enableEnhancedCivicAnswers", "imageConfig", "mediaResolution"}
    | {"responseJsonSchema", "responseMimeType", "responseModalities", "responseSchema"}
    | {"routingConfig", "speechConfig", "stopSequences", "thinkingConfig", "topK"}
)
"""Members of `generationConfig` that OpenAI has no word for. https://ai.google.dev/api/generate-content#generationconfig"""
TOP = frozenset({"cachedContent", "labels", "modelArmorConfig", "safetySettings"})
MODALITIES: Mapping[str, str] = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
TIERS: Mapping[str, str] = {"default": "standard", "flex": "flex", "priority": "priority"}
PAID_FOR = frozenset({"flex", "priority"})
"""Tiers that are not the usual one."""
JSON_TYPE = "application/json"
PCM = "pcm16"


def request(request: Request) -> Outgoing:
    deployment = request.deployment
    asked = chat.given(request, SUPPORTED)
    ours = contents(asked, request) | tools(asked, request)
    site, tier = site_of(deployment), _tier(asked)
    if tier and not site.tier_header:
        ours["serviceTier"] = tier
    headers = {site.tier_header: tier} if site.tier_header and tier in PAID_FOR else {}
    config = _generation(asked) | _response_format(asked) | _modalities(asked)
    if thinking := thinking_config(asked, deployment):
        config["thinkingConfig"] = thinking
    body = _with_extras(ours, config, chat.extras(request, asked))
    method = STREAM if request.streaming else WHOLE
    return Outgoing(site.path(deployment, method), body, headers)


def _with_extras(ours: Json, config: Json, extras: Json) -> Json:
    """Google's own members where Google has them, in either case; any other as it is."""
    body: Json = {}
    for name, value in extras.items():
        theirs = camel(name)
        if theirs in GENERATION:
            config[theirs] = value
        elif theirs == "generationConfig":
            config |= chat.member(extras, name, "")
        elif theirs == "toolConfig":
            own = chat.member(extras, name, "")
            ours = {**ours, theirs: {**ours.get(theirs, {}), **own}}
        elif name != "thinking":
            body[theirs if theirs in TOP else name] = value
    body |= ours
    return {**body, "generationConfig": config} if config else body


def _generation(asked: Json) -> Json:
    config: Json = {}
    for ours, theirs in NUMBERS.items():
        value = asked.get(ours)
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise chat.wrong(ours, "a number")
            config[theirs] = value
    if asked.get("logprobs") is True:
        config["responseLogprobs"] = True
    else:
        config.pop("logprobs", None)
    if stop := _stop(asked.get("stop")):
        config["stopSequences"] = stop
    return config


def _stop(stop: Any) -> list[str]:
    sequences = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(sequences, list) or not all(isinstance(item, str) for item in sequences):
        raise chat.wrong("stop", "a string or an array of strings")
    return sequences


def _response_format(asked: Json) -> Json:
    """A schema goes as JSON Schema; what of it Google does not know, it ignores.

    https://ai.google.dev/gemini-api/docs/structured-output
    """
    if asked.get("response_format") is None:
        return {}
    wanted = chat.member(asked, "response_format", "")
    kind = wanted.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        schema = wanted.get("response_schema")
    elif kind == "json_schema":
        named = chat.member(wanted, "json_schema", "response_format")
        schema = chat.member(named, "schema", "response_format.json_schema")
    else:
        raise chat.wrong("response_format.type", "text, json_object or json_schema")
    where = "response_format.json_schema.schema"
    shaped = (
        {"responseJsonSchema": google_schema(schema, where)} if isinstance(schema, dict) else {}
    )
    return {"responseMimeType": JSON_TYPE, **shaped}


def _modalities(asked: Json) -> Json:
    """Speech: its models give nothing beside it, and always as PCM.

    https://ai.google.dev/gemini-api/docs/speech-generation
    """
    config: Json = {}
    wanted = asked.get("modalities") or []
    if not isinstance(wanted, list) or not all(
        isinstance(item, str) and item in MODALITIES for item in wanted
    ):
        raise chat.wrong("modalities", f"an array of {', '.join(MODALITIES)}")
    if wanted and wanted != ["text"]:
        config["responseModalities"] = [MODALITIES[item] for item in wanted]
    if asked.get("audio") is not None and "audio" in wanted:
        audio = chat.member(asked, "audio", "")
        if audio.get("format") != PCM:
            raise chat.wrong("audio.format", f"{PCM}, the one that this provider has")
        voice = {"voiceName": chat.string(audio, "voice", "audio")}
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": voice}}
        config["responseModalities"] = ["AUDIO"]
    return config


def _tier(asked: Json) -> str | None:
    """A tier that Google does not have is left to it, as `auto` is."""
    tier = asked.get("service_tier")
    if tier is None:
        return None
    if not isinstance(tier, str):
        raise chat.wrong("service_tier", f"auto, {', '.join(TIERS)}")
    return TIERS.get(tier)

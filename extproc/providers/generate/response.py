"""A chat completion as a GenerateContentResponse.

https://ai.google.dev/api/generate-content#generatecontentresponse
"""

from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers import chat, lenient, openai
from extproc.providers.answers import content_text, count, objects, record, text
from extproc.providers.base import Request
from extproc.providers.generate import grounding
from extproc.providers.generate.blob import standard
from extproc.providers.generate.request import shows_thoughts
from extproc.providers.generate.signature import packed, unpacked
from extproc.providers.thoughts import spoken

FINISH: Mapping[str, str] = {
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
}
"""Any other reason is a natural end."""
MALFORMED = "MALFORMED_FUNCTION_CALL"
_SOUND = "audio/L16;codec=pcm;rate=24000"


def response(body: Json, asked: Request) -> Json:
    shown = shows_thoughts(asked)
    made: Json = {
        "candidates": [
            _candidate(choice, place, shown)
            for place, choice in enumerate(objects(body.get("choices")))
        ],
        "modelVersion": text(body.get("model")),
        "responseId": text(body.get("id")),
    }
    return made | usage_metadata(body.get("usage"))


def unstream(body: Json, asked: Request) -> list[Json]:
    """A whole answer is a stream of one."""
    return [body]


def _candidate(choice: Json, place: int, shown: bool) -> Json:
    message, index = record(choice.get("message")), count(choice.get("index"))
    reason = finish_reason(choice.get("finish_reason"))
    parts = thought_parts(spoken(message)) if shown else []
    said = said_parts(message)
    calls = [function_call(call) for call in objects(message.get("tool_calls"))]
    whole = [call for call in calls if call is not None]
    cited = grounding.metadata(
        objects(message.get("annotations")), text(message.get("content")), len(parts)
    )
    parts += [*said, *whole] or [{"text": ""}]
    sign(parts, thought_state(message, bool(whole)))
    return {
        "content": {"role": "model", "parts": parts},
        "finishReason": MALFORMED if len(whole) < len(calls) and reason == "STOP" else reason,
        "index": place if index is None else index,
        **cited,
        **logprobs(choice.get("logprobs"), average=True),
    }


def finish_reason(reason: Any) -> str:
    return FINISH.get(text(reason), "STOP")


def thought_parts(thought: str) -> list[Json]:
    """A thought, to be shown."""
    return [{"text": thought, "thought": True}] if thought else []


def said_parts(message: Json) -> list[Json]:
    """What a message or a delta says, shows and sounds."""
    said = content_text(message.get("content"))
    parts: list[Json] = [{"text": one} for one in (said, text(message.get("refusal"))) if one]
    for image in objects(message.get("images")):
        parts += _picture(text(record(image.get("image_url")).get("url")))
    if sound := standard(text(record(message.get("audio")).get("data"))):
        parts.append({"inlineData": {"mimeType": _SOUND, "data": sound}})
    return parts


def _picture(url: str) -> list[Json]:
    head, _, data = url.partition(",")
    if url.startswith("data:") and head.endswith(";base64") and standard(data):
        kind = head[5:].partition(";")[0]
        return [{"inlineData": {"mimeType": kind, "data": data}}]
    return [{"fileData": {"fileUri": url}}] if url else []


def function_call(call: Json) -> Json | None:
    """A tool call as a part; None for one whose arguments are no object."""
    function = record(call.get("function"))
    try:
        args = lenient.loads(text(function.get("arguments")) or "{}")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(args, dict):
        return None
    call_id, _, signature = text(call.get("id")).partition(chat.SIGNED_ID)
    known: Json = {"id": call_id} if call_id else {}
    part: Json = {"functionCall": {**known, "name": text(function.get("name")), "args": args}}
    own = text(record(call.get("provider_specific_fields")).get("thought_signature")) or signature
    sign([part], {"thought_signature": own})
    return part


def thought_state(message: Json, called: bool) -> Json:
    """What the provider must have back: signed thoughts always, others beside calls."""
    blocks = objects(message.get("thinking_blocks"))
    if any(block.get("signature") or block.get("data") for block in blocks):
        return {"thinking_blocks": blocks}
    thought = text(message.get("reasoning_content")) if called else ""
    return {"reasoning_content": thought}


def sign(parts: list[Json], state: Json) -> None:
    """Put the state where Google puts its own: on the first call, else on the last part."""
    place = next((part for part in parts if "functionCall" in part), parts[-1])
    signature = packed(unpacked(place.get("thoughtSignature")) | state)
    if signature:
        place["thoughtSignature"] = signature


def usage_metadata(raw: Any) -> Json:
    """`usageMetadata`, in which the thoughts are apart from the candidates' tokens."""
    usage = openai.usage(raw)
    if usage is None:
        return {}
    made: Json = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(0, usage.output - usage.reasoning),
        "totalTokenCount": usage.total,
    }
    if usage.cached:
        made["cachedContentTokenCount"] = usage.cached
    if usage.reasoning:
        made["thoughtsTokenCount"] = usage.reasoning
    made |= _modalities("promptTokensDetails", usage.input, usage.audio_input)
    made |= _modalities("candidatesTokensDetails", made["candidatesTokenCount"], usage.audio_output)
    return {"usageMetadata": made}


def _modalities(name: str, tokens: int, audio: int) -> Json:
    if not audio:
        return {}
    counts = {"TEXT": max(0, tokens - audio), "AUDIO": audio}
    return {name: [{"modality": kind, "tokenCount": count} for kind, count in counts.items()]}


def logprobs(value: Any, *, average: bool = False) -> Json:
    """`logprobsResult`, and of a whole answer `avgLogprobs`."""
    tokens = objects(record(value).get("content"))
    if not tokens:
        return {}
    made: Json = {
        "logprobsResult": {
            "chosenCandidates": [_logprob(token) for token in tokens],
            "topCandidates": [
                {"candidates": [_logprob(top) for top in objects(token.get("top_logprobs"))]}
                for token in tokens
            ],
        }
    }
    if average:
        known = [_number(token.get("logprob")) for token in tokens]
        made["avgLogprobs"] = sum(known) / len(known)
    return made


def _logprob(token: Json) -> Json:
    return {"token": text(token.get("token")), "logProbability": _number(token.get("logprob"))}


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0

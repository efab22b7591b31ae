"""A whole answer as a `chat.completion`.

A prompt that Google blocked gives no candidates: one choice without content, as LiteLLM has it.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import unusable_answer
from extproc.providers.gemini.answer import Answer, Choice, Said
from extproc.providers.gemini.errors import refuse


def response(body: Json, request: Request) -> Incoming:
    refuse(body, request.deployment)
    answer = Answer(request)
    said = answer.take(body)
    if not answer.choices:
        raise unusable_answer("the answer has no candidates", request.deployment)
    choices = [
        _choice(index, choice, [one for one in said if one.index == index], request)
        for index, choice in sorted(answer.choices.items())
    ]
    more: Json = {}
    if answer.grounding:
        more["vertex_ai_grounding_metadata"] = answer.grounding
    completion = chat.completion(request, answer.id, choices, answer.usage, **more)
    return Incoming(completion, answer.usage, answer.text)


def _choice(index: int, choice: Choice, said: list[Said], request: Request) -> Json:
    message: Json = {"role": "assistant", "content": None}
    for name, values in _gathered(said).items():
        message[name] = _sum(name, values, request)
    if annotations := choice.annotations:
        message["annotations"] = annotations
    whole = {"index": index, "message": message, "finish_reason": choice.finish_reason}
    probabilities = next((one.logprobs for one in said if one.logprobs), None)
    return {**whole, "logprobs": probabilities} if probabilities else whole


def _gathered(said: list[Said]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in said:
        for name, value in one.delta.items():
            found.setdefault(name, []).append(value)
    return found


def _sum(name: str, values: list[Any], request: Request) -> Any:
    """One member of all deltas: texts and lists are joined, calls lose their index."""
    if name == "tool_calls":
        calls = [call for value in values for call in value]
        return [{k: v for k, v in call.items() if k != "index"} for call in calls]
    if name == "provider_specific_fields":
        signatures = [one for value in values for one in value["thought_signatures"]]
        return {"thought_signatures": signatures}
    if name == "audio":
        return _audio(values, request)
    if isinstance(values[0], str):
        return "".join(values)
    return [item for value in values for item in value]


def _audio(values: list[Json], request: Request) -> Json:
    """Nobody keeps it, so it expires as it is made."""
    try:
        data = b"".join(b64decode(value["data"]) for value in values)
    except (NotBase64, ValueError):
        raise unusable_answer("the audio is not base64", request.deployment) from None
    made = {"data": b64encode(data).decode(), "transcript": "", "expires_at": int(request.at)}
    return {**values[0], **made}

"""Replicate: a prediction is made, and waited for as long as Replicate lets one.

Models have inputs of their own; these are those that language models share. An answer does not
stream: what would is a second address. https://replicate.com/docs/reference/http
https://replicate.com/docs/topics/predictions/create-a-prediction
"""

from collections.abc import Mapping
from urllib.parse import quote

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.openai import Chunks, unstream_chat
from extproc.providers.wordings import failure_message

SUPPORTED = frozenset(
    {"frequency_penalty", "max_completion_tokens", "max_tokens", "presence_penalty", "seed"}
    | {"stop", "temperature", "top_p"}
)
SAME = ("frequency_penalty", "presence_penalty", "seed", "temperature", "top_p", "max_tokens")
HEADERS: Mapping[str, str] = {"prefer": "wait=60"}
"""A minute is the longest that Replicate waits."""
UNFINISHED = frozenset({"starting", "processing"})
FAILED = frozenset({"failed", "canceled", "aborted"})
SPEAKERS: Mapping[str, str] = {"user": "User", "assistant": "Assistant"}


def _request(request: Request) -> Outgoing:
    asked = chat.given(request, SUPPORTED)
    own = chat.extras(request, asked)
    inputs: Json = {name: value for name, value in own.items() if name not in SUPPORTED}
    inputs |= _prompts(chat.messages(asked))
    inputs |= {name: asked[name] for name in SAME if name in asked}
    if "max_completion_tokens" in asked:
        inputs["max_tokens"] = asked["max_completion_tokens"]
    if stop := asked.get("stop"):
        inputs["stop_sequences"] = stop if isinstance(stop, str) else _joined(stop)
    path, version = _place(request.deployment.model)
    return Outgoing(path, {**version, "input": inputs}, HEADERS)


def _joined(stop: object) -> str:
    if not isinstance(stop, list) or not all(isinstance(one, str) for one in stop):
        raise chat.wrong("stop", "a string or an array of strings")
    return ",".join(stop)


def _place(model: str) -> tuple[str, Json]:
    """An official model or a deployment has an address; another is told by its version.

    The version goes with the model's name, so that Replicate refuses one of another model.
    https://replicate.com/docs/reference/http#predictions.create
    """
    if ":" in model:
        return "/predictions", {"version": model}
    if model.startswith("deployments/"):
        return f"/{quote(model)}/predictions", {}
    if "/" not in model:
        return "/predictions", {"version": model}
    return f"/models/{quote(model)}/predictions", {}


def _prompts(messages: list[Json]) -> Json:
    """One message is the prompt as it stands; a conversation is written out, speaker by speaker."""
    system: list[str] = []
    turns: list[tuple[str, str]] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        text = chat.text_of(message.get("content"), f"{where}.content")
        if message["role"] in ("system", "developer"):
            system.append(text)
        elif message["role"] in SPEAKERS:
            turns.append((SPEAKERS[message["role"]], text))
        else:
            raise chat.wrong(f"{where}.role", "system, developer, user or assistant")
    if len(turns) == 1:
        prompt = turns[0][1]
    else:
        prompt = "\n\n".join([f"{who}: {text}" for who, text in turns] + ["Assistant:"])
    return {"prompt": prompt} | ({"system_prompt": "\n".join(system)} if system else {})


def _response(body: Json, request: Request) -> Incoming:
    status = answers.text(body.get("status"))
    if status in UNFINISHED:
        late = "the prediction did not finish in time"
        # It goes on and is paid: another attempt would be a second one.
        raise ProviderError(
            failure_message("Timeout", request.deployment, late), 424, "timeout_error"
        )
    if status in FAILED:
        told = orjson.dumps({"message": str(body.get("error") or f"the prediction was {status}")})
        raise provider_error(500, {}, told, request.deployment)
    output = body.get("output")
    if isinstance(output, list) and all(isinstance(piece, str) for piece in output):
        output = "".join(output)
    if not isinstance(output, str):
        raise unusable_answer("the prediction's output is not text", request.deployment)
    used = _usage(answers.record(body.get("metrics")))
    message = {"role": "assistant", "content": output}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer_id = answers.text(body.get("id"))
    return Incoming(chat.completion(request, answer_id, [choice], used), used, output)


def _usage(metrics: Json) -> Usage | None:
    """Tokens are counted for official language models; other models are paid by time."""
    prompt, produced = (
        answers.count(metrics.get(f"{way}_token_count")) for way in ("input", "output")
    )
    return None if prompt is None or produced is None else Usage(input=prompt, output=produced)


CHAT = Translator(_request, _response, Chunks, unstream_chat, provider_error)

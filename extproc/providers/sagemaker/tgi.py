"""Text-generation-inference's own format, which its containers speak: a text is continued.

https://huggingface.github.io/text-generation-inference
https://huggingface.co/docs/text-generation-inference/basic_tutorials/consuming_tgi
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame

SUPPORTED = frozenset(
    {"frequency_penalty", "max_tokens", "max_completion_tokens", "response_format", "seed", "stop"}
    | {"temperature", "top_p", "user"}
)
SAME = ("frequency_penalty", "seed", "best_of")
RENAMED: Mapping[str, str] = {
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "echo": "return_full_text",
}
TAKEN = SUPPORTED.union({"prompt", "best_of", "echo", "suffix"})
FINISH: Mapping[str, str] = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}
STATUSES: Mapping[str, int] = {"overloaded": 429, "validation": 422}


def body(request: Request) -> Json:
    """A prompt and its parameters as a container takes them."""
    asked = chat.given(request, SUPPORTED)
    if suffix := asked.get("suffix"):
        chat.refuse(request, {"suffix": suffix}, rather="")
    parameters: Json = {"details": True}
    own = chat.extras(request, asked)
    parameters |= {name: value for name, value in own.items() if name not in TAKEN}
    parameters |= {name: asked[name] for name in SAME if name in asked}
    parameters |= {theirs: asked[ours] for ours, theirs in RENAMED.items() if ours in asked}
    parameters |= _sampling(asked)
    parameters |= _guidance(request, asked.get("response_format"))
    return {"inputs": _prompt(asked), "parameters": parameters}


def _prompt(asked: Json) -> str:
    prompt = asked.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise chat.wrong("prompt", "one string")
    return prompt


def _sampling(asked: Json) -> Json:
    """A temperature of 0 and a top_p of 1 are refused: they are what comes without them."""
    found: Json = {}
    if asked.get("temperature"):
        found |= {"temperature": asked["temperature"], "do_sample": True}
    if "top_p" in asked and asked["top_p"] != 1:
        found["top_p"] = asked["top_p"]
    if stop := asked.get("stop"):
        found["stop"] = [stop] if isinstance(stop, str) else stop
    return found


def _guidance(request: Request, wanted: Any) -> Json:
    """The grammar of an answer. Raises UnsupportedParams for JSON of any shape: it needs one."""
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        return {"grammar": _grammar(wanted)}
    chat.refuse(request, {"response_format": wanted}, rather=" A `json_schema` is taken.")
    return {}


def _grammar(wanted: Json) -> Json:
    """https://huggingface.co/docs/text-generation-inference/basic_tutorials/using_guidance"""
    schema = chat.member(wanted, "json_schema", "response_format")
    return {"type": "json", "value": chat.member(schema, "schema", "response_format.json_schema")}


def _completion(request: Request, choices: list[Json], used: Usage | None) -> Json:
    body: Json = {
        "id": f"cmpl-{request.call_id}",
        "object": "text_completion",
        "created": int(request.at),
        "model": request.deployment.model,
        "choices": choices,
    }
    return body | ({"usage": chat.usage_object(used)} if used is not None else {})


def _choice(text: str, finish_reason: str | None = None) -> Json:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}


def _usage(details: Json) -> Usage | None:
    """Known where the prompt was counted: in a stream, or where its tokens were asked for."""
    prompt, produced = (answers.count(details.get(n)) for n in ("input_length", "generated_tokens"))
    if prompt is None and isinstance(details.get("prefill"), list):
        prompt = len(details["prefill"]) or None
    return None if prompt is None or produced is None else Usage(input=prompt, output=produced)


def response(body: Json, request: Request) -> Incoming:
    """A container answers with one object, or with a list of one."""
    answer = next(iter(answers.objects(body.get("list"))), body)
    text = answer.get("generated_text")
    if not isinstance(text, str):
        raise unusable_answer("the answer has no generated_text", request.deployment)
    details = answers.record(answer.get("details"))
    used = _usage(details)
    reason = answers.named(FINISH, details.get("finish_reason"), "stop")
    return Incoming(_completion(request, [_choice(text, reason)], used), used, text)


class Chunks:
    """A stream of tokens: the last event also holds the whole text, and why it ended."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._text: list[str] = []
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def finish(self) -> list[Json]:
        """Nothing but its last event ends this stream."""
        return []

    def feed(self, frame: Frame) -> list[Json]:
        event = answers.event(frame, self._request.deployment)
        if event.get("error"):
            status = STATUSES.get(answers.text(event.get("error_type")), 500)
            raise provider_error(status, {}, frame.data, self._request.deployment)
        token = answers.record(event.get("token"))
        text = "" if token.get("special") is True else answers.text(token.get("text"))
        self._text.append(text)
        chunks = [self._chunk([_choice(text)])] if text else []
        return chunks + self._end(event) if event.get("generated_text") is not None else chunks

    def _end(self, event: Json) -> list[Json]:
        self.done = True
        details = answers.record(event.get("details"))
        self.usage = _usage(details)
        reason = answers.named(FINISH, details.get("finish_reason"), "stop")
        last = [self._chunk([_choice("", reason)])]
        return [*last, self._chunk([], self.usage)] if self.usage is not None else last

    def _chunk(self, choices: list[Json], used: Usage | None = None) -> Json:
        return _completion(self._request, choices, used)

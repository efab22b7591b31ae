"""A chat answer as a Response object.

What was asked is repeated in it, as OpenAI does; defaults are OpenAI's where the client was silent.
https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat, openai, thoughts
from extproc.providers.answers import content_text, objects, record, text
from extproc.providers.base import Request
from extproc.providers.responses import ids, seal, tools

REPEATED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""Members of the request that the answer repeats, with what stands there when they are missing."""

INCOMPLETE: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer stopped short, by chat's finish reason."""


def response(body: Json, request: Request) -> Json:
    """The whole Response for a `chat.completion`."""
    choice = next(iter(objects(body.get("choices"))), {})
    reason = text(choice.get("finish_reason"))
    output = _output(request, choice)
    if reason in INCOMPLETE and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    return ended(request, output, reason, body.get("usage"), body.get("service_tier"))


def ended(request: Request, output: list[Json], reason: str, usage: Any, tier: Any) -> Json:
    """A Response that is over: `reason` is chat's finish reason, `usage` chat's."""
    short = INCOMPLETE.get(reason)
    whole = envelope(request, "incomplete" if short else "completed")
    whole |= {"output": output, "usage": _usage(usage)}
    if short:
        whole["incomplete_details"] = {"reason": short}
    if isinstance(tier, str):
        whole["service_tier"] = tier
    return whole


def envelope(request: Request, status: str) -> Json:
    """A Response without an output."""
    asked = request.body
    repeated = {
        name: default if asked.get(name) is None else asked[name]
        for name, default in REPEATED.items()
    }
    reasoning = record(asked.get("reasoning"))
    return {
        "id": ids.encode(request.deployment.id, request.call_id),
        "object": "response",
        "created_at": int(request.at),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": request.deployment.model,
        "output": [],
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": text(asked.get("service_tier")) or "auto",
        "text": {"format": {"type": "text"}, **_given(record(asked.get("text")))},
        "usage": None,
        **repeated,
    }


def _given(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _usage(raw: Any) -> Json | None:
    used = openai.usage(raw)
    if used is None:
        return None
    return {
        "input_tokens": used.input,
        "input_tokens_details": {
            "cached_tokens": used.cached,
            "cache_write_tokens": used.cache_written,
        },
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }


def _output(request: Request, choice: Json) -> list[Json]:
    """The items in the order in which they would have been streamed."""
    message = record(choice.get("message"))
    output: list[Json] = []
    blocks, said = objects(message.get("thinking_blocks")), thoughts.spoken(message)
    if said or blocks:
        output.append(thought(item_id(request, "rs", 0), said, blocks))
    content = _content(message, choice)
    if content:
        output.append(spoken(item_id(request, "msg", len(output)), content, "completed"))
    custom = tools.custom_names(request)
    for raw in objects(message.get("tool_calls")):
        call = Called(raw, custom)
        output.append(call.item(item_id(request, call.prefix, len(output)), "completed"))
    return output


def item_id(request: Request, prefix: str, place: int) -> str:
    return f"{prefix}_{request.call_id}_{place}"


def thought(item: str, said: str, blocks: list[Json]) -> Json:
    """A reasoning item; what the provider wants back of it is put away in it."""
    summary = [{"type": "summary_text", "text": said}] if said else []
    written: Json = {"id": item, "type": "reasoning", "summary": summary}
    if sealed := seal.sealed(blocks):
        written["encrypted_content"] = sealed
    return written


def spoken(item: str, content: list[Json], status: str) -> Json:
    return {
        "id": item,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _content(message: Json, choice: Json) -> list[Json]:
    content: list[Json] = []
    if said := content_text(message.get("content")):
        part: Json = {"type": "output_text", "text": said}
        part["annotations"] = annotations(message.get("annotations"))
        part["logprobs"] = logprobs(choice.get("logprobs"))
        content.append(part)
    if refused := text(message.get("refusal")):
        content.append({"type": "refusal", "refusal": refused})
    return content


def annotations(raw: Any) -> list[Json]:
    """URL citations, flat as this API has them."""
    return [
        {
            "type": "url_citation",
            "url": text(cited.get("url")),
            "title": text(cited.get("title")),
            "start_index": _place(cited.get("start_index")),
            "end_index": _place(cited.get("end_index")),
        }
        for cited in (record(annotation.get("url_citation")) for annotation in objects(raw))
        if cited
    ]


def _place(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def logprobs(raw: Any) -> list[Json]:
    """Chat's log probabilities; bytes, which it may leave out, are the token's own."""
    return [
        {**_logprob(token), "top_logprobs": [_logprob(t) for t in objects(token["top_logprobs"])]}
        for token in ({"top_logprobs": None, **t} for t in objects(record(raw).get("content")))
    ]


def _logprob(token: Json) -> Json:
    said, chance = text(token.get("token")), token.get("logprob")
    raw = token.get("bytes")
    return {
        "token": said,
        "logprob": chance if isinstance(chance, int | float) else 0.0,
        "bytes": raw if isinstance(raw, list) else list(said.encode("utf-8", "replace")),
    }


class Called:
    """One tool call of a chat message or of a stream's first delta, as its item will show it."""

    def __init__(self, call: Json, custom: frozenset[str]) -> None:
        function = record(call.get("function")) or record(call.get("custom"))
        own_custom = call.get("type") == "custom"
        self.name = text(function.get("name"))
        self.custom = own_custom or self.name in custom
        self.prefix = "ctc" if self.custom else "fc"
        self.arguments = text(function.get("arguments")) or text(function.get("input"))
        self.call_id = text(call.get("id"))
        signature = record(call.get("provider_specific_fields")).get("thought_signature")
        if isinstance(signature, str) and chat.SIGNED_ID not in self.call_id:
            self.call_id += chat.SIGNED_ID + signature

    def item(self, item: str, status: str) -> Json:
        """The output item. A call to a custom tool has no status."""
        named = {"id": item, "call_id": self.call_id, "name": self.name}
        if self.custom:
            return {**named, "type": "custom_tool_call", "input": tools.unwrapped(self.arguments)}
        return {**named, "type": "function_call", "status": status, "arguments": self.arguments}

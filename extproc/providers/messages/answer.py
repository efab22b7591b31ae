"""A chat completion as an Anthropic Message.

The tool ids and names are the client's again (naming.py). `input_tokens` is what was neither read
from a cache nor written to one, as Anthropic counts.
https://platform.claude.com/docs/en/api/messages/create
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import NOTHING, Usage
from extproc.providers import lenient, openai
from extproc.providers.answers import content_text, objects, record, text
from extproc.providers.base import Request
from extproc.providers.failures import unusable_answer
from extproc.providers.messages import naming
from extproc.providers.thoughts import spoken

STOP_REASONS: Mapping[str, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
SERVICE_TIERS: Mapping[str, str] = {"default": "standard", "priority": "priority"}

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def message(completion: Json, asked: Request) -> Json:
    """Raises ProviderError for an answer that is none, or a tool call whose input is no object."""
    choices = objects(completion.get("choices"))
    if not choices:
        raise unusable_answer("the answer has no choices", asked.deployment)
    choice = choices[0]
    said = record(choice.get("message"))
    reason = choice.get("finish_reason")
    uses = _tool_uses(said, asked, cut=reason == "length")
    usage = usage_object(completion.get("usage"))
    if tier := service_tier(completion):
        usage["service_tier"] = tier
    body = opening(completion.get("id"), asked)
    stop = stop_of(choice, reason, asked, tools=bool(uses), refused=bool(said.get("refusal")))
    return {
        **body,
        "content": [*thoughts(said), *_texts(said), *uses],
        **stop,
        "usage": usage,
    }


def opening(answer_id: Any, asked: Request) -> Json:
    """A Message that has said nothing yet."""
    known = answer_id if isinstance(answer_id, str) and answer_id else asked.call_id
    bare = known.removeprefix("chatcmpl-").removeprefix("msg_")
    return {
        "id": f"msg_{_NOT_IN_AN_ID.sub('_', bare)}",
        "type": "message",
        "role": "assistant",
        "model": asked.deployment.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_object(None),
    }


def stop_of(choice: Json, reason: Any, asked: Request, *, tools: bool, refused: bool) -> Json:
    """`stop_reason` and `stop_sequence`.

    Some providers say "stop" where a tool is called; OpenAI does for a forced one. vLLM names the
    sequence that was found in the choice's own `stop_reason`.
    """
    found = choice.get("stop_reason")
    known = STOP_REASONS.get(reason, "end_turn") if isinstance(reason, str) else "end_turn"
    sequences = asked.body.get("stop_sequences")
    if refused:
        known = "refusal"
    elif tools and known == "end_turn":
        known = "tool_use"
    elif isinstance(found, str) and isinstance(sequences, list) and found in sequences:
        return {"stop_reason": "stop_sequence", "stop_sequence": found}
    return {"stop_reason": known, "stop_sequence": None}


def usage_object(raw: Any) -> Json:
    """Anthropic's usage for OpenAI's, whose prompt holds the cached tokens; zeros for none."""
    usage: Usage = openai.usage(raw) or NOTHING
    cached = min(usage.cached, usage.input)
    written = min(usage.cache_written, usage.input - cached)
    shown: Json = {
        "input_tokens": usage.input - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        shown["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return shown


def service_tier(completion: Json) -> str | None:
    tier = completion.get("service_tier")
    return SERVICE_TIERS.get(tier) if isinstance(tier, str) else None


def thoughts(part: Json) -> list[Json]:
    """The thinking of a message or a delta, as Anthropic's blocks; unsigned ones sign with ""."""
    found = [block for item in objects(part.get("thinking_blocks")) if (block := _thought(item))]
    thought = spoken(part)
    if found or not thought:
        return found
    return [{"type": "thinking", "thinking": thought, "signature": ""}]


def _thought(item: Json) -> Json | None:
    if item.get("type") == "redacted_thinking":
        return {"type": "redacted_thinking", "data": text(item.get("data"))}
    if item.get("type") != "thinking":
        return None
    thinking, signature = text(item.get("thinking")), text(item.get("signature"))
    return {"type": "thinking", "thinking": thinking, "signature": signature}


def citations(part: Json) -> list[Json]:
    """URL annotations as citations; what the cited page says is seldom known."""
    found = []
    for annotation in objects(part.get("annotations")):
        cited = annotation.get("url_citation")
        if isinstance(cited, dict) and isinstance(cited.get("url"), str):
            title = cited.get("title")
            found.append(
                {
                    "type": "web_search_result_location",
                    "url": cited["url"],
                    "title": title if isinstance(title, str) else None,
                    "cited_text": text(cited.get("content")),
                    "encrypted_index": "",
                }
            )
    return found


def _texts(said: Json) -> list[Json]:
    whole = content_text(said.get("content")) + text(said.get("refusal"))
    if not whole:
        return []
    block: Json = {"type": "text", "text": whole}
    if cited := citations(said):
        block["citations"] = cited
    return [block]


def _tool_uses(said: Json, asked: Request, *, cut: bool) -> list[Json]:
    names = naming.shown_names(asked.body)
    uses = []
    for place, call in enumerate(objects(said.get("tool_calls"))):
        function = call.get("function")
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            call_id = text(call.get("id")) or f"toolu_{asked.call_id}_{place}"
            uses.append(
                {
                    "type": "tool_use",
                    "id": naming.shown_id(call_id),
                    "name": names.get(function["name"], function["name"]),
                    "input": _input(function.get("arguments"), asked, cut=cut),
                }
            )
    return uses


def _input(arguments: Any, asked: Request, *, cut: bool) -> Json:
    """`cut`: the answer ended at the limit, so that arguments may end in the middle."""
    if arguments is None or arguments == "":
        return {}
    try:
        parsed = lenient.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    if cut:
        return {}
    raise unusable_answer("a tool call's arguments are no JSON object", asked.deployment)

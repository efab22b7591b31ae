"""Cohere's whole answer as a `chat.completion`.

Billed are `billed_units`: `tokens` also counts what Cohere adds to the prompt and special tokens,
for which it does not charge. https://docs.cohere.com/docs/how-does-cohere-pricing-work
https://docs.cohere.com/reference/chat  https://docs.cohere.com/docs/citations
"""

from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import provider_error, unusable_answer

FINISH: Mapping[str, str] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
}
FAILED: Mapping[str, int] = {"ERROR": 500, "TIMEOUT": 504}


def response(body: Json, request: Request) -> Incoming:
    said = body.get("message")
    if not isinstance(said, dict):
        raise unusable_answer("the answer has no message", request.deployment)
    reason = finish_reason(body, request.deployment)
    message, produced = _message(said, request)
    choice: Json = {"index": 0, "message": message, "finish_reason": reason}
    if logprobs := answers.objects(body.get("logprobs")):
        choice["logprobs"] = {"content": [entry for item in logprobs for entry in tokens(item)]}
    used = usage(body.get("usage"))
    more = {"citations": said["citations"]} if said.get("citations") else {}
    whole = chat.completion(request, answers.text(body.get("id")), [choice], used, **more)
    return Incoming(whole, used, "".join(produced))


def _message(said: Json, request: Request) -> tuple[Json, list[str]]:
    content = answers.objects(said.get("content"))
    text = "".join(answers.text(part.get("text")) for part in content)
    thoughts = [answers.text(part.get("thinking")) for part in content if part.get("thinking")]
    calls = answers.objects(said.get("tool_calls"))
    message: Json = {"role": "assistant", "content": text or (None if calls else "")}
    plan = answers.text(said.get("tool_plan"))
    if reasoning := "".join([*thoughts, plan]):
        message["reasoning_content"] = reasoning
    if thoughts:
        message["thinking_blocks"] = [{"type": "thinking", "thinking": one} for one in thoughts]
    if calls:
        message["tool_calls"] = [
            _call(call, f"call_{request.call_id}_{place}") for place, call in enumerate(calls)
        ]
    if found := annotations(said.get("citations")):
        message["annotations"] = found
    functions = [call["function"] for call in message.get("tool_calls", ())]
    produced = [reasoning, text] + [one["name"] + one["arguments"] for one in functions]
    return message, produced


def _call(call: Json, otherwise: str) -> Json:
    function = answers.record(call.get("function"))
    return chat.tool_call(
        answers.text(call.get("id")) or otherwise,
        answers.text(function.get("name")),
        answers.arguments(function.get("arguments")),
    )


def finish_reason(end: Json, deployment: Deployment) -> str:
    """OpenAI's word for why it ended. Raises ProviderError when it ended by a failure."""
    reason = end.get("finish_reason")
    if isinstance(reason, str) and reason in FAILED:
        raise failed(FAILED[reason], end.get("error") or "the generation failed", deployment)
    return answers.named(FINISH, reason, "stop")


def failed(status: int, message: Any, deployment: Deployment) -> ProviderError:
    """A failure that Cohere tells of inside an answer."""
    return provider_error(status, {}, orjson.dumps({"message": str(message)}), deployment)


def usage(raw: Any) -> Usage | None:
    """What is billed; what was counted, where the bill is not told."""
    said = answers.record(raw)
    for units in (answers.record(said.get("billed_units")), answers.record(said.get("tokens"))):
        prompt, produced = (
            answers.count(units.get(f"{way}_tokens")) for way in ("input", "output")
        )
        if prompt is not None or produced is not None:
            return Usage(
                input=prompt or 0,
                output=produced or 0,
                cached=min(prompt or 0, answers.count(said.get("cached_tokens")) or 0),
                searches=answers.count(units.get("search_units")) or 0,
            )
    return None


def annotations(citations: Any) -> list[Json]:
    """One annotation for each source of each citation of the answer's own text."""
    return [
        _annotation(citation, source)
        for citation in answers.objects(citations)
        if citation.get("type") in (None, "TEXT_CONTENT")
        for source in answers.objects(citation.get("sources"))
    ]


def _annotation(citation: Json, source: Json) -> Json:
    held = answers.record(source.get("document")) or answers.record(source.get("tool_output"))
    data = {**held, **answers.record(held.get("data"))}
    name = answers.text(source.get("id"))
    return {
        "type": "url_citation",
        "url_citation": {
            "url": answers.text(data.get("url")) or name,
            "title": answers.text(data.get("title")) or name,
            "start_index": answers.count(citation.get("start")) or 0,
            "end_index": answers.count(citation.get("end")) or 0,
        },
    }


def tokens(item: Json) -> list[Json]:
    """One piece of text with the log probabilities of its tokens: their sum is the piece's."""
    found = item.get("logprobs")
    numbers = [n for n in found if isinstance(n, int | float)] if isinstance(found, list) else []
    text = answers.text(item.get("text"))
    if not numbers:
        return []
    encoded = list(text.encode("utf-8", "replace"))
    return [{"token": text, "logprob": sum(numbers), "bytes": encoded, "top_logprobs": []}]

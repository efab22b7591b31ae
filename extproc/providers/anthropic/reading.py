"""What is read of Anthropic's answers and streams alike: usage, stop reasons, citations, errors.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
https://platform.claude.com/docs/en/api/errors
"""

from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import chat
from extproc.providers.answers import MOST, objects
from extproc.providers.failures import provider_error, unusable_answer

STOPS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
TIERS: Mapping[str, str] = {"standard": "default"}
"""Anthropic's names of service tiers that OpenAI calls otherwise."""

SERVER_BLOCKS = ("server_tool_use", "_tool_result")
"""How the types end of blocks about tools that the provider itself has run."""

_ERROR_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 503,
}
_STATUSES: Mapping[int, int] = {529: 503}


def usage(raw: Any) -> Usage | None:
    """Anthropic's usage object, made inclusive. None when it says nothing.

    What it cost to summarize a long conversation on the way stands beside the totals, not in them.
    https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    if not isinstance(raw, dict):
        return None
    steps = objects(raw.get("iterations"))
    compactions = [_counted(step) for step in steps if step.get("type") == "compaction"]
    return sum(compactions, _counted(raw)) or None


def _counted(raw: Json) -> Usage:
    cache = raw.get("cache_creation")
    cache = cache if isinstance(cache, dict) else {}
    for_an_hour = count(cache.get("ephemeral_1h_input_tokens"))
    parts = for_an_hour + count(cache.get("ephemeral_5m_input_tokens"))
    written = count(raw.get("cache_creation_input_tokens")) or parts
    cached = count(raw.get("cache_read_input_tokens"))
    output = count(raw.get("output_tokens"))
    details = raw.get("output_tokens_details")
    thought = count(details.get("thinking_tokens")) if isinstance(details, dict) else 0
    server = raw.get("server_tool_use")
    return Usage(
        input=count(raw.get("input_tokens")) + cached + written,
        output=output,
        cached=cached,
        cache_written=written,
        cache_written_1h=min(for_an_hour, written),
        reasoning=min(thought, output),
        searches=count(server.get("web_search_requests")) if isinstance(server, dict) else 0,
    )


def count(number: Any) -> int:
    """What is no sensible number of tokens counts as none."""
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MOST:
        return number
    return 0


def finish_reason(stop: Any, calls: bool, answered_by_tool: bool) -> str:
    """OpenAI's finish reason; an answer given through the answer's tool simply stops."""
    reason = STOPS.get(stop, "stop") if isinstance(stop, str) else "stop"
    return "stop" if reason == "tool_calls" and answered_by_tool and not calls else reason


def text(block: Json, name: str) -> str:
    found = block.get(name)
    return found if isinstance(found, str) else ""


def is_server_block(kind: str) -> bool:
    return kind.endswith(SERVER_BLOCKS)


def annotations(block: Json, start: int, end: int) -> list[Json]:
    """The web pages that a text block cites; `start` and `end` are its place in the content."""
    cited = block.get("citations")
    found = []
    for citation in cited if isinstance(cited, list) else ():
        url = citation.get("url", citation.get("source")) if isinstance(citation, dict) else None
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            page = {"url": url, "title": text(citation, "title")}
            place = {"start_index": start, "end_index": end}
            found.append({"type": "url_citation", "url_citation": {**page, **place}})
    return found


def refusal(holder: Json) -> str:
    """Why the model refused, where it is explained."""
    details = holder.get("stop_details")
    return text(details, "explanation") if isinstance(details, dict) else ""


def tool_input(block: Json, deployment: Deployment) -> str:
    """A tool call's input as JSON in a string."""
    given = block.get("input")
    try:
        return orjson.dumps(given if isinstance(given, dict) else {}).decode()
    except orjson.JSONEncodeError:
        raise unusable_answer("a tool's input is nested too deeply", deployment) from None


def tool_call(block: Json, place: int, call_id: str, deployment: Deployment) -> Json:
    own_id = text(block, "id") or f"call_{call_id}_{place}"
    return chat.tool_call(own_id, text(block, "name"), tool_input(block, deployment))


def error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    """529 is Anthropic's own status for an overload."""
    return provider_error(_STATUSES.get(status, status), headers, body, deployment)


def stream_error(event: Json, data: bytes, deployment: Deployment) -> ProviderError:
    """An `error` event; its type stands for the status."""
    detail = event.get("error")
    kind = detail.get("type") if isinstance(detail, dict) else None
    status = _ERROR_STATUSES.get(kind, 500) if isinstance(kind, str) else 500
    return provider_error(status, {}, data, deployment)

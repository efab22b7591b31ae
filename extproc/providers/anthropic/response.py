"""A whole Messages answer as a chat completion.

https://platform.claude.com/docs/en/api/messages
"""

from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.anthropic import reading
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import unusable_answer


def response(body: Json, request: Request) -> Incoming:
    """Raises ProviderError for an answer that is none."""
    blocks = content_of(body, request)
    message, answered_by_tool = _message(blocks, request)
    if explained := reading.refusal(body):
        message["refusal"] = explained
    calls = "tool_calls" in message
    reason = reading.finish_reason(body.get("stop_reason"), calls, answered_by_tool)
    choice = {"index": 0, "message": message, "finish_reason": reason}
    raw = body.get("usage")
    used = reading.usage(raw)
    tier = raw.get("service_tier") if isinstance(raw, dict) else None
    more = {"service_tier": reading.TIERS.get(tier, tier)} if isinstance(tier, str) else {}
    answer = chat.completion(request, reading.text(body, "id"), [choice], used, **more)
    return Incoming(answer, used, produced(blocks, request))


def content_of(body: Json, request: Request) -> list[Json]:
    """The answer's blocks. Raises ProviderError."""
    if body.get("type") == "error":
        raise reading.stream_error(body, orjson.dumps(body), request.deployment)
    blocks = body.get("content")
    if not isinstance(blocks, list):
        raise unusable_answer("the answer has no content", request.deployment)
    return [block for block in blocks if isinstance(block, dict)]


def produced(blocks: list[Json], request: Request) -> str:
    """All that the model wrote: texts, thoughts, tools' names and inputs."""
    texts = []
    for block in blocks:
        texts += [reading.text(block, "text"), reading.text(block, "thinking")]
        if reading.text(block, "type").endswith("tool_use"):
            texts += [reading.text(block, "name"), reading.tool_input(block, request.deployment)]
    return "".join(texts)


def _message(blocks: list[Json], request: Request) -> tuple[Json, bool]:
    """(the message, whether the answer's tool took it: what is said beside is then left out)."""
    content = ""
    answer = ""
    calls: list[Json] = []
    thoughts: list[Json] = []
    annotations: list[Json] = []
    server: list[Json] = []
    for block in blocks:
        kind = reading.text(block, "type")
        if kind == "text":
            start = len(content)
            content += reading.text(block, "text")
            annotations += reading.annotations(block, start, len(content))
        elif kind in ("thinking", "redacted_thinking"):
            thoughts.append(block)
        elif kind == "tool_use" and block.get("name") == chat.JSON_TOOL:
            answer = reading.tool_input(block, request.deployment)
        elif kind == "tool_use":
            place = len(calls)
            calls.append(reading.tool_call(block, place, request.call_id, request.deployment))
        elif reading.is_server_block(kind):
            server.append(block)
    reasoning = "".join(reading.text(block, "thinking") for block in thoughts)
    members: dict[str, Any] = {
        "tool_calls": calls,
        "reasoning_content": reasoning,
        "thinking_blocks": thoughts,
        "annotations": annotations,
        "provider_specific_fields": {"server_tool_blocks": server} if server else None,
    }
    message = {"role": "assistant", "content": answer or content or (None if calls else "")}
    message |= {name: member for name, member in members.items() if member}
    return message, bool(answer)

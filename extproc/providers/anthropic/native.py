"""Anthropic's own clients: a Messages body passes with the deployment's model, its answer too.

https://platform.claude.com/docs/en/api/messages
"""

from typing import Any

from extproc.domain.call import Json
from extproc.providers.anthropic import reading
from extproc.providers.anthropic.hosts import Host, betas
from extproc.providers.anthropic.response import content_of, produced
from extproc.providers.base import Incoming, Outgoing, Request

_ADDRESSED = frozenset({"anthropic_beta", "model", "stream"})


def request(asked: Request, host: Host) -> Outgoing:
    passed = {name: member for name, member in asked.body.items() if name not in _ADDRESSED}
    body = host.taken(_signed(passed))
    named = {**body, "anthropic_beta": asked.body.get("anthropic_beta")}
    return host.address(asked, body, betas(asked, named, host.betas))


def _signed(body: Json) -> Json:
    """The body without thoughts that nobody signed: another provider's, of an earlier turn."""
    turns = body.get("messages")
    if not isinstance(turns, list) or not any(_unsigned(block) for block in _blocks(turns)):
        return body
    kept = []
    for turn in turns:
        blocks = _blocks([turn])
        signed = [block for block in blocks if not _unsigned(block)]
        if len(signed) == len(blocks):
            kept.append(turn)
        elif signed:
            kept.append({**turn, "content": signed})
    return {**body, "messages": kept}


def _blocks(turns: list[Any]) -> list[Any]:
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    return [block for content in contents if isinstance(content, list) for block in content]


def _unsigned(block: Any) -> bool:
    return (
        isinstance(block, dict)
        and block.get("type") == "thinking"
        and block.get("signature") in (None, "")
    )


def response(body: Json, request: Request) -> Incoming:
    blocks = content_of(body, request)
    return Incoming(body, reading.usage(body.get("usage")), produced(blocks, request))


def unstream(body: Json, request: Request) -> list[Json]:
    """A whole message as the events of a stream: each block in one delta."""
    blocks = content_of(body, request)
    usage = body.get("usage")
    begun = {**body, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[Json] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(blocks):
        empty, deltas = _pieces(block, request)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in deltas:
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    stop = {name: body.get(name) for name in ("stop_reason", "stop_sequence")}
    events.append({"type": "message_delta", "delta": stop, "usage": usage or {}})
    return [*events, {"type": "message_stop"}]


def _pieces(block: Json, request: Request) -> tuple[Json, list[Json]]:
    """(the block as it starts, what it grows by); a block that never grows starts whole."""
    kind = reading.text(block, "type")
    if kind == "text":
        cited = block.get("citations")
        citations = cited if isinstance(cited, list) else []
        deltas = [{"type": "citations_delta", "citation": citation} for citation in citations]
        text = {"type": "text_delta", "text": reading.text(block, "text")}
        return {**block, "text": "", **({"citations": []} if citations else {})}, [*deltas, text]
    if kind == "thinking":
        thought = {"type": "thinking_delta", "thinking": reading.text(block, "thinking")}
        signature = {"type": "signature_delta", "signature": reading.text(block, "signature")}
        return {**block, "thinking": "", "signature": ""}, [thought, signature]
    if kind.endswith("tool_use"):
        written = reading.tool_input(block, request.deployment)
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": written}]
    return block, []

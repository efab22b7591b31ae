"""A stream of Messages events as chat chunks.

message_start │ (content_block_start │ content_block_delta* │ content_block_stop)* │ message_delta*
│ message_stop; ping, error and events yet unknown may come anywhere.
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections.abc import Callable, Mapping

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import chat, lenient
from extproc.providers.anthropic import reading
from extproc.providers.anthropic.hosts import Host
from extproc.providers.anthropic.request import answers_by_tool
from extproc.providers.base import Request
from extproc.providers.failures import unusable_answer
from extproc.providers.frames import Frame

_WRITTEN = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}

HOST_EVENT = "vertex_event"
"""Google's own, among Anthropic's: clients that know theirs alone would stumble over it."""


class Native:
    """The events as they are; usage and text are read on their way."""

    def __init__(self, request: Request) -> None:
        self._deployment = request.deployment
        self._text: list[str] = []
        self._usage: Json = {}
        self._counted = False
        self.done = False

    @property
    def usage(self) -> Usage | None:
        """What was read is known from the start; what is written is counted near the end alone.

        So of a stream that was cut the input is stated. None when the end came without a count.
        """
        if self._counted:
            return reading.usage(self._usage)
        return None if self.done else reading.usage({**self._usage, "output_tokens": 0})

    @property
    def text(self) -> str:
        return "".join(self._text)

    def finish(self) -> list[Json]:
        """Nothing but message_stop ends this stream."""
        return []

    def feed(self, frame: Frame) -> list[Json]:
        if self.done or frame.event == HOST_EVENT:
            return []
        try:
            event = lenient.loads(frame.data)
        except orjson.JSONDecodeError:
            raise unusable_answer("an event of the stream is not JSON", self._deployment) from None
        if not isinstance(event, dict):
            raise unusable_answer("an event of the stream is not an object", self._deployment)
        kind = reading.text(event, "type")
        if kind == "error":
            raise reading.stream_error(event, frame.data, self._deployment)
        self._read(kind, event)
        return [event]

    def _read(self, kind: str, event: Json) -> None:
        if kind == "content_block_delta":
            delta = _member(event, "delta")
            name = _WRITTEN.get(reading.text(delta, "type"), "")
            self._text.append(reading.text(delta, name))
        elif kind == "content_block_start":
            block = _member(event, "content_block")
            named = reading.text(block, "type").endswith("tool_use")
            self._text.append(reading.text(block, "name" if named else "text"))
        elif kind == "message_start":
            self._count(_member(event, "message").get("usage"))
        elif kind == "message_delta":
            self._count(event.get("usage"))
            self._counted = True
        elif kind == "message_stop":
            self.done = True

    def _count(self, raw: object) -> None:
        """Counters are cumulative: a later one replaces the earlier."""
        if isinstance(raw, dict):
            self._usage |= {name: number for name, number in raw.items() if number is not None}


class Chunks:
    """The same stream as chat chunks.

    Where a tool takes the answer, what is said beside it is no part of it: texts wait for the end.
    """

    def __init__(self, request: Request, host: Host) -> None:
        self._events = Native(request)
        self._held: list[str] | None = [] if answers_by_tool(request, host) else None
        self._request = request
        self._writer = chat.ChunkWriter(request)
        self._block: Json = {}
        """The block in progress; `input` of a tool is its JSON so far."""
        self._written = 0
        """Characters of content before the block in progress."""
        self._calls = 0
        self._answered_by_tool = False
        self._stop: object = None

    @property
    def usage(self) -> Usage | None:
        return self._events.usage

    @property
    def text(self) -> str:
        return self._events.text

    @property
    def done(self) -> bool:
        return self._events.done

    def finish(self) -> list[Json]:
        return []

    def feed(self, frame: Frame) -> list[Json]:
        chunks: list[Json] = []
        for event in self._events.feed(frame):
            handle = _HANDLERS.get(reading.text(event, "type"))
            chunks += handle(self, event) if handle else []
        return chunks

    def _started(self, event: Json) -> list[Json]:
        answer_id = reading.text(_member(event, "message"), "id")
        self._writer.id = answer_id or self._writer.id
        return [self._writer.delta({"content": ""})]

    def _block_started(self, event: Json) -> list[Json]:
        block = dict(_member(event, "content_block"))
        self._block = block
        kind = reading.text(block, "type")
        if kind == "text":
            self._written += len(reading.text(block, "text"))
            return self._said(reading.text(block, "text"))
        if kind == "thinking":
            return self._thought(reading.text(block, "thinking"))
        if not kind.endswith("tool_use"):
            return []
        given = block.get("input")
        block["json"] = reading.tool_input(block, self._request.deployment) if given else ""
        if kind != "tool_use":
            return []
        if block.get("name") == chat.JSON_TOOL:
            self._answered_by_tool = True
            return []
        call_id = reading.text(block, "id") or f"call_{self._request.call_id}_{self._calls}"
        self._calls += 1
        return [
            self._writer.delta(
                chat.tool_delta(self._calls - 1, "", call_id, reading.text(block, "name"))
            )
        ]

    def _block_grew(self, event: Json) -> list[Json]:
        delta = _member(event, "delta")
        grow = _DELTAS.get(reading.text(delta, "type"))
        return grow(self, delta) if grow else []

    def _text_grew(self, delta: Json) -> list[Json]:
        piece = reading.text(delta, "text")
        self._written += len(piece)
        self._block["text"] = reading.text(self._block, "text") + piece
        return self._said(piece)

    def _thinking_grew(self, delta: Json) -> list[Json]:
        piece = reading.text(delta, "thinking")
        self._block["thinking"] = reading.text(self._block, "thinking") + piece
        return self._thought(piece)

    def _signed(self, delta: Json) -> list[Json]:
        signature = reading.text(self._block, "signature") + reading.text(delta, "signature")
        self._block["signature"] = signature
        return []

    def _cited(self, delta: Json) -> list[Json]:
        known = self._block.get("citations")
        citations = known if isinstance(known, list) else []
        self._block["citations"] = [*citations, delta.get("citation")]
        return []

    def _input_grew(self, delta: Json) -> list[Json]:
        piece = reading.text(delta, "partial_json")
        self._block["json"] = reading.text(self._block, "json") + piece
        if not piece or self._block.get("type") != "tool_use":
            return []
        self._block["streamed"] = True
        return self._input(piece)

    def _input(self, piece: str) -> list[Json]:
        if self._block.get("name") == chat.JSON_TOOL:
            self._written += len(piece)
            return self._content(piece)
        return [self._writer.delta(chat.tool_delta(self._calls - 1, piece))]

    def _block_stopped(self, event: Json) -> list[Json]:
        block = self._block
        kind = reading.text(block, "type")
        end = _ENDINGS.get(kind)
        if end is None and reading.is_server_block(kind):
            end = Chunks._server_block
        chunks = end(self, block) if end else []
        self._block = {}
        return chunks

    def _text_ended(self, block: Json) -> list[Json]:
        start = self._written - len(reading.text(block, "text"))
        found = reading.annotations(block, start, self._written)
        return [self._writer.delta({"annotations": found})] if found else []

    def _thinking_ended(self, block: Json) -> list[Json]:
        return [self._writer.delta({"thinking_blocks": [block]})]

    def _tool_ended(self, block: Json) -> list[Json]:
        """A tool without a delta: its input came at once, or there is none."""
        return [] if block.get("streamed") else self._input(reading.text(block, "json") or "{}")

    def _server_block(self, block: Json) -> list[Json]:
        """What the provider's own tool was asked or said, whole."""
        written = block.pop("json", "")
        if written:
            try:
                block["input"] = lenient.loads(written)
            except orjson.JSONDecodeError:
                block["input"] = {}
        fields = {"server_tool_blocks": [block]}
        return [self._writer.delta({"provider_specific_fields": fields})]

    def _ending(self, event: Json) -> list[Json]:
        delta = _member(event, "delta")
        self._stop = delta.get("stop_reason") or self._stop
        explained = reading.refusal(delta)
        return [self._writer.delta({"refusal": explained})] if explained else []

    def _stopped(self, event: Json) -> list[Json]:
        reason = reading.finish_reason(self._stop, self._calls > 0, self._answered_by_tool)
        used = self.usage
        held = [] if self._answered_by_tool else self._held
        chunks = [*self._content("".join(held or ())), self._writer.finish(reason)]
        return [*chunks, self._writer.usage(used)] if used else chunks

    def _said(self, piece: str) -> list[Json]:
        if self._held is None:
            return self._content(piece)
        self._held.append(piece)
        return []

    def _content(self, piece: str) -> list[Json]:
        return [self._writer.delta({"content": piece})] if piece else []

    def _thought(self, piece: str) -> list[Json]:
        return [self._writer.delta({"reasoning_content": piece})] if piece else []


def _member(event: Json, name: str) -> Json:
    found = event.get(name)
    return found if isinstance(found, dict) else {}


Handler = Callable[[Chunks, Json], list[Json]]

_HANDLERS: Mapping[str, Handler] = {
    "message_start": Chunks._started,
    "content_block_start": Chunks._block_started,
    "content_block_delta": Chunks._block_grew,
    "content_block_stop": Chunks._block_stopped,
    "message_delta": Chunks._ending,
    "message_stop": Chunks._stopped,
}
_DELTAS: Mapping[str, Handler] = {
    "text_delta": Chunks._text_grew,
    "thinking_delta": Chunks._thinking_grew,
    "signature_delta": Chunks._signed,
    "citations_delta": Chunks._cited,
    "input_json_delta": Chunks._input_grew,
}
_ENDINGS: Mapping[str, Handler] = {
    "text": Chunks._text_ended,
    "thinking": Chunks._thinking_ended,
    "redacted_thinking": Chunks._thinking_ended,
    "tool_use": Chunks._tool_ended,
}

"""Chat chunks as the events of an Anthropic stream.

message_start ping {content_block_start content_block_delta* content_block_stop}* message_delta
message_stop

The client reads one block at a time, while a provider may send several tool calls at once. So
blocks stand in a queue: its first is written as it comes, the others wait until that one can grow
no more - a text or thinking when anything else comes, a tool call when its input is whole.
What was used is known at the end alone: message_start says nothing of it, message_delta all.
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers import lenient
from extproc.providers.answers import content_text, objects, record, text
from extproc.providers.base import Request
from extproc.providers.messages import naming
from extproc.providers.messages.answer import (
    citations,
    opening,
    stop_of,
    thoughts,
    usage_object,
)

EMPTY_TEXT: Json = {"type": "text", "text": ""}
EMPTY_THINKING: Json = {"type": "thinking", "thinking": "", "signature": ""}


class _Block:
    """One content block, and its deltas that are not written yet."""

    def __init__(self, start: Json, *deltas: Json, sealed: bool = False) -> None:
        self.start = start
        """The block as content_block_start shows it. A tool without a name cannot start."""
        self.deltas = list(deltas)
        self.sealed = sealed
        """Whether what comes next is another block, though of the same type."""
        self._input: list[str] = []

    @property
    def type(self) -> Any:
        return self.start["type"]

    def add_input(self, piece: str) -> None:
        if piece:
            self._input.append(piece)
            self.deltas.append({"type": "input_json_delta", "partial_json": piece})

    @property
    def ended(self) -> bool:
        """Whether it can grow no more when another block comes."""
        if self.type != "tool_use" or self.sealed:
            return True
        if self._input and self._input[-1].rstrip().endswith("}"):
            try:
                lenient.loads("".join(self._input))
            except orjson.JSONDecodeError:
                return False
            self.sealed = True
        return self.sealed


class _Blocks:
    """The queue: writes its first block, one after the other."""

    def __init__(self) -> None:
        self._queue: list[_Block] = []
        self._index = 0
        self._open = False
        self.tools = False
        """Whether a tool was called."""

    @property
    def last(self) -> _Block | None:
        return self._queue[-1] if self._queue else None

    def add(self, block: _Block) -> None:
        self._queue.append(block)

    def written(self, *, all_: bool = False) -> list[Json]:
        """The events of what can be written now; `all_`: nothing more will come."""
        events: list[Json] = []
        while self._queue:
            block = self._queue[0]
            if block.start.get("name") != "":
                events += self._grown(block)
            if not all_ and (len(self._queue) == 1 or not block.ended):
                return events
            if self._open:
                events.append({"type": "content_block_stop", "index": self._index})
                self._index += 1
                self._open = False
            block.sealed = True
            del self._queue[0]
        return events

    def _grown(self, block: _Block) -> list[Json]:
        events: list[Json] = []
        if not self._open:
            self._open = True
            self.tools = self.tools or block.type == "tool_use"
            start = {"index": self._index, "content_block": block.start}
            events.append({"type": "content_block_start", **start})
        for delta in block.deltas:
            events.append({"type": "content_block_delta", "index": self._index, "delta": delta})
        block.deltas = []
        return events


class MessageEvents:
    """One stream. The finish reason comes before the usage, so the end is told by `finish`."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._names = naming.shown_names(asked.body)
        self._blocks = _Blocks()
        self._calls: dict[str, _Block] = {}
        """The call that each index stands for."""
        self._count = 0
        self._begun = False
        self._end: Json = {}
        self._refused = False
        self._usage: Any = None

    def feed(self, chunk: Json) -> list[Json]:
        self._usage = chunk.get("usage") or self._usage
        events: list[Json] = []
        for choice in objects(chunk.get("choices")):
            if choice.get("index") not in (0, None):
                continue
            events += self._start(chunk.get("id"))
            if isinstance(choice.get("delta"), dict):
                self._add(choice["delta"])
            if choice.get("finish_reason"):
                self._end = choice
        return events + self._blocks.written()

    def finish(self) -> list[Json]:
        events = [*self._start(None), *self._blocks.written(all_=True)]
        reason, tools = self._end.get("finish_reason"), self._blocks.tools
        stop = stop_of(self._end, reason, self._asked, tools=tools, refused=self._refused)
        return events + _ending(stop, usage_object(self._usage))

    def _start(self, answer_id: Any) -> list[Json]:
        if self._begun:
            return []
        self._begun = True
        return _beginning(opening(answer_id, self._asked))

    def _add(self, delta: Json) -> None:
        for thought in thoughts(delta):
            self._add_thought(thought)
        refusal = text(delta.get("refusal"))
        self._refused = self._refused or bool(refusal)
        if piece := content_text(delta.get("content")) + refusal:
            self._add_to(EMPTY_TEXT, {"type": "text_delta", "text": piece})
        for citation in citations(delta):
            if (last := self._blocks.last) is not None and last.type == "text":
                last.deltas.append({"type": "citations_delta", "citation": citation})
        for place, call in enumerate(objects(delta.get("tool_calls"))):
            self._add_call(call.get("index", place), call)

    def _add_to(self, empty: Json, delta: Json) -> None:
        """To the last block when it is of this type, else to a new one."""
        last = self._blocks.last
        if last is None or last.type != empty["type"] or last.sealed:
            self._blocks.add(_Block({**empty}, delta))
        else:
            last.deltas.append(delta)

    def _add_thought(self, thought: Json) -> None:
        if thought["type"] == "redacted_thinking":
            self._blocks.add(_Block(thought, sealed=True))
            return
        if thought["thinking"]:
            delta = {"type": "thinking_delta", "thinking": thought["thinking"]}
            self._add_to(EMPTY_THINKING, delta)
        if thought["signature"]:
            delta = {"type": "signature_delta", "signature": thought["signature"]}
            self._add_to(EMPTY_THINKING, delta)
            if self._blocks.last is not None:
                self._blocks.last.sealed = True

    def _add_call(self, index: Any, call: Json) -> None:
        """A name with another id is another call, even where its index is the same."""
        function = record(call.get("function"))
        name, call_id = text(function.get("name")), text(call.get("id"))
        block = self._calls.get(str(index))
        if block is None or (name and call_id and naming.shown_id(call_id) != block.start["id"]):
            block = self._new_call(call_id)
            self._calls[str(index)] = block
        if block.sealed:
            return
        if not block.start["name"]:
            block.start["name"] = self._names.get(name, name)
        block.add_input(text(function.get("arguments")))

    def _new_call(self, call_id: str) -> _Block:
        self._count += 1
        shown = naming.shown_id(call_id or f"toolu_{self._asked.call_id}_{self._count - 1}")
        block = _Block({"type": "tool_use", "id": shown, "name": "", "input": {}})
        self._blocks.add(block)
        return block


def unstream(message: Json, asked: Request) -> list[Json]:
    """A whole Message as its events."""
    blocks = _Blocks()
    for block in objects(message.get("content")):
        blocks.add(_whole(block))
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    stop = {name: message.get(name) for name in ("stop_reason", "stop_sequence")}
    usage = {n: value for n, value in message["usage"].items() if n != "service_tier"}
    start["usage"] = {**message["usage"], "output_tokens": 0}
    return [*_beginning(start), *blocks.written(all_=True), *_ending(stop, usage)]


def _whole(block: Json) -> _Block:
    """A block of a Message, as `answer` writes them."""
    if block["type"] == "text":
        cited = [{"type": "citations_delta", "citation": c} for c in block.get("citations", ())]
        return _Block({**EMPTY_TEXT}, {"type": "text_delta", "text": block["text"]}, *cited)
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
        if block["signature"]:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return _Block({**EMPTY_THINKING}, *deltas)
    if block["type"] == "tool_use":
        use = _Block({**block, "input": {}})
        use.add_input(orjson.dumps(block["input"]).decode())
        return use
    return _Block(block)


def _beginning(message: Json) -> list[Json]:
    return [{"type": "message_start", "message": message}, {"type": "ping"}]


def _ending(stop: Json, usage: Json) -> list[Json]:
    return [
        {"type": "message_delta", "delta": stop, "usage": usage},
        {"type": "message_stop"},
    ]

"""ConverseStream's events as chat chunks.

messageStart, then for each block contentBlockStart? contentBlockDelta* contentBlockStop, then
messageStop with the reason, at last metadata with the usage.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Request
from extproc.providers.bedrock import failures
from extproc.providers.bedrock.response import annotation, finish_reason
from extproc.providers.bedrock.tools import answers_by_tool
from extproc.providers.bedrock.usage import usage
from extproc.providers.frames import Frame

ANSWER = -1
"""Stands for the place of the call that is the answer itself."""


class Chunks:
    """A stream that is complete once its message has stopped; the usage comes after that.

    Where a tool takes the answer, what is said beside it is no part of it: texts wait for the end.
    """

    def __init__(self, request: Request) -> None:
        self._deployment = request.deployment
        self._by_tool = answers_by_tool(request)
        self._writer = chat.ChunkWriter(request)
        self._calls: dict[int, int] = {}
        """The place of each block that is a tool call among the calls."""
        self._silent: set[int] = set()
        """The calls without arguments so far."""
        self._produced: list[str] = []
        self._held: list[str] = []
        self._stopped = False
        self.usage: Usage | None = None
        self.done = False
        self._events: Mapping[str, Callable[[Json], list[Json]]] = {
            "messageStart": self._message_start,
            "contentBlockStart": self._block_start,
            "contentBlockDelta": self._block_delta,
            "contentBlockStop": self._block_stop,
            "messageStop": self._message_stop,
            "metadata": self._metadata,
        }

    @property
    def text(self) -> str:
        return "".join(self._produced)

    def feed(self, frame: Frame) -> list[Json]:
        kind, _, name = frame.event.partition(":")
        if kind in ("exception", "error") and not self._stopped:
            raise failures.in_stream(name, frame.data, self._deployment)
        if kind not in self._events:
            return []
        return self._events[kind](answers.event(frame, self._deployment))

    def finish(self) -> list[Json]:
        self.done = self._stopped
        return []

    def _message_start(self, event: Json) -> list[Json]:
        return [self._writer.delta({"content": ""})]

    def _block_start(self, event: Json) -> list[Json]:
        use = answers.record(answers.record(event.get("start")).get("toolUse"))
        name, call_id = use.get("name"), use.get("toolUseId")
        if not isinstance(name, str) or not isinstance(call_id, str):
            return []
        block = _place(event)
        if self._by_tool and name == chat.JSON_TOOL:
            self._calls[block] = ANSWER
            return []
        index = sum(place != ANSWER for place in self._calls.values())
        self._calls[block] = index
        self._silent.add(block)
        self._produced.append(name)
        return [self._writer.delta(chat.tool_delta(index, "", call_id, name))]

    def _block_delta(self, event: Json) -> list[Json]:
        delta = answers.record(event.get("delta"))
        if "toolUse" in delta:
            return self._arguments(_place(event), answers.record(delta["toolUse"]).get("input"))
        if "reasoningContent" in delta:
            return self._thought(answers.record(delta["reasoningContent"]))
        if "citation" in delta:
            note = annotation(delta["citation"])
            return [] if note is None else [self._writer.delta({"annotations": [note]})]
        return self._said(delta.get("text"))

    def _block_stop(self, event: Json) -> list[Json]:
        """The arguments of a call that has none are an empty object all the same."""
        block = _place(event)
        return self._arguments(block, "{}") if block in self._silent else []

    def _said(self, text: Any) -> list[Json]:
        if not isinstance(text, str) or not text:
            return []
        self._produced.append(text)
        if not self._by_tool:
            return [self._writer.delta({"content": text})]
        self._held.append(text)
        return []

    def _arguments(self, block: int, text: Any) -> list[Json]:
        index = self._calls.get(block)
        if index is None or not isinstance(text, str) or not text:
            return []
        self._produced.append(text)
        if index == ANSWER:
            return [self._writer.delta({"content": text})]
        self._silent.discard(block)
        return [self._writer.delta(chat.tool_delta(index, text))]

    def _thought(self, content: Json) -> list[Json]:
        """One piece: text, the signature that ends a thought, or a hidden thought."""
        text, hidden = content.get("text"), content.get("redactedContent")
        if isinstance(text, str) and text:
            self._produced.append(text)
            piece: Json = {"type": "thinking", "thinking": text}
            return [self._writer.delta({"reasoning_content": text, "thinking_blocks": [piece]})]
        if isinstance(content.get("signature"), str):
            piece = {"type": "thinking", "thinking": "", "signature": content["signature"]}
        elif isinstance(hidden, str):
            piece = {"type": "redacted_thinking", "data": hidden}
        else:
            return []
        return [self._writer.delta({"thinking_blocks": [piece]})]

    def _message_stop(self, event: Json) -> list[Json]:
        if self._stopped:
            return []
        self._stopped = True
        calls = any(place != ANSWER for place in self._calls.values())
        held = "" if ANSWER in self._calls.values() else "".join(self._held)
        said = [self._writer.delta({"content": held})] if held else []
        return [*said, self._writer.finish(finish_reason(event.get("stopReason"), calls))]

    def _metadata(self, event: Json) -> list[Json]:
        self.usage = usage(event.get("usage")) or self.usage
        self.done = self._stopped
        return [] if self.usage is None else [self._writer.usage(self.usage)]


def _place(event: Json) -> int:
    place = event.get("contentBlockIndex")
    return place if isinstance(place, int) else 0

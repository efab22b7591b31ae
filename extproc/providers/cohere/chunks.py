"""Cohere's stream of typed events as `chat.completion.chunk`s.

https://docs.cohere.com/docs/streaming  https://docs.cohere.com/docs/tool-use-streaming
"""

from collections.abc import Callable, Mapping

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Request
from extproc.providers.cohere import response
from extproc.providers.frames import Frame


class Chunks:
    """One streamed answer: `message-end` is its last event."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._writer = chat.ChunkWriter(request)
        self._text: list[str] = []
        self._calls: dict[int, int] = {}
        """Cohere's index of a tool call -> ours."""
        self._empty: set[int] = set()
        """Tool calls of which no argument has come yet."""
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
        kind = event.get("type")
        if kind == "error" or (kind is None and "message" in event):
            raise response.failed(500, event.get("message"), self._request.deployment)
        reader = EVENTS.get(kind) if isinstance(kind, str) else None
        return reader(self, event) if reader else []

    def message_start(self, event: Json) -> list[Json]:
        self._writer.id = answers.text(event.get("id")) or self._writer.id
        return [self._writer.delta({"content": ""})]

    def content(self, event: Json) -> list[Json]:
        part = answers.record(_message(event).get("content"))
        text, thinking = answers.text(part.get("text")), answers.text(part.get("thinking"))
        self._text += [text, thinking]
        deltas: list[Json] = []
        if thinking:
            block = {"type": "thinking", "thinking": thinking}
            deltas.append({"reasoning_content": thinking, "thinking_blocks": [block]})
        if text:
            deltas.append({"content": text})
        chunks = [self._writer.delta(delta) for delta in deltas]
        logprobs = [t for i in answers.objects(event.get("logprobs")) for t in response.tokens(i)]
        if chunks and logprobs:
            chunks[-1]["choices"][0]["logprobs"] = {"content": logprobs}
        return chunks

    def tool_plan(self, event: Json) -> list[Json]:
        plan = answers.text(_message(event).get("tool_plan"))
        self._text.append(plan)
        return [self._writer.delta({"reasoning_content": plan})] if plan else []

    def tool_call_start(self, event: Json) -> list[Json]:
        index = len(self._calls)
        self._calls[_index(event)] = index
        call = next(iter(answers.objects(_message(event).get("tool_calls"))), {})
        function = answers.record(call.get("function"))
        name, begun = (answers.text(function.get(part)) for part in ("name", "arguments"))
        self._text += [name, begun]
        if not begun:
            self._empty.add(index)
        call_id = answers.text(call.get("id")) or f"call_{self._request.call_id}_{index}"
        return [self._writer.delta(chat.tool_delta(index, begun, call_id, name))]

    def tool_call_delta(self, event: Json) -> list[Json]:
        index = self._calls.get(_index(event))
        call = next(iter(answers.objects(_message(event).get("tool_calls"))), {})
        more = answers.text(answers.record(call.get("function")).get("arguments"))
        if index is None or not more:
            return []
        self._text.append(more)
        self._empty.discard(index)
        return [self._writer.delta(chat.tool_delta(index, more))]

    def tool_call_end(self, event: Json) -> list[Json]:
        index = self._calls.get(_index(event))
        if index is None or index not in self._empty:
            return []
        self._empty.discard(index)
        return [self._writer.delta(chat.tool_delta(index, "{}"))]

    def citation(self, event: Json) -> list[Json]:
        found = response.annotations(_message(event).get("citations"))
        return [self._writer.delta({"annotations": found})] if found else []

    def message_end(self, event: Json) -> list[Json]:
        end = answers.record(event.get("delta"))
        self.usage = response.usage(end.get("usage"))
        reason = response.finish_reason(end, self._request.deployment)
        self.done = True
        chunks = [self._writer.finish(reason)]
        return [*chunks, self._writer.usage(self.usage)] if self.usage else chunks


def _message(event: Json) -> Json:
    return answers.record(answers.record(event.get("delta")).get("message"))


def _index(event: Json) -> int:
    return answers.count(event.get("index")) or 0


EVENTS: Mapping[str, Callable[[Chunks, Json], list[Json]]] = {
    "message-start": Chunks.message_start,
    "content-start": Chunks.content,
    "content-delta": Chunks.content,
    "tool-plan-delta": Chunks.tool_plan,
    "tool-call-start": Chunks.tool_call_start,
    "tool-call-delta": Chunks.tool_call_delta,
    "tool-call-end": Chunks.tool_call_end,
    "citation-start": Chunks.citation,
    "message-end": Chunks.message_end,
}

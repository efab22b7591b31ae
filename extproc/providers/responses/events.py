"""A Response as the events of a stream: told piece by piece, or a whole one after the fact.

    response.created, response.in_progress
      response.output_item.added
        …part.added, ….delta, ….delta, ….done, …part.done          per part of the item
      response.output_item.done
    response.completed | response.incomplete

At most one item of thoughts or text is open; tool calls, whose pieces may come interleaved, stay
open to the end. https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import thoughts
from extproc.providers.answers import content_text, objects, record, text
from extproc.providers.base import Request
from extproc.providers.responses import answer, tools
from extproc.providers.responses.script import KINDS, Part, Script


class _Thoughts:
    """An open reasoning item."""

    def __init__(self, script: Script, item_id: str) -> None:
        self._script = script
        self._id = item_id
        self._blocks = thoughts.Blocks()
        self._summary: Part | None = None
        self.place = script.begin(answer.thought(item_id, "", []))

    def add(self, said: str, blocks: list[Json]) -> None:
        for block in blocks:
            self._blocks.add(block)
        if said:
            self._summary = self._summary or Part(self._script, "summary_text", self.place, 0)
            self._summary.add(said, [])

    def end(self, status: str) -> None:
        """Thoughts have no status."""
        said = text(self._summary.end().get("text")) if self._summary else ""
        self._script.end(self.place, answer.thought(self._id, said, self._blocks.whole))


class _Message:
    """An open message."""

    def __init__(self, script: Script, item_id: str) -> None:
        self._script = script
        self._id = item_id
        self._ended: list[Json] = []
        self._part: Part | None = None
        self.place = script.begin(answer.spoken(item_id, [], "in_progress"))

    def part(self, kind: str) -> Part:
        """The open part, which is of this kind."""
        if self._part is None or self._part.type != kind:
            self._close()
            self._part = Part(self._script, kind, self.place, len(self._ended))
        return self._part

    def end(self, status: str) -> None:
        self._close()
        self._script.end(self.place, answer.spoken(self._id, self._ended, status))

    def _close(self) -> None:
        if self._part is not None:
            self._ended.append(self._part.end())
            self._part = None


class _Call:
    """An open tool call. A custom tool's input is known when its arguments are whole."""

    def __init__(self, script: Script, called: answer.Called, item_id: str) -> None:
        self._script = script
        self._called = called
        self._id = item_id
        item = called.item(item_id, "in_progress")
        self.place = script.begin(item)
        self._part = Part(script, item["type"], self.place, 0)

    def add(self, piece: str) -> None:
        self._called.arguments += piece
        if piece and not self._called.custom:
            self._part.add(piece, [])

    def end(self, status: str) -> None:
        item = self._called.item(self._id, status)
        if self._called.custom and item["input"]:
            self._part.add(item["input"], [])
        self._part.end()
        self._script.end(self.place, item)


class Events:
    """One stream of chat chunks as events."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._custom = tools.custom_names(request)
        self._script = Script()
        self._begun = False
        self._open: _Thoughts | _Message | None = None
        self._calls: dict[Any, _Call] = {}
        self._reason = ""
        self._usage: Any = None
        self._tier: Any = None

    def feed(self, chunk: Json) -> list[Json]:
        self._begin()
        self._usage = chunk.get("usage") or self._usage
        self._tier = chunk.get("service_tier") or self._tier
        for choice in objects(chunk.get("choices")):
            if not choice.get("index"):
                self._take(choice)
        return self._script.taken()

    def finish(self) -> list[Json]:
        self._begin()
        last = "incomplete" if self._reason in answer.INCOMPLETE else "completed"
        final = len(self._script.output) - 1
        for item in (self._open, *self._calls.values()):
            if item is not None:
                item.end(last if item.place == final else "completed")
        response = answer.ended(
            self._request, self._script.output, self._reason, self._usage, self._tier
        )
        self._script.say(f"response.{response['status']}", response=response)
        return self._script.taken()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            for kind in ("response.created", "response.in_progress"):
                self._script.say(kind, response=answer.envelope(self._request, "in_progress"))

    def _take(self, choice: Json) -> None:
        delta = record(choice.get("delta"))
        said, blocks = thoughts.spoken(delta), objects(delta.get("thinking_blocks"))
        if said or blocks:
            self._thoughts().add(said, blocks)
        if content := content_text(delta.get("content")):
            chances = answer.logprobs(choice.get("logprobs"))
            self._message().part("output_text").add(content, chances)
        for annotation in answer.annotations(delta.get("annotations")):
            self._message().part("output_text").annotate(annotation)
        if refused := text(delta.get("refusal")):
            self._message().part("refusal").add(refused, [])
        for call in objects(delta.get("tool_calls")):
            self._call(call)
        self._reason = text(choice.get("finish_reason")) or self._reason

    def _thoughts(self) -> _Thoughts:
        if not isinstance(self._open, _Thoughts):
            self._close()
            self._open = _Thoughts(self._script, self._next_id("rs"))
        return self._open

    def _message(self) -> _Message:
        if not isinstance(self._open, _Message):
            self._close()
            self._open = _Message(self._script, self._next_id("msg"))
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.end("completed")
            self._open = None

    def _call(self, raw: Json) -> None:
        index = raw.get("index")
        key = index if isinstance(index, int) else text(raw.get("id"))
        piece = answer.Called(raw, self._custom)
        if key not in self._calls:
            self._close()
            begun = answer.Called(raw, self._custom)
            begun.arguments = ""
            self._calls[key] = _Call(self._script, begun, self._next_id(begun.prefix))
        self._calls[key].add(piece.arguments)

    def _next_id(self, prefix: str) -> str:
        return answer.item_id(self._request, prefix, len(self._script.output))


def unstream(body: Json, request: Request) -> list[Json]:
    """A whole Response as events."""
    script = Script()
    before = {**body, "status": "in_progress", "output": [], "usage": None}
    for kind in ("response.created", "response.in_progress"):
        script.say(kind, response={**before, "incomplete_details": None})
    for item in objects(body.get("output")):
        _tell(script, item)
    status = "incomplete" if body.get("status") == "incomplete" else "completed"
    script.say(f"response.{status}", response=body)
    return script.taken()


PARTS: Mapping[str, tuple[str, ...]] = {
    "message": ("content",),
    "reasoning": ("summary", "content"),
}
"""The members of an item that are told part by part."""


def _tell(script: Script, item: Json) -> None:
    """One item, from its beginning to its end. What is not made of text is told whole."""
    kind = text(item.get("type"))
    begun = {**item, "status": "in_progress"} if "status" in item else {**item}
    if kind in PARTS:
        members = [name for name in PARTS[kind] if isinstance(item.get(name), list)]
        place = script.begin({**begun, **{name: [] for name in members}})
        for name in members:
            for index, part in enumerate(objects(item[name])):
                _tell_part(script, part, place, index)
    elif kind in KINDS:
        member = KINDS[kind].member
        place = script.begin({**begun, member: ""})
        _tell_part(script, item, place, 0)
    else:
        place = script.begin(item)
    script.end(place, item)


def _tell_part(script: Script, part: Json, place: int, index: int) -> None:
    kind = text(part.get("type"))
    if kind not in KINDS or not isinstance(part.get(KINDS[kind].member), str):
        return
    told = Part(script, kind, place, index)
    if said := part[KINDS[kind].member]:
        told.add(said, objects(part.get("logprobs")))
    for annotation in objects(part.get("annotations")):
        told.annotate(annotation)
    told.end(part)

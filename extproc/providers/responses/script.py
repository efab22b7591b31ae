"""What is said in a stream of Responses events: numbered events, items in their places, texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extproc.domain.call import Json


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of text is told."""

    said: str
    """`{said}.delta` and `{said}.done` are its events."""
    member: str
    """What holds the text, in the part and in the last event."""
    part: str = ""
    """`{part}.added` and `{part}.done`, where the text is a part of its item."""
    index: str = ""
    """What the part's place in its item is called."""


KINDS: Mapping[str, Kind] = {
    "output_text": Kind("response.output_text", "text", "response.content_part", "content_index"),
    "refusal": Kind("response.refusal", "refusal", "response.content_part", "content_index"),
    "summary_text": Kind(
        "response.reasoning_summary_text",
        "text",
        "response.reasoning_summary_part",
        "summary_index",
    ),
    "reasoning_text": Kind("response.reasoning_text", "text", index="content_index"),
    "function_call": Kind("response.function_call_arguments", "arguments"),
    "custom_tool_call": Kind("response.custom_tool_call_input", "input"),
}
"""By the type of the part, or of the item that is all text."""


class Script:
    """The events so far, numbered, and the items of the output."""

    def __init__(self) -> None:
        self.output: list[Json] = []
        self._events: list[Json] = []
        self._number = 0

    def say(self, kind: str, **members: Any) -> None:
        self._events.append({"type": kind, "sequence_number": self._number, **members})
        self._number += 1

    def taken(self) -> list[Json]:
        events, self._events = self._events, []
        return events

    def begin(self, item: Json) -> int:
        """An item is added to the output; its place."""
        self.output.append(item)
        place = len(self.output) - 1
        self.say("response.output_item.added", output_index=place, item=item)
        return place

    def end(self, place: int, item: Json) -> None:
        self.output[place] = item
        self.say("response.output_item.done", output_index=place, item=item)


class Part:
    """One text of an item."""

    def __init__(self, script: Script, kind: str, place: int, index: int) -> None:
        self.type = kind
        self._annotations: list[Json] = []
        self._logprobs: list[Json] = []
        self._kind = KINDS[kind]
        self._script = script
        self._texts: list[str] = []
        self._where: Json = {"item_id": script.output[place].get("id", ""), "output_index": place}
        if self._kind.index:
            self._where[self._kind.index] = index
        if self._kind.part:
            script.say(f"{self._kind.part}.added", **self._where, part=self._shown())

    def _shown(self) -> Json:
        """The part as it is so far."""
        part: Json = {"type": self.type, self._kind.member: "".join(self._texts)}
        if self.type == "output_text":
            part |= {"annotations": [*self._annotations], "logprobs": [*self._logprobs]}
        return part

    def add(self, piece: str, logprobs: list[Json]) -> None:
        self._texts.append(piece)
        self._logprobs += logprobs
        chances = self._chances(logprobs)
        self._script.say(f"{self._kind.said}.delta", **self._where, delta=piece, **chances)

    def annotate(self, annotation: Json) -> None:
        self._script.say(
            "response.output_text.annotation.added",
            **self._where,
            annotation_index=len(self._annotations),
            annotation=annotation,
        )
        self._annotations.append(annotation)

    def end(self, part: Json | None = None) -> Json:
        """The part as it is told last: as it was told so far, or as it is known to be."""
        last = self._shown() if part is None else part
        whole = {self._kind.member: last[self._kind.member], **self._chances(self._logprobs)}
        self._script.say(f"{self._kind.said}.done", **self._where, **whole)
        if self._kind.part:
            self._script.say(f"{self._kind.part}.done", **self._where, part=last)
        return last

    def _chances(self, logprobs: list[Json]) -> Json:
        return {"logprobs": [*logprobs]} if self.type == "output_text" else {}

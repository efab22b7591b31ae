"""Chat chunks as the chunks of streamGenerateContent.

Each piece of text is a chunk. A functionCall is whole, so calls wait for the end of their choice;
the last chunk has the finish reasons and the usage, which chat sends apart.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from dataclasses import dataclass, field

from extproc.domain.call import Json
from extproc.providers.answers import count, objects, record, text
from extproc.providers.base import Request
from extproc.providers.chat import tool_call
from extproc.providers.generate import grounding
from extproc.providers.generate.request import shows_thoughts
from extproc.providers.generate.response import (
    MALFORMED,
    finish_reason,
    function_call,
    logprobs,
    said_parts,
    sign,
    thought_parts,
    thought_state,
    usage_metadata,
)
from extproc.providers.thoughts import Blocks


class Events:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._shown = shows_thoughts(asked)
        self._model = asked.deployment.model
        self._id = f"chatcmpl-{asked.call_id}"
        self._usage: Json = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, chunk: Json) -> list[Json]:
        self._id = text(chunk.get("id")) or self._id
        self._usage = usage_metadata(chunk.get("usage")) or self._usage
        candidates = []
        for choice in objects(chunk.get("choices")):
            index = count(choice.get("index")) or 0
            parts = self._choices.setdefault(index, _Choice()).feed(choice, self._shown)
            if parts:
                scores = logprobs(choice.get("logprobs"))
                candidates.append({"content": _content(parts), "index": index, **scores})
        return [self._chunk(candidates)] if candidates else []

    def finish(self) -> list[Json]:
        last = [
            {**choice.finish(), "index": index} for index, choice in sorted(self._choices.items())
        ]
        return [self._chunk(last) | self._usage]

    def _chunk(self, candidates: list[Json]) -> Json:
        return {
            "candidates": candidates,
            "modelVersion": self._model,
            "responseId": self._id,
        }


def _content(parts: list[Json]) -> Json:
    return {"role": "model", "parts": parts}


@dataclass(slots=True)
class _Call:
    """A tool call that is not whole yet."""

    index: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    signed: Json = field(default_factory=dict)

    def whole(self) -> Json:
        made = tool_call(self.id, self.name, "".join(self.arguments))
        return {**made, "provider_specific_fields": self.signed}


@dataclass(slots=True)
class _Choice:
    """What is known of one candidate."""

    reason: str = "STOP"
    said: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    blocks: Blocks = field(default_factory=Blocks)
    annotations: list[Json] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)

    def feed(self, choice: Json, shown: bool) -> list[Json]:
        """The parts to send at once."""
        delta = record(choice.get("delta"))
        if choice.get("finish_reason"):
            self.reason = finish_reason(choice["finish_reason"])
        self.said.append(text(delta.get("content")))
        self.thoughts.append(text(delta.get("reasoning_content")))
        self.annotations += objects(delta.get("annotations"))
        for block in objects(delta.get("thinking_blocks")):
            self.blocks.add(block)
        for call in objects(delta.get("tool_calls")):
            self._call(call)
        thought = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
        return [*(thought_parts(thought) if shown else []), *said_parts(delta)]

    def _call(self, delta: Json) -> None:
        """A piece of a call. A provider may give every call the same index, but not the same id."""
        index, call_id = count(delta.get("index")) or 0, text(delta.get("id"))
        found = [call for call in self.calls if call.index == index]
        if not found or (call_id and found[-1].id not in ("", call_id)):
            found = [_Call(index)]
            self.calls += found
        call, function = found[-1], record(delta.get("function"))
        call.id = call.id or call_id
        call.name = call.name or text(function.get("name"))
        call.arguments.append(text(function.get("arguments")))
        call.signed = record(delta.get("provider_specific_fields")) or call.signed

    def finish(self) -> Json:
        """The candidate of the last chunk: the calls, the signature, why it ended, its sources."""
        calls = [function_call(call.whole()) for call in self.calls]
        whole = [call for call in calls if call is not None]
        parts: list[Json] = whole or [{"text": ""}]
        state = {"thinking_blocks": self.blocks.whole, "reasoning_content": "".join(self.thoughts)}
        sign(parts, thought_state(state, bool(whole)))
        malformed = len(whole) < len(calls) and self.reason == "STOP"
        return {
            "content": _content(parts),
            "finishReason": MALFORMED if malformed else self.reason,
            **grounding.metadata(self.annotations, "".join(self.said)),
        }

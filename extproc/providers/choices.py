"""The choices of an answer as OpenAI tells them, whatever a server leaves out or repeats.

role                of a stream's choice, in its first delta alone
a call's index      from 0, one a call: some servers count none, some call every call 0
its id and name     in its first piece alone: clients append what comes
its arguments       text
finish_reason       once, in OpenAI's words; `tool_calls` where there were some
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers.answers import arguments, objects, record, text

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
OTHER_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_use", "tool_call", "tool_calls"), "tool_calls"),
    **dict.fromkeys(("refusal", "safety", "content_filtered", "error_toxic"), "content_filter"),
    **dict.fromkeys(("prohibited_content", "guardrail_intervened"), "content_filter"),
}
"""Why an answer ended, in the words of other formats, which some servers of OpenAI's keep."""


def reason(said: Any) -> Any:
    """OpenAI's word for why a choice ended; a word that nobody knows passes, an empty one not."""
    if not isinstance(said, str) or said in FINISH_REASONS:
        return said
    return OTHER_REASONS.get(said.lower(), said) or None


def put_right(answer: Json, stem: str) -> None:
    """A whole answer's choices. `stem` begins the ids of calls that have none.

    Some servers of open models say `stop` after a call, and write its arguments as an object.
    https://huggingface.co/docs/text-generation-inference/basic_tutorials/using_guidance
    """
    for choice in objects(answer.get("choices")):
        if "finish_reason" in choice:
            choice["finish_reason"] = reason(choice["finish_reason"])
        calls = objects(record(choice.get("message")).get("tool_calls"))
        for place, call in enumerate(calls):
            if not call.get("id"):
                call["id"] = f"{stem}_{place}"
            function = record(call.get("function"))
            if isinstance(function.get("arguments"), dict):
                function["arguments"] = arguments(function["arguments"])
        if calls and choice.get("finish_reason") == "stop":
            choice["finish_reason"] = "tool_calls"


class Choice:
    """One choice of a stream."""

    def __init__(self, stem: str) -> None:
        """`stem` begins the ids of calls that have none."""
        self.ended = False
        self._begun = False
        self._calls = _Calls(stem)

    def put_right(self, piece: Json) -> None:
        """One piece of it, changed in place."""
        delta = record(piece.get("delta"))
        if self._begun:
            if "role" in delta:
                delta = {name: value for name, value in delta.items() if name != "role"}
        elif not delta.get("role"):
            delta = {**delta, "role": "assistant"}
        self._begun = True
        if calls := objects(delta.get("tool_calls")):
            delta = {**delta, "tool_calls": [self._calls.put_right(call) for call in calls]}
        piece["delta"] = delta
        if "finish_reason" in piece:
            piece["finish_reason"] = self._once(reason(piece["finish_reason"]))

    def _once(self, said: Any) -> Any:
        if not said or self.ended:
            return None
        self.ended = True
        return self._ending if said == "stop" else said

    def end(self, index: int) -> Json:
        """The last piece, of a choice whose server forgot it."""
        self.ended = True
        return {"index": index, "delta": {}, "finish_reason": self._ending}

    @property
    def _ending(self) -> str:
        """Who called tools ended for them, where the server only says that it did."""
        return "tool_calls" if self._calls else "stop"


class _Calls:
    """The tool calls of one choice."""

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._names: list[str] = []
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        """The server's count -> ours."""

    def __len__(self) -> int:
        return len(self._names)

    def put_right(self, piece: Json) -> Json:
        kind = "custom" if "custom" in piece else "function"
        function = record(piece.get(kind))
        call_id, name = text(piece.get("id")), text(function.get("name"))
        place = self._place(piece.get("index"), call_id, name)
        if place is None:
            return self._begin(piece, call_id, name)
        shown = {key: value for key, value in piece.items() if key not in ("id", "type")}
        shown["index"] = place
        if self._names[place]:
            shown[kind] = {key: value for key, value in function.items() if key != "name"}
        self._names[place] = self._names[place] or name
        return _texted(shown)

    def _place(self, index: Any, call_id: str, name: str) -> int | None:
        """Which call a piece belongs to; None for the first piece of one."""
        if call_id in self._by_id:
            return self._by_id[call_id]
        counted = isinstance(index, int)
        place = self._by_index.get(index) if counted else len(self._names) - 1
        if place is None or place < 0:
            return None
        another = name and self._names[place] and (call_id or not counted)
        return None if another else place

    def _begin(self, piece: Json, call_id: str, name: str) -> Json:
        place = len(self._names)
        call_id = call_id or f"{self._stem}_{place}"
        self._names.append(name)
        self._by_id[call_id] = place
        if isinstance(piece.get("index"), int):
            self._by_index[piece["index"]] = place
        begun = {**piece, "index": place, "id": call_id, "type": piece.get("type") or "function"}
        return _texted(begun)


def _texted(piece: Json) -> Json:
    function = record(piece.get("function"))
    if isinstance(function.get("arguments"), dict):
        written = arguments(function["arguments"])
        return {**piece, "function": {**function, "arguments": written}}
    return piece

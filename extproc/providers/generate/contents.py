"""Google's contents as chat's messages.

model content ──► one assistant message: its text, its functionCalls
user content  ──► a tool message for each functionResponse, then one user message, with what the
                  model has shown before

Contents of one role that follow each other are one turn: SDKs keep each chunk of a stream as a
content of its own. A functionResponse belongs to the call with its id, else to the first call
of its name that has no result yet; a call without an id gets one from its place.
https://ai.google.dev/api/caching#Content
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.providers.carried import Carried
from extproc.providers.chat import tool_call, wrong
from extproc.providers.generate import media
from extproc.providers.generate.fields import members, repeated, text
from extproc.providers.generate.signature import unpacked

_ROLES: Mapping[str, str] = {"user": "user", "function": "user", "model": "model"}
_BESIDE = frozenset(
    {"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
)
"""What a part may hold beside its data."""

Turn = list[tuple[str, Json]]
"""The parts of one turn, and where each stands."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One request being read."""

    carried: Carried
    resolution: Any = None
    """The mediaResolution of images that have none of their own."""
    lacking: list[str] = field(default_factory=list)
    """What chat has no word for."""


class Calls:
    """The function calls of a conversation that wait for their results."""

    def __init__(self) -> None:
        self._made = 0
        self._waiting: list[tuple[str, str]] = []

    def made(self, call_id: Any, name: str) -> str:
        """The id of a call."""
        self._made += 1
        known = call_id if isinstance(call_id, str) and call_id else f"call_{self._made}"
        self._waiting.append((known, name))
        return known

    def answered(self, call_id: Any, name: str, where: str) -> str:
        """The id of the call that a result belongs to. Raises InvalidRequest for none."""
        found = [call for call in self._waiting if call[0] == call_id]
        found = found or [call for call in self._waiting if call[1] == name]
        if not found:
            raise wrong(where, "the result of a functionCall before it")
        self._waiting.remove(found[0])
        return found[0][0]


def system(value: Any, where: str) -> list[Json]:
    """The systemInstruction as a message; none without text."""
    if isinstance(value, str):
        value = {"parts": [{"text": value}]}
    parts = [
        {"type": "text", "text": text(part, "text", place)}
        for place, part in repeated(members(value, where).get("parts"), f"{where}.parts")
        if part.get("text") != ""
    ]
    return [{"role": "system", "content": _plain(parts, "\n")}] if parts else []


def messages(contents: Any, reading: Reading) -> list[Json]:
    """The messages of a conversation. Raises InvalidRequest naming the part."""
    calls = Calls()
    made: list[Json] = []
    shown: list[Json] = []
    for role, turn in _turns(contents):
        if role == "model":
            said, shown = _spoken(turn, calls, reading)
            made += said
        else:
            made += _asked(turn, calls, reading, shown)
            shown = []
    if shown:
        made.append({"role": "user", "content": shown})
    if not made:
        raise wrong("contents", "an array of contents with parts")
    return made


def _turns(contents: Any) -> list[tuple[str, Turn]]:
    turns: list[tuple[str, Turn]] = []
    for where, content in repeated(contents, "contents"):
        role = _ROLES.get(str(content.get("role", "user")).lower())
        if role is None:
            raise wrong(f"{where}.role", "'user' or 'model'")
        parts = list(repeated(content.get("parts"), f"{where}.parts"))
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    return turns


def _spoken(turn: Turn, calls: Calls, reading: Reading) -> tuple[list[Json], list[Json]]:
    """What the model said, as one message, and what it showed, which no such message can hold.

    Thoughts are for the reader: only signatures go back.
    """
    content: list[Json] = []
    tool_calls: list[Json] = []
    state: Json = {}
    for where, part in turn:
        carried = unpacked(part.get("thoughtSignature"))
        own = carried.pop("thought_signature", None) if "signed_ids" in reading.carried else None
        state |= {name: value for name, value in carried.items() if name in reading.carried}
        if part.get("thought") is True:
            continue
        if "functionCall" in part:
            tool_calls.append(_call(part["functionCall"], own, calls, f"{where}.functionCall"))
        else:
            content += _content(where, part, reading)
    said = [part for part in content if part["type"] == "text"]
    shown = [part for part in content if part["type"] != "text"]
    message: Json = {"role": "assistant", "content": _plain(said, ""), **state}
    if tool_calls:
        message["tool_calls"] = tool_calls
    return [message] if said or tool_calls else [], shown


def _call(value: Any, signature: Any, calls: Calls, where: str) -> Json:
    call = members(value, where)
    name = text(call, "name", where)
    args = call.get("args", {})
    if not isinstance(args, dict):
        raise wrong(f"{where}.args", "an object")
    made = tool_call(calls.made(call.get("id"), name), name, _json(args, f"{where}.args"))
    if signature:
        made["provider_specific_fields"] = {"thought_signature": signature}
    return made


def _asked(turn: Turn, calls: Calls, reading: Reading, shown: list[Json]) -> list[Json]:
    """What the user said: results first, as they must follow their calls, then all the rest.

    A tool message holds text alone, so the pictures and files of results belong to the rest, as
    do those that the model has `shown` before.
    """
    results: list[Json] = []
    content = [*shown]
    for where, part in turn:
        if "functionResponse" in part:
            at = f"{where}.functionResponse"
            result = members(part["functionResponse"], at)
            results.append(_result(result, calls, at))
            for place, attached in repeated(result.get("parts"), f"{at}.parts"):
                content += _content(place, attached, reading)
        elif "functionCall" in part:
            raise wrong(f"{where}.functionCall", "the role 'model' around it")
        else:
            content += _content(where, part, reading)
    return [*results, {"role": "user", "content": _plain(content, "\n")}] if content else results


def _result(result: Json, calls: Calls, where: str) -> Json:
    """A tool message. `output` alone is the result itself, else it is the whole response."""
    call_id = calls.answered(result.get("id"), text(result, "name", where), where)
    response = result.get("response", {})
    if not isinstance(response, dict):
        raise wrong(f"{where}.response", "an object")
    output = response["output"] if response.keys() == {"output"} else response
    shown = output if isinstance(output, str) else _json(output, f"{where}.response")
    return {"role": "tool", "tool_call_id": call_id, "content": shown}


def _content(where: str, part: Json, reading: Reading) -> list[Json]:
    """A part's content; none for an empty one. Raises InvalidRequest for an unknown kind."""
    if "videoMetadata" in part:
        reading.lacking.append(f"{where}.videoMetadata")
    kinds = part.keys() - _BESIDE
    known = [kind for kind in _CONTENTS if kind in kinds]
    if kinds and not known:
        raise wrong(f"{where}.{min(kinds)}", f"one of {', '.join(_CONTENTS)}")
    return [made for kind in known for made in _CONTENTS[kind](part, where, reading)]


def _text(part: Json, where: str, reading: Reading) -> list[Json]:
    said = text(part, "text", where)
    return [{"type": "text", "text": said}] if said else []


def _inline(part: Json, where: str, reading: Reading) -> list[Json]:
    blob = members(part["inlineData"], f"{where}.inlineData")
    return [media.inline(blob, f"{where}.inlineData", media.detail(part, reading.resolution))]


def _file(part: Json, where: str, reading: Reading) -> list[Json]:
    file = members(part["fileData"], f"{where}.fileData")
    made = media.file(file, f"{where}.fileData", media.detail(part, reading.resolution))
    if made["type"] == "file" and "://" in file["fileUri"] and "file_urls" not in reading.carried:
        raise wrong(f"{where}.fileData", "inlineData, as this model reads no URL of a document")
    return [made]


def _code(part: Json, where: str, reading: Reading) -> list[Json]:
    """Code that Google ran for the model, as the model would have written it."""
    code = members(part["executableCode"], f"{where}.executableCode")
    language = str(code.get("language", "")).lower().removeprefix("language_unspecified")
    said = text(code, "code", f"{where}.executableCode")
    return [{"type": "text", "text": f"```{language}\n{said}\n```\n"}]


def _code_result(part: Json, where: str, reading: Reading) -> list[Json]:
    result = members(part["codeExecutionResult"], f"{where}.codeExecutionResult")
    return [{"type": "text", "text": f"```\n{result.get('output', '')}\n```\n"}]


_CONTENTS: Mapping[str, Callable[[Json, str, Reading], list[Json]]] = {
    "text": _text,
    "inlineData": _inline,
    "fileData": _file,
    "executableCode": _code,
    "codeExecutionResult": _code_result,
}


def _plain(parts: list[Json], between: str) -> Any:
    """One string where all is text, which every provider takes; null for nothing."""
    if not parts:
        return None
    if all(part["type"] == "text" for part in parts):
        return between.join(part["text"] for part in parts)
    return parts


def _json(value: Any, where: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise wrong(where, "JSON that is nested less deeply") from None

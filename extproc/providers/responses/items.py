"""Input items of the Responses API as chat messages.

What the model said in one go are several items there and one message here:

    reasoning, message, function_call, function_call   ──►  one assistant message
    function_call_output                               ──►  one tool message

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from collections.abc import Callable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.errors import InvalidRequest
from extproc.providers import chat
from extproc.providers.answers import objects, text
from extproc.providers.base import Request
from extproc.providers.carried import Carried, carried_by
from extproc.providers.responses import seal, tools
from extproc.providers.responses.caching import mark

ROLES = frozenset({"user", "assistant", "system", "developer"})
SILENT = frozenset({"web_search_call"})
"""Items that only report: what they found is cited in the message after them."""
PARAGRAPH = "\n\n"


def messages(request: Request, body: Json) -> list[Json]:
    """Raises InvalidRequest naming `input[n]` for what chat has no word for."""
    written = _Conversation(carried_by(request))
    instructions = body.get("instructions")
    if instructions is not None:
        if not isinstance(instructions, str):
            raise chat.wrong("instructions", "a string")
        written.messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if isinstance(given, str):
        written.messages.append({"role": "user", "content": given})
        return written.messages
    if not isinstance(given, list):
        raise chat.wrong("input", "a string or an array of items")
    for place, item in enumerate(given):
        where = f"input[{place}]"
        if not isinstance(item, dict):
            raise chat.wrong(where, "an object")
        _add(written, item, where, request)
    return [message for message in written.messages if not _says_nothing(message)]


def _add(written: "_Conversation", item: Json, where: str, request: Request) -> None:
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if not isinstance(kind, str):
        raise chat.wrong(f"{where}.type", "a string")
    if kind in SILENT:
        return
    if kind in ITEMS:
        ITEMS[kind](written, item, where)
    elif kind == "item_reference":
        raise _unknown(where, "an item can only be given whole to a provider without a memory")
    elif not request.drop_params:
        raise _unknown(where, f"this model's provider takes no {kind!r} items")


def _unknown(where: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid value for '{where}': {reason}.", param="input")


class _Conversation:
    """The messages so far, for a provider that is known to take certain words."""

    def __init__(self, carried: Carried) -> None:
        self.carried = carried
        self.messages: list[Json] = []

    def assistant(self, joins: Callable[[Json], bool]) -> Json:
        """The assistant message to add to: the last one where `joins` agrees, else a new one."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") == "assistant" and joins(last):
            return last
        self.messages.append({"role": "assistant", "content": None})
        return self.messages[-1]


def _unspoken(message: Json) -> bool:
    """Whether a message can still take text or thoughts: its calls must stay together."""
    return message["content"] is None or "tool_calls" in message


def _says_nothing(message: Json) -> bool:
    """Thoughts that nothing came of: no provider takes them alone."""
    return message["content"] is None and "tool_calls" not in message


def _always(message: Json) -> bool:
    return True


def _message(written: _Conversation, item: Json, where: str) -> None:
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise chat.wrong(f"{where}.role", f"one of {', '.join(sorted(ROLES))}")
    kept = mark(item, written.carried)
    if role != "assistant":
        content = _content(item.get("content"), f"{where}.content", written.carried)
        written.messages.append({"role": role, "content": content, **kept})
        return
    message = written.assistant(_unspoken)
    said, refused = _said(item.get("content"), f"{where}.content", written.carried)
    before = [] if message["content"] is None else chat.parts(message["content"], where)
    message["content"] = _plain([*before, *said])
    if refused:
        message["refusal"] = message.get("refusal", "") + refused
    message |= kept


def _said(content: Any, where: str, carried: Carried) -> tuple[list[Json], str]:
    """What an assistant said: parts of text, and its refusal."""
    parts = chat.parts(content, where)
    refused = "".join(text(p.get("refusal")) for p in parts if p["type"] == "refusal")
    said = [
        _part(part, f"{where}[{place}]", carried)
        for place, part in enumerate(parts)
        if part["type"] != "refusal"
    ]
    return said, refused


def _content(content: Any, where: str, carried: Carried) -> Any:
    if isinstance(content, str):
        return content
    parts = chat.parts(content, where)
    return _plain([_part(part, f"{where}[{n}]", carried) for n, part in enumerate(parts)])


def _plain(parts: list[Json]) -> Any:
    """A lone text without marks is the string that every provider takes."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _part(part: Json, where: str, carried: Carried) -> Json:
    write = PARTS.get(part["type"])
    if write is None:
        raise chat.unsupported_part(where, part)
    if part.get("file_url") is not None and "file_urls" not in carried:
        raise _unknown(f"{where}.file_url", "this model's provider takes files by their data")
    return {**write(part, where), **mark(part, carried)}


def _text(part: Json, where: str) -> Json:
    return {"type": "text", "text": chat.string(part, "text", where)}


def _image(part: Json, where: str) -> Json:
    if part.get("image_url") is None and part.get("file_id") is not None:
        raise _unknown(f"{where}.file_id", "this model's provider has no uploaded images")
    image = {"url": chat.string(part, "image_url", where)}
    if isinstance(part.get("detail"), str):
        image["detail"] = part["detail"]
    return {"type": "image_url", "image_url": image}


def _file(part: Json, where: str) -> Json:
    """A file's URL travels as its id, as LiteLLM's clients write it."""
    known = {n: part[n] for n in ("file_data", "filename") if part.get(n) is not None}
    reference = part.get("file_id") or part.get("file_url")
    if reference is not None:
        known["file_id"] = reference
    if not known.keys() & {"file_data", "file_id"}:
        raise chat.wrong(where, "a file with file_data, file_id or file_url")
    if not all(isinstance(value, str) for value in known.values()):
        raise chat.wrong(where, "a file whose members are strings")
    return {"type": "file", "file": known}


def _audio(part: Json, where: str) -> Json:
    return {"type": "input_audio", "input_audio": chat.member(part, "input_audio", where)}


def _reasoning(written: _Conversation, item: Json, where: str) -> None:
    """Blocks that we put away come back whole; of other thoughts there is only the text.

    A provider that has no word for thoughts does without.
    """
    blocks = seal.opened(item.get("encrypted_content"))
    parts = chat.listed(item, "summary", where) or chat.listed(item, "content", where)
    said = PARAGRAPH.join(text(part.get("text")) for part in parts)
    blocks = blocks if "thinking_blocks" in written.carried else []
    said = said if "reasoning_content" in written.carried else ""
    if not blocks and not said:
        return
    message = written.assistant(_unspoken)
    before = message.get("reasoning_content")
    if said:
        message["reasoning_content"] = f"{before}{PARAGRAPH}{said}" if before else said
    if blocks:
        message["thinking_blocks"] = [*objects(message.get("thinking_blocks")), *blocks]


def _call(written: _Conversation, item: Json, where: str) -> None:
    custom = item["type"] == "custom_tool_call"
    raw = item.get("input" if custom else "arguments")
    given = "" if raw is None else raw
    if not isinstance(given, str):
        raise chat.wrong(f"{where}.{'input' if custom else 'arguments'}", "a string")
    call = chat.tool_call(
        _call_id(item, where, written.carried),
        chat.string(item, "name", where),
        tools.wrapped(given) if custom else given,
    )
    message = written.assistant(_always)
    message.setdefault("tool_calls", []).append(call)


def _call_id(item: Json, where: str, carried: Carried) -> str:
    """Without Gemini's signature, which is longer than others let an id be."""
    call_id = chat.string(item, "call_id", where)
    return call_id if "signed_ids" in carried else call_id.partition(chat.SIGNED_ID)[0]


def _output(written: _Conversation, item: Json, where: str) -> None:
    call_id = _call_id(item, where, written.carried)
    content = _content(item.get("output"), f"{where}.output", written.carried)
    written.messages.append({"role": "tool", "tool_call_id": call_id, "content": content})


ITEMS: Mapping[str, Callable[[_Conversation, Json, str], None]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "function_call_output": _output,
    "custom_tool_call": _call,
    "custom_tool_call_output": _output,
}

PARTS: Mapping[str, Callable[[Json, str], Json]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}

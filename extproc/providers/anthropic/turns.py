"""Chat messages as Anthropic's system prompt and turns.

Turns alternate: neighbours of one role are one turn, the results of tools open the user's next.
https://platform.claude.com/docs/en/api/messages
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat

PLACEHOLDER = "."
"""The first turn of a conversation that has none of the user's, where messages may be mended."""

_NOT_ID = re.compile(r"[^a-zA-Z0-9_-]")
_NATIVE_PARTS = frozenset({"container_upload", "document", "image", "search_result"})
_THOUGHTS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}
_IMAGE_TYPES = {"image/jpg": "image/jpeg"}


def conversation(body: Json, mend: bool) -> tuple[list[Json], list[Json]]:
    """(the system prompt's blocks, the turns). Raises InvalidRequest."""
    system: list[Json] = []
    turns: list[Json] = []
    for place, message in enumerate(_modern(chat.messages(body))):
        where = f"messages[{place}]"
        if message["role"] not in _ROLES:
            raise chat.wrong(f"{where}.role", f"one of {', '.join(_ROLES)}")
        role, write = _ROLES[message["role"]]
        blocks = _marked(write(message, where), message)
        if role == "system":
            system += blocks
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if mend and (not turns or turns[0]["role"] != "user"):
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": PLACEHOLDER}]})
    if not turns:
        raise chat.wrong("messages", "at least one message that is not the system's")
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    _trim_prefill(turns)
    return system, turns


def tool_id(call_id: str) -> str:
    """An id of any provider's as Anthropic takes it: letters, digits, `_` and `-`."""
    return _NOT_ID.sub("_", call_id.partition(chat.SIGNED_ID)[0])


def _modern(messages: list[Json]) -> Iterator[Json]:
    """The messages with tool calls instead of function calls, which have no ids."""
    call_id = "call_0"
    for place, message in enumerate(messages):
        call = message.get("function_call")
        if message["role"] == "assistant" and call is not None:
            call_id = f"call_{place}"
            made = {"id": call_id, "type": "function", "function": call}
            yield {**message, "tool_calls": [made]}
        elif message["role"] == "function":
            yield {**message, "role": "tool", "tool_call_id": call_id}
        else:
            yield message


def _system(message: Json, where: str) -> list[Json]:
    return _parts(message, where, _SYSTEM_PARTS)


def _user(message: Json, where: str) -> list[Json]:
    return _parts(message, where, _USER_PARTS)


def _assistant(message: Json, where: str) -> list[Json]:
    blocks = _thoughts(message, where)
    blocks += _parts(message, where, _ASSISTANT_PARTS)
    for place, call in enumerate(chat.listed(message, "tool_calls", where)):
        blocks.append(_tool_use(call, f"{where}.tool_calls[{place}]"))
    return blocks


def _tool_use(call: Json, where: str) -> Json:
    function = chat.member(call, "function", where)
    at = f"{where}.function"
    block = {
        "type": "tool_use",
        "id": tool_id(chat.string(call, "id", where)),
        "name": chat.string(function, "name", at),
        "input": chat.arguments(function.get("arguments"), f"{at}.arguments"),
    }
    return _marked([block], call)[0]


def _tool(message: Json, where: str) -> list[Json]:
    call_id = chat.string(message, "tool_call_id", where)
    block: Json = {"type": "tool_result", "tool_use_id": tool_id(call_id)}
    content = message.get("content")
    if isinstance(content, str) and content:
        block["content"] = content
    elif blocks := _parts(message, where, _USER_PARTS):
        block["content"] = blocks
    if message.get("is_error") is True:
        block["is_error"] = True
    return [block]


def _thoughts(message: Json, where: str) -> list[Json]:
    """Thinking goes back as it came; without its signature it would be refused."""
    blocks = []
    for block in chat.listed(message, "thinking_blocks", where):
        kind = block.get("type")
        names = _THOUGHTS.get(kind, ()) if isinstance(kind, str) else ()
        found = {name: block.get(name) for name in names}
        whole = all(isinstance(text, str) for text in found.values())
        if names and whole and found.get("signature") != "":
            blocks.append({"type": kind, **found})
    return blocks


Part = Callable[[Json, str], Json | None]


def _parts(message: Json, where: str, known: Mapping[str, Part]) -> list[Json]:
    blocks = []
    for place, part in enumerate(chat.parts(message.get("content"), f"{where}.content")):
        at = f"{where}.content[{place}]"
        write = known.get(part["type"])
        if write is None:
            raise chat.unsupported_part(at, part)
        block = write(part, at)
        if block is not None:
            blocks += _marked([block], part)
    return blocks


def _text(part: Json, where: str) -> Json | None:
    """A text block; blank ones are refused by the provider, and left out."""
    text = chat.string(part, "text", where)
    return {"type": "text", "text": text} if text.strip() else None


def _refusal(part: Json, where: str) -> Json | None:
    return _text({"text": part.get("refusal")}, where)


def _image(part: Json, where: str) -> Json:
    image = part.get("image_url")
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, dict):
        raise chat.wrong(f"{where}.image_url", "an object")
    url = chat.string(image, "url", f"{where}.image_url")
    return _media(url, image.get("format"), f"{where}.image_url.url", "image")


def _file(part: Json, where: str) -> Json:
    file = chat.member(part, "file", where)
    if file.get("file_data") is not None:
        data = chat.string(file, "file_data", f"{where}.file")
        block = _media(data, file.get("format"), f"{where}.file.file_data", "document")
    else:
        file_id = chat.string(file, "file_id", f"{where}.file")
        block = {"type": "document", "source": {"type": "file", "file_id": file_id}}
        if "://" in file_id:
            block["source"] = {"type": "url", "url": file_id}
    title = file.get("filename")
    if block["type"] == "document" and isinstance(title, str) and title:
        block["title"] = title
    return block


def _media(url: str, media_type: Any, where: str, otherwise: str) -> Json:
    """A block for a URL; what is not inlined is taken for what the part says that it is."""
    if url.startswith(("http://", "https://")):
        return {"type": otherwise, "source": {"type": "url", "url": url}}
    inline = chat.data_url(url, where)
    if inline is None:
        raise chat.wrong(where, "a data: or https: URL")
    kind = (media_type if isinstance(media_type, str) else inline[0]).partition(";")[0].lower()
    if kind.startswith("text/"):
        try:
            text = b64decode(inline[1]).decode()
        except UnicodeDecodeError:
            raise chat.wrong(where, "text in UTF-8") from None
        source = {"type": "text", "media_type": "text/plain", "data": text}
        return {"type": "document", "source": source}
    kind = _IMAGE_TYPES.get(kind, kind)
    source = {"type": "base64", "media_type": kind, "data": inline[1]}
    if kind == "application/pdf":
        return {"type": "document", "source": source}
    if not kind.startswith("image/"):
        raise chat.wrong(where, "an image, a PDF or a text")
    return {"type": "image", "source": source}


def _native(part: Json, where: str) -> Json:
    return dict(part)


def _marked(blocks: list[Json], marked: Json) -> list[Json]:
    """The last block with the `cache_control` of the part or message that it comes from."""
    mark = marked.get("cache_control")
    if blocks and isinstance(mark, dict):
        blocks[-1] = {**blocks[-1], "cache_control": blocks[-1].get("cache_control", mark)}
    return blocks


def _trim_prefill(turns: list[Json]) -> None:
    """A last turn of the assistant's is continued, and must not end in whitespace."""
    last = turns[-1]
    block = last["content"][-1]
    if last["role"] == "assistant" and block["type"] == "text":
        last["content"][-1] = {**block, "text": block["text"].rstrip()}


_SYSTEM_PARTS: Mapping[str, Part] = {"text": _text}
_ASSISTANT_PARTS: Mapping[str, Part] = {"text": _text, "refusal": _refusal}
_USER_PARTS: Mapping[str, Part] = {
    "text": _text,
    "image_url": _image,
    "file": _file,
    **dict.fromkeys(_NATIVE_PARTS, _native),
}
_ROLES: Mapping[str, tuple[str, Callable[[Json, str], list[Json]]]] = {
    "system": ("system", _system),
    "developer": ("system", _system),
    "user": ("user", _user),
    "assistant": ("assistant", _assistant),
    "tool": ("user", _tool),
}

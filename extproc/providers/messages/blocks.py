"""Anthropic's messages and their content blocks as chat messages, in their order.

A user turn's tool results become tool messages, which must follow the calls; the rest of the turn,
with the pictures and files of the results (a tool message holds text alone), is the user's message
after them. Texts that stand alone become one string, which every provider takes.
https://platform.claude.com/docs/en/api/messages
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.errors import InvalidRequest
from extproc.providers.carried import Carried
from extproc.providers.messages import naming

BILLING = "x-anthropic-billing-header:"

Part = Callable[[Json, str, Carried], list[Json]]


def wrong(where: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{where}: expected {expected}.", param=where)


def chat_messages(body: Json, carried: Carried) -> list[Json]:
    """`system` and `messages` as chat messages. Raises InvalidRequest naming the block."""
    turns = body.get("messages")
    if not isinstance(turns, list):
        raise wrong("messages", "an array")
    messages = []
    if (system := body.get("system")) is not None:
        messages += _system(system, "system", carried)
    for place, turn in enumerate(turns):
        where = f"messages.{place}"
        if not isinstance(turn, dict):
            raise wrong(where, "an object")
        if turn.get("role") not in ("user", "assistant", "system"):
            raise wrong(f"{where}.role", "'user', 'assistant' or 'system'")
        messages += TURNS[turn["role"]](turn.get("content"), f"{where}.content", carried)
    if body.get("cache_control") is not None and "cache_control" in carried and messages:
        messages[-1].setdefault("cache_control", body["cache_control"])
    return messages


def blocks(content: Any, where: str) -> list[Json]:
    """A content's blocks: a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise wrong(where, "a string or an array of content blocks")
    for place, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise wrong(f"{where}.{place}", "an object with a type")
    return content


def string(block: Json, name: str, where: str) -> str:
    found = block.get(name)
    if not isinstance(found, str):
        raise wrong(f"{where}.{name}", "a string")
    return found


def _system(content: Any, where: str, carried: Carried) -> list[Json]:
    parts = _parts(blocks(content, where), where, {"text": _instruction}, carried)
    return [{"role": "system", "content": _content(parts, "\n")}] if parts else []


def _user(content: Any, where: str, carried: Carried) -> list[Json]:
    results: list[Json] = []
    attached: list[Json] = []
    rest: list[Json] = []
    for place, block in enumerate(blocks(content, where)):
        at = f"{where}.{place}"
        if block["type"] == "tool_result":
            result, files = _tool_result(block, at, carried)
            results.append(result)
            attached += files
        else:
            rest += _part(block, at, USER_PARTS, carried)
    if attached or rest or not results:
        results.append({"role": "user", "content": _content(attached + rest, "\n")})
    return results


def _tool_result(block: Json, where: str, carried: Carried) -> tuple[Json, list[Json]]:
    """The tool message, and the parts of the result that it cannot hold."""
    call_id = string(block, "tool_use_id", where)
    content = block.get("content")
    found = [] if content is None else blocks(content, f"{where}.content")
    parts = _parts(found, f"{where}.content", USER_PARTS, carried)
    texts = [part for part in parts if part["type"] == "text"]
    result: Json = {
        "role": "tool",
        "tool_call_id": naming.upstream_id(call_id, signed="signed_ids" in carried),
        "content": _content(texts, "\n"),
    }
    if block.get("is_error") is True and "is_error" in carried:
        result["is_error"] = True
    return _marked(result, block, carried), [part for part in parts if part["type"] != "text"]


def _assistant(content: Any, where: str, carried: Carried) -> list[Json]:
    parts: list[Json] = []
    thoughts: list[Json] = []
    message: Json = {"role": "assistant", "content": None}
    calls: list[Json] = []
    for place, block in enumerate(blocks(content, where)):
        at = f"{where}.{place}"
        if block["type"] == "tool_use":
            calls.append(_tool_use(block, at, carried))
            _marked(message, block, carried)
        elif block["type"] in THOUGHTS:
            thoughts.append(_thought(block, at))
        else:
            parts += _part(block, at, {"text": _text}, carried)
    if parts or not calls:
        message["content"] = _content(parts, "")
    if calls:
        message["tool_calls"] = calls
    return [{**message, **_thinking(thoughts, carried)}]


def _tool_use(block: Json, where: str, carried: Carried) -> Json:
    value = block.get("input", {})
    if not isinstance(value, dict):
        raise wrong(f"{where}.input", "an object")
    try:
        arguments = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise wrong(f"{where}.input", "JSON that is not nested so deeply") from None
    name = naming.upstream_name(string(block, "name", where))
    call_id = naming.upstream_id(string(block, "id", where), signed="signed_ids" in carried)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


THOUGHTS: Mapping[str, tuple[str, ...]] = {
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
}
"""The members of each kind of thought."""


def _thought(block: Json, where: str) -> Json:
    kind = block["type"]
    members = {name: string({name: "", **block}, name, where) for name in THOUGHTS[kind]}
    return {"type": kind, **members}


def _thinking(thoughts: list[Json], carried: Carried) -> Json:
    """The thoughts, where they are read: signed ones as blocks, and all of their text."""
    members: Json = {}
    text = "".join(thought.get("thinking", "") for thought in thoughts)
    if text and "reasoning_content" in carried:
        members["reasoning_content"] = text
    if "unsigned_blocks" not in carried:
        thoughts = [t for t in thoughts if t.get("signature") or t.get("data")]
    if thoughts and ("thinking_blocks" in carried or "unsigned_blocks" in carried):
        members["thinking_blocks"] = thoughts
    return members


TURNS: Mapping[str, Callable[[Any, str, Carried], list[Json]]] = {
    "user": _user,
    "assistant": _assistant,
    "system": _system,
}


def _parts(
    found: list[Json], where: str, known: Mapping[str, Part], carried: Carried
) -> list[Json]:
    return [
        part
        for place, block in enumerate(found)
        for part in _part(block, f"{where}.{place}", known, carried)
    ]


def _part(block: Json, where: str, known: Mapping[str, Part], carried: Carried) -> list[Json]:
    """A block as chat parts, the last of them with the block's cache mark."""
    translate = known.get(block["type"])
    if translate is None:
        carried.refuse(where, f"a {block['type']!r} block")
        return []
    parts = translate(block, where, carried)
    if parts:
        _marked(parts[-1], block, carried)
    return parts


def _marked(part: Json, block: Json, carried: Carried) -> Json:
    if block.get("cache_control") is not None and "cache_control" in carried:
        part["cache_control"] = block["cache_control"]
    return part


def _content(parts: list[Json], between: str) -> str | list[Json]:
    """Parts as a content: a string where it is text alone, without a mark."""
    if all(part.keys() == {"type", "text"} for part in parts):
        return between.join(part["text"] for part in parts)
    return parts


def _text(block: Json, where: str, carried: Carried) -> list[Json]:
    text = string(block, "text", where)
    return [{"type": "text", "text": text}] if text else []


def _instruction(block: Json, where: str, carried: Carried) -> list[Json]:
    """Claude Code begins with a note for Anthropic's bills, each time another: it spoils caches."""
    return [] if string(block, "text", where).startswith(BILLING) else _text(block, where, carried)


def _image(block: Json, where: str, carried: Carried) -> list[Json]:
    source = _source(block, where)
    at = f"{where}.source"
    if source["type"] == "url":
        url = string(source, "url", at)
    elif source["type"] == "base64":
        url = _data_url(source, at)
    else:
        carried.refuse(where, f"an image of a {source['type']!r} source")
        return []
    return [{"type": "image_url", "image_url": {"url": url}}]


def _document(block: Json, where: str, carried: Carried) -> list[Json]:
    source = _source(block, where)
    at = f"{where}.source"
    named = [block[name] for name in ("title", "context") if isinstance(block.get(name), str)]
    kind = source["type"]
    if kind == "text":
        return [{"type": "text", "text": "\n".join([*named, string(source, "data", at)])}]
    if kind == "content":
        parts = _parts(
            blocks(source.get("content"), f"{at}.content"),
            f"{at}.content",
            {"text": _text, "image": _image},
            carried,
        )
        return [*({"type": "text", "text": name} for name in named), *parts]
    title = block.get("title")
    name = title if isinstance(title, str) and title else "document.pdf"
    if kind == "base64":
        return [{"type": "file", "file": {"filename": name, "file_data": _data_url(source, at)}}]
    if kind == "url" and "file_urls" in carried:
        return [{"type": "file", "file": {"file_id": string(source, "url", at)}}]
    carried.refuse(where, f"a document of a {kind!r} source")
    return []


def _search_result(block: Json, where: str, carried: Carried) -> list[Json]:
    head = [string(block, name, where) for name in ("title", "source")]
    found = blocks(block.get("content"), f"{where}.content")
    texts = [part["text"] for part in _parts(found, f"{where}.content", {"text": _text}, carried)]
    return [{"type": "text", "text": "\n".join([*head, *texts])}]


def _source(block: Json, where: str) -> Json:
    source = block.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("type"), str):
        raise wrong(f"{where}.source", "an object with a type")
    return source


def _data_url(source: Json, where: str) -> str:
    media_type = string(source, "media_type", where)
    return f"data:{media_type};base64,{string(source, 'data', where)}"


USER_PARTS: Mapping[str, Part] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}

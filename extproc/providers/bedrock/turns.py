"""Chat messages as Converse's alternating turns and its system blocks.

Messages of one role in a row are one turn; the results of a turn's tool calls are one user turn.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

import re
from hashlib import sha256

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.providers import chat
from extproc.providers.bedrock import media, models

TTLS = ("5m", "1h")
INTRODUCTION = "Please see the document."
_TOOL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Turns:
    """Fed with the messages in order; `system` and `messages` are Converse's."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.system: list[Json] = []
        self.messages: list[Json] = []
        self._names: set[str] = set()

    def add(self, message: Json, where: str) -> None:
        role = message["role"]
        if role in ("system", "developer"):
            text = chat.parts(message.get("content"), f"{where}.content")
            self.system += self._text_only(text, f"{where}.content")
            self.system += self._cache_point(message, where)
            return
        blocks = self._blocks(role, message, where)
        if blocks:
            self.append("assistant" if role == "assistant" else "user", blocks)
        elif role == "user":
            raise chat.wrong(f"{where}.content", "something that is not empty")

    def append(self, role: str, blocks: list[Json]) -> None:
        """To the last turn if it is of this role, else as a new one."""
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def introduce_documents(self) -> None:
        """Converse takes no document without a text in the same turn.

        https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
        """
        for message in self.messages:
            kinds = {kind for block in message["content"] for kind in block}
            if "document" in kinds and "text" not in kinds:
                message["content"].append({"text": INTRODUCTION})

    def _cache_point(self, marked: Json, where: str) -> list[Json]:
        return cache_point(marked, where, self._deployment)

    def _blocks(self, role: str, message: Json, where: str) -> list[Json]:
        if role == "tool":
            return self._result(message, where)
        content = self._content(message.get("content"), f"{where}.content")
        if role == "assistant":
            content = [*_thoughts(message, where), *content, *self._calls(message, where)]
        elif role != "user":
            raise chat.wrong(f"{where}.role", "system, developer, user, assistant or tool")
        return content + self._cache_point(message, where) if content else []

    def _content(self, content: object, where: str) -> list[Json]:
        blocks: list[Json] = []
        for place, part in enumerate(chat.parts(content, where)):
            here = f"{where}[{place}]"
            block = self._block(part, here)
            if block:
                blocks += [block, *self._cache_point(part, here)]
        return blocks

    def _block(self, part: Json, where: str) -> Json:
        """One part as a block; an empty text is none."""
        kind = part["type"]
        if kind in ("text", "refusal"):
            text = chat.string(part, kind, where)
            return {"text": text} if text.strip() else {}
        if kind == "guarded_text":
            return {"guardContent": {"text": {"text": chat.string(part, "text", where)}}}
        if kind in ("image_url", "video_url"):
            return media.from_url(_url(part, kind, where), f"{where}.{kind}", self._names)
        if kind == "input_audio":
            return media.sound(part, where)
        if kind == "file":
            return self._file(chat.member(part, "file", where), f"{where}.file")
        raise chat.unsupported_part(where, part)

    def _file(self, file: Json, where: str) -> Json:
        data = chat.string(file, "file_data", where)
        filename = file.get("filename")
        named = filename if isinstance(filename, str) else ""
        return media.from_url(data, f"{where}.file_data", self._names, named)

    def _result(self, message: Json, where: str) -> list[Json]:
        """A result and its cache point: inside of the result none may stand."""
        content = self._content(message.get("content"), f"{where}.content")
        points = [block for block in content if "cachePoint" in block]
        result: Json = {
            "toolUseId": tool_id(chat.string(message, "tool_call_id", where)),
            "content": [block for block in content if "cachePoint" not in block],
        }
        if message.get("is_error") is True and models.hears_of_errors(self._deployment):
            result["status"] = "error"
        return [{"toolResult": result}, *(self._cache_point(message, where) or points[-1:])]

    def _calls(self, message: Json, where: str) -> list[Json]:
        blocks: list[Json] = []
        for place, call in enumerate(chat.listed(message, "tool_calls", where)):
            here = f"{where}.tool_calls[{place}]"
            function = chat.member(call, "function", here)
            use = {
                "toolUseId": tool_id(chat.string(call, "id", here)),
                "name": tool_name(function, f"{here}.function"),
                "input": chat.arguments(function.get("arguments"), f"{here}.function.arguments"),
            }
            blocks += [{"toolUse": use}, *self._cache_point(call, here)]
        return blocks

    def _text_only(self, parts: list[Json], where: str) -> list[Json]:
        for place, part in enumerate(parts):
            if part["type"] not in ("text", "guarded_text"):
                raise chat.unsupported_part(f"{where}[{place}]", part)
        return self._content(parts, where)


def cache_point(marked: Json, where: str, deployment: Deployment) -> list[Json]:
    """The block after what carries a `cache_control`, where the model has a cache."""
    control = marked.get("cache_control")
    if control is None:
        return []
    if not isinstance(control, dict):
        raise chat.wrong(f"{where}.cache_control", "an object")
    point: Json = {"type": "default"}
    if control.get("ttl") is not None:
        if control["ttl"] not in TTLS:
            raise chat.wrong(f"{where}.cache_control.ttl", f"one of {', '.join(TTLS)}")
        if models.caches_longer(deployment):
            point["ttl"] = control["ttl"]
    return [{"cachePoint": point}] if models.caches(deployment) else []


def tool_id(given: str) -> str:
    """The id of a tool call in the letters Converse takes; the same id always gives the same."""
    plain = given.partition(chat.SIGNED_ID)[0]
    if _TOOL_ID.fullmatch(plain):
        return plain
    return f"call_{sha256(given.encode('utf-8', 'replace')).hexdigest()[:32]}"


def tool_name(function: Json, where: str) -> str:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html"""
    name = chat.string(function, "name", where)
    if not _TOOL_NAME.fullmatch(name):
        raise chat.wrong(f"{where}.name", "1 to 64 letters, digits, underscores and hyphens")
    return name


def _url(part: Json, kind: str, where: str) -> str:
    found = part.get(kind)
    return (
        found
        if isinstance(found, str)
        else chat.string(chat.member(part, kind, where), "url", f"{where}.{kind}")
    )


def _thoughts(message: Json, where: str) -> list[Json]:
    """The thoughts that can be given back: those that the model signed, and the hidden ones."""
    blocks: list[Json] = []
    for place, block in enumerate(chat.listed(message, "thinking_blocks", where)):
        here = f"{where}.thinking_blocks[{place}]"
        if block.get("type") == "redacted_thinking":
            blocks.append(
                {"reasoningContent": {"redactedContent": chat.string(block, "data", here)}}
            )
        elif block.get("signature"):
            text = {name: chat.string(block, name, here) for name in ("thinking", "signature")}
            shown = {"text": text["thinking"], "signature": text["signature"]}
            blocks.append({"reasoningContent": {"reasoningText": shown}})
    return blocks

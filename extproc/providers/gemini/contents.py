"""Chat messages as `contents` and `systemInstruction`.

Turns of one role are merged. The results of a turn's calls make one turn of their own, because
Google wants as many results as there were calls, right after them.
https://ai.google.dev/gemini-api/docs/function-calling
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers, chat
from extproc.providers.base import Request
from extproc.providers.gemini.media import media
from extproc.providers.gemini.sites import generation, site_of

"""Between a call's id and the signature that travels in it."""
NO_SIGNATURE = "skip_thought_signature_validator"
"""Google's own word for a call that another model made."""
FIRST_THAT_CHECKS = 3
"""The generation that refuses a call without a signature."""

ROLES: Mapping[str, str] = {"user": "user", "assistant": "model", "tool": "user"}


class _Conversation:
    """The turns so far."""

    def __init__(self, request: Request) -> None:
        self._site = site_of(request.deployment)
        self._checks = generation(request.deployment) >= FIRST_THAT_CHECKS
        self._names: dict[str, str] = {}
        self._turns: list[tuple[str, list[Json]]] = []
        self.system: list[Json] = []

    @property
    def contents(self) -> list[Json]:
        return [{"role": ROLES[role], "parts": parts} for role, parts in self._turns]

    def add(self, message: Json, where: str) -> None:
        role = message["role"]
        if role in ("system", "developer"):
            self.system += self._parts(message.get("content"), f"{where}.content")
            return
        if role not in ROLES:
            raise chat.wrong(f"{where}.role", "system, developer, user, assistant or tool")
        if role == "tool":
            parts = self._result(message, where)
        else:
            parts = self._parts(message.get("content"), f"{where}.content")
        if role == "assistant":
            parts = [*_thoughts(message), *_signed(parts, message), *self._calls(message, where)]
        self._append(role, parts)

    def _append(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        else:
            self._turns.append((role, parts))

    def _parts(self, content: Any, where: str) -> list[Json]:
        read = [
            media(part, f"{where}[{place}]", self._site)
            for place, part in enumerate(chat.parts(content, where))
        ]
        return [part for part in read if part is not None]

    def _calls(self, message: Json, where: str) -> list[Json]:
        calls = [
            self._call(call, f"{where}.tool_calls[{place}]")
            for place, call in enumerate(chat.listed(message, "tool_calls", where))
        ]
        if self._checks and calls and not any("thoughtSignature" in call for call in calls):
            calls[0]["thoughtSignature"] = NO_SIGNATURE
        return calls

    def _call(self, call: Json, where: str) -> Json:
        function = chat.member(call, "function", where)
        name = chat.string(function, "name", f"{where}.function")
        call_id = chat.string(call, "id", where)
        plain, _, carried = call_id.partition(chat.SIGNED_ID)
        self._names[plain] = name
        called: Json = {"name": name}
        called["args"] = chat.arguments(function.get("arguments"), f"{where}.function.arguments")
        signature = _field(call, "thought_signature") or _field(function, "thought_signature")
        signature = signature or carried
        part: Json = {"functionCall": {"id": plain, **called} if plain else called}
        return {**part, "thoughtSignature": signature} if signature else part

    def _result(self, message: Json, where: str) -> list[Json]:
        """Its text is the call's output; media stand beside it."""
        plain = chat.string(message, "tool_call_id", where).partition(chat.SIGNED_ID)[0]
        name = self._names.get(plain) or answers.text(message.get("name"))
        if not name:
            raise chat.wrong(f"{where}.tool_call_id", "the id of a tool call before it")
        parts = self._parts(message.get("content"), f"{where}.content")
        said = "".join(part["text"] for part in parts if "text" in part)
        outcome = "error" if message.get("is_error") is True else "output"
        response: Json = {"name": name, "response": {outcome: said}}
        if plain:
            response["id"] = plain
        return [{"functionResponse": response}, *(part for part in parts if "text" not in part)]


def contents(asked: Json, request: Request) -> Json:
    """The members `contents` and, when there is one, `systemInstruction`."""
    conversation = _Conversation(request)
    for place, message in enumerate(chat.messages(asked)):
        conversation.add(message, f"messages[{place}]")
    found, system = conversation.contents, conversation.system
    if not found:
        if not request.modify_params or not system:
            raise chat.wrong("messages", "a message of the user that is not empty")
        found, system = [{"role": "user", "parts": system}], []
    instruction = {"systemInstruction": {"parts": system}} if system else {}
    return {**instruction, "contents": found}


def _thoughts(message: Json) -> list[Json]:
    """What the model thought, unsigned: the signature may be another provider's, which Google
    refuses, and its own it wants back on calls and texts."""
    return [
        {"text": block["thinking"], "thought": True}
        for block in answers.objects(message.get("thinking_blocks"))
        if block.get("type") == "thinking" and answers.text(block.get("thinking"))
    ]


def _signed(parts: list[Json], message: Json) -> list[Json]:
    """The parts, the last one with the signature that came with the text."""
    signatures = answers.record(message.get("provider_specific_fields")).get("thought_signatures")
    last = signatures[-1] if isinstance(signatures, list) and signatures else None
    if not parts or not isinstance(last, str):
        return parts
    return [*parts[:-1], {**parts[-1], "thoughtSignature": last}]


def _field(value: Json, name: str) -> str:
    return answers.text(answers.record(value.get("provider_specific_fields")).get(name))

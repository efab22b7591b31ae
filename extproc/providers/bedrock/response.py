"""Converse's answer as a chat completion.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
"""

from collections.abc import Callable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Request
from extproc.providers.bedrock.tools import answers_by_tool
from extproc.providers.bedrock.usage import usage
from extproc.providers.failures import unusable_answer

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
}
"""Any other is `stop`."""


def response(body: Json, request: Request) -> Incoming:
    output = body.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    if not isinstance(message, dict):
        raise unusable_answer("the answer holds no message", request.deployment)
    answer = _Answer(answers_by_tool(request))
    blocks = message.get("content")
    for block in blocks if isinstance(blocks, list) else []:
        answer.add(block)
    used = usage(body.get("usage"))
    reason = finish_reason(body.get("stopReason"), bool(answer.calls))
    choice = {"index": 0, "message": answer.message(), "finish_reason": reason}
    completion = chat.completion(request, "", [choice], used, **_beside(body))
    return Incoming(completion, used, "".join(answer.produced))


def finish_reason(stop_reason: Any, has_calls: bool) -> str:
    """Of an answer by tool, no call is left for the client to make."""
    reason = FINISH_REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) else "stop"
    return "stop" if reason == "tool_calls" and not has_calls else reason


def annotation(citation: Any) -> Json | None:
    """A citation of a page in the web as OpenAI's; others have no word there.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html
    """
    location = answers.record(answers.record(citation).get("location"))
    url = answers.record(location.get("web")).get("url")
    if not isinstance(url, str):
        return None
    title = citation.get("title")
    return {
        "type": "url_citation",
        "url_citation": {"url": url, "title": title if isinstance(title, str) else ""},
    }


def _beside(body: Json) -> Json:
    """What stands beside the message: the tier, and what the guardrail saw."""
    beside: Json = {}
    if isinstance(tier := answers.record(body.get("serviceTier")).get("type"), str):
        beside["service_tier"] = tier
    if isinstance(body.get("trace"), dict):
        beside["trace"] = body["trace"]
    return beside


class _Answer:
    """Takes the blocks of a message apart; those of kinds unknown are skipped."""

    def __init__(self, by_tool: bool) -> None:
        self.calls: list[Json] = []
        self.produced: list[str] = []
        self._by_tool = by_tool
        self._content: list[str] = []
        self._answer = ""
        self._reasoning: list[str] = []
        self._thoughts: list[Json] = []
        self._annotations: list[Json] = []
        self._readers: Mapping[str, Callable[[Any], None]] = {
            "text": self._text,
            "toolUse": self._call,
            "reasoningContent": self._thought,
            "citationsContent": self._cited,
        }

    def add(self, block: Any) -> None:
        for name, value in answers.record(block).items():
            if name in self._readers:
                self._readers[name](value)

    def message(self) -> Json:
        """Where a tool took the answer, what was said beside it is no part of it."""
        content = self._answer or "".join(self._content)
        message: Json = {"role": "assistant", "content": content or None}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._thoughts:
            message["thinking_blocks"] = self._thoughts
        if self._annotations:
            message["annotations"] = self._annotations
        if self.calls:
            message["tool_calls"] = self.calls
        return message

    def _text(self, text: Any) -> None:
        if isinstance(text, str):
            self._content.append(text)
            self.produced.append(text)

    def _call(self, use: Any) -> None:
        found = answers.record(use)
        name, call_id = found.get("name"), found.get("toolUseId")
        arguments = answers.arguments(found.get("input"))
        if self._by_tool and name == chat.JSON_TOOL:
            self._answer = arguments
            self.produced.append(arguments)
        elif isinstance(name, str) and isinstance(call_id, str):
            self.calls.append(chat.tool_call(call_id, name, arguments))
            self.produced += [name, arguments]

    def _thought(self, content: Any) -> None:
        found = answers.record(content)
        if isinstance(hidden := found.get("redactedContent"), str):
            self._thoughts.append({"type": "redacted_thinking", "data": hidden})
        shown = answers.record(found.get("reasoningText"))
        if not isinstance(text := shown.get("text"), str):
            return
        thought = {"type": "thinking", "thinking": text}
        if isinstance(signature := shown.get("signature"), str):
            thought["signature"] = signature
        self._thoughts.append(thought)
        self._reasoning.append(text)
        self.produced.append(text)

    def _cited(self, content: Any) -> None:
        found = answers.record(content)
        for piece in answers.objects(found.get("content")):
            self._text(piece.get("text"))
        notes = (annotation(citation) for citation in answers.objects(found.get("citations")))
        self._annotations += [note for note in notes if note is not None]

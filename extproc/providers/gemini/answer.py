"""A GenerateContentResponse, or a stream of them, read as the deltas of chat chunks.

Every part is one delta; a whole answer is the sum of its deltas.
https://ai.google.dev/api/generate-content#generatecontentresponse
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Request
from extproc.providers.gemini import grounding
from extproc.providers.gemini.sites import generation
from extproc.providers.gemini.usage import usage

FINISH_REASONS: Mapping[str, str] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
}
"""Any other reason is a stop. https://ai.google.dev/api/generate-content#FinishReason"""
BLOCKED = "PROHIBITED_CONTENT"
"""Stands for every reason that a prompt is refused for."""
FIRST_BILLED_BY_QUERY = 3


@dataclass(slots=True)
class Choice:
    """What one candidate said so far."""

    calls: int = 0
    images: int = 0
    content: list[str] = field(default_factory=list)
    reason: str = ""
    grounding: Json = field(default_factory=dict)
    citations: Json = field(default_factory=dict)

    @property
    def finish_reason(self) -> str:
        """Google says STOP for a call too."""
        reason = FINISH_REASONS.get(self.reason, "stop")
        return "tool_calls" if self.calls and reason == "stop" else reason

    @property
    def annotations(self) -> list[Json]:
        if not self.grounding and not self.citations:
            return []
        return grounding.annotations(self.grounding, self.citations, "".join(self.content))


@dataclass(frozen=True, slots=True)
class Said:
    """One delta of one choice."""

    index: int
    delta: Json
    logprobs: Json | None = None


class Answer:
    """Takes what Google sends, piece by piece, and says what is new in it."""

    def __init__(self, request: Request) -> None:
        self.id = ""
        self.choices: dict[int, Choice] = {}
        self._call_id = request.call_id
        self._by_query = generation(request.deployment) >= FIRST_BILLED_BY_QUERY
        self._usage: Usage | None = None
        self._text: list[str] = []
        self._calls = 0

    @property
    def usage(self) -> Usage | None:
        """The last one stated, with the searches."""
        made = sum(
            grounding.searches(choice.grounding, each=self._by_query)
            for choice in self.choices.values()
        )
        if self._usage is None or not made:
            return self._usage
        return replace(self._usage, searches=made)

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def complete(self) -> bool:
        """Whether every choice has ended."""
        return bool(self.choices) and all(choice.reason for choice in self.choices.values())

    @property
    def grounding(self) -> list[Json]:
        """Google's own words about it, which LiteLLM's clients read."""
        return [choice.grounding for choice in self.choices.values() if choice.grounding]

    def take(self, body: Json) -> list[Said]:
        self.id = self.id or answers.text(body.get("responseId"))
        self._usage = usage(body.get("usageMetadata")) or self._usage
        candidates = answers.objects(body.get("candidates"))
        blocked = answers.record(body.get("promptFeedback")).get("blockReason")
        if blocked and not candidates:
            self.choices.setdefault(0, Choice()).reason = BLOCKED
        found: list[Said] = []
        for place, candidate in enumerate(candidates):
            stated = answers.count(candidate.get("index"))
            found += self._candidate(candidate, place if stated is None else stated)
        return found

    def _candidate(self, candidate: Json, index: int) -> list[Said]:
        choice = self.choices.setdefault(index, Choice())
        choice.reason = answers.text(candidate.get("finishReason")) or choice.reason
        choice.grounding = answers.record(candidate.get("groundingMetadata")) or choice.grounding
        choice.citations = answers.record(candidate.get("citationMetadata")) or choice.citations
        parts = answers.objects(answers.record(candidate.get("content")).get("parts"))
        said = [Said(index, delta) for part in parts if (delta := self._delta(part, choice))]
        probabilities = _logprobs(candidate.get("logprobsResult"))
        if probabilities is None:
            return said
        first, *others = said or [Said(index, {})]
        return [replace(first, logprobs=probabilities), *others]

    def _delta(self, part: Json, choice: Choice) -> Json:
        """What Google runs by itself (code, searches) is not shown: its text tells."""
        signature = answers.text(part.get("thoughtSignature"))
        if isinstance(part.get("functionCall"), dict):
            return self._call(part["functionCall"], signature, choice)
        if isinstance(part.get("inlineData"), dict):
            return self._media(part["inlineData"], choice)
        text = answers.text(part.get("text"))
        self._text.append(text)
        if part.get("thought") is True:
            block = {"type": "thinking", "thinking": text, "signature": signature}
            shown = {"reasoning_content": text, "thinking_blocks": [block]}
            return shown if text or signature else {}
        choice.content.append(text)
        delta: Json = {"content": text} if text else {}
        if signature:
            delta["provider_specific_fields"] = {"thought_signatures": [signature]}
        return delta

    def _call(self, call: Json, signature: str, choice: Choice) -> Json:
        name = answers.text(call.get("name"))
        given = answers.arguments(call.get("args"))
        self._text += [name, given]
        call_id = answers.text(call.get("id")) or f"call_{self._call_id}_{self._calls}"
        if signature:
            call_id = f"{call_id}{chat.SIGNED_ID}{signature}"
        delta = chat.tool_delta(choice.calls, given, call_id, name)
        if signature:
            signed = {"thought_signature": signature}
            delta["tool_calls"][0]["provider_specific_fields"] = signed
        self._calls += 1
        choice.calls += 1
        return delta

    def _media(self, blob: Json, choice: Choice) -> Json:
        media_type, data = answers.text(blob.get("mimeType")), answers.text(blob.get("data"))
        if media_type.startswith("image/"):
            url = {"url": f"data:{media_type};base64,{data}"}
            image = {"type": "image_url", "image_url": url, "index": choice.images}
            choice.images += 1
            return {"images": [image]}
        if media_type.startswith("audio/"):
            return {"audio": {"id": f"audio_{self._call_id}", "data": data}}
        return {}


def _logprobs(result: Any) -> Json | None:
    if not isinstance(result, dict):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for place, chosen in enumerate(answers.objects(result.get("chosenCandidates"))):
        others = answers.record(tops[place]).get("candidates") if place < len(tops) else []
        top = [_token(other) for other in answers.objects(others)]
        content.append({**_token(chosen), "top_logprobs": top})
    return {"content": content, "refusal": None}


def _token(candidate: Json) -> Json:
    token, probability = answers.text(candidate.get("token")), candidate.get("logProbability")
    return {
        "token": token,
        "logprob": probability if isinstance(probability, int | float) else 0.0,
        "bytes": list(token.encode()),
    }

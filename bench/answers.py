"""One answer in each provider's format, whole and as the events of a stream."""

from collections.abc import Mapping, Sequence
from typing import Any

TEXT = "About seven hundred thousand people live in Oslo."
WORDS = [f"{word} " for word in (TEXT * 4).split()]

WHOLE: Mapping[str, Mapping[str, Any]] = {
    "openai": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "a-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 90, "completion_tokens": 12, "total_tokens": 102},
    },
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "a-model",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 90, "output_tokens": 12, "cache_read_input_tokens": 0},
    },
    "gemini": {
        "candidates": [
            {
                "index": 0,
                "content": {"role": "model", "parts": [{"text": TEXT}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 90,
            "candidatesTokenCount": 12,
            "totalTokenCount": 102,
        },
        "modelVersion": "a-model",
        "responseId": "r1",
    },
    "bedrock": {
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 90, "outputTokens": 12, "totalTokens": 102},
        "metrics": {"latencyMs": 300},
    },
}


def _openai() -> list[tuple[str, Any]]:
    def chunk(delta: Any, reason: str | None = None) -> tuple[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return "", {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}

    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": word}) for word in WORDS),
        chunk({}, "stop"),
    ]


def _anthropic() -> list[tuple[str, Any]]:
    def event(kind: str, **more: Any) -> tuple[str, Any]:
        return kind, {"type": kind, **more}

    return [
        event("message_start", message={**WHOLE["anthropic"], "content": []}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
            for word in WORDS
        ),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 12}),
        event("message_stop"),
    ]


def _gemini() -> list[tuple[str, Any]]:
    usage = WHOLE["gemini"]["usageMetadata"]

    def chunk(word: str, **more: Any) -> tuple[str, Any]:
        candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": word}]}, **more}
        return "", {"candidates": [candidate], "usageMetadata": usage, "responseId": "r1"}

    return [*(chunk(word) for word in WORDS), chunk("", finishReason="STOP")]


def _bedrock() -> list[tuple[str, Any]]:
    return [
        ("messageStart", {"role": "assistant"}),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
            for word in WORDS
        ),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": WHOLE["bedrock"]["usage"], "metrics": {"latencyMs": 300}}),
    ]


STREAMS: Mapping[str, Sequence[tuple[str, Any]]] = {
    "openai": _openai(),
    "anthropic": _anthropic(),
    "gemini": _gemini(),
    "bedrock": _bedrock(),
}
"""(event, data) pairs; without what ends the connection."""

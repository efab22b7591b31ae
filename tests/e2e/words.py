"""Reading what a client received: events, text, and whether the end was an honest one."""

import json
from typing import Any

import httpx


def events(text: str) -> list[str]:
    """The data of every SSE event, comments left out."""
    blocks = text.replace("\r\n", "\n").split("\n\n")
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]


def chunks(text: str) -> list[dict[str, Any]]:
    """The JSON events, [DONE] left out."""
    return [json.loads(data) for data in events(text) if data != "[DONE]"]


def text_of(text: str) -> str:
    """All content deltas of a chat stream, joined."""
    deltas = [c["choices"][0]["delta"] for c in chunks(text) if c.get("choices")]
    return "".join(delta.get("content") or "" for delta in deltas)


def errors(text: str) -> list[dict[str, Any]]:
    """The error events of a stream."""
    return [chunk["error"] for chunk in chunks(text) if "error" in chunk]


def is_envelope(answer: httpx.Response) -> bool:
    """Whether an answer is the OpenAI error envelope, complete and nothing else."""
    if "application/json" not in answer.headers.get("content-type", ""):
        return False
    body = answer.json()
    return (
        isinstance(body, dict)
        and set(body) == {"error"}
        and {"message", "type", "param", "code"} <= set(body["error"])
        and bool(body["error"]["message"])
    )

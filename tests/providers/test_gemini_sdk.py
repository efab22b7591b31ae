"""Google's own types take what we send, and what the cases say that Google answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from pydantic import TypeAdapter

from tests.providers import cases

MEMBERS: dict[str, Any] = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "generationConfig": types.GenerationConfig,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "safetySettings": list[types.SafetySetting],
    "serviceTier": types.ServiceTier,
    "cachedContent": str,
    "labels": dict[str, str],
}
CHAT = [
    case
    for case in cases.found()
    if case.parts[-2] in ("gemini", "vertex") and case.parts[-3] in ("chat", "generate")
]


def _name(case: Path) -> str:
    return "/".join(case.parts[-3:])


@pytest.mark.parametrize("case", CHAT, ids=_name)
def test_sdk_knows_every_member_that_is_sent(case: Path) -> None:
    outgoing = json.loads((case / "outgoing.json").read_text())
    for name, value in outgoing.get("body", {}).items():
        TypeAdapter(MEMBERS[name]).validate_python(value)


@pytest.mark.parametrize(
    "case", [case for case in CHAT if (case / "upstream.sse").exists()], ids=_name
)
def test_sdk_reads_the_streams_that_the_cases_tell(case: Path) -> None:
    for line in (case / "upstream.sse").read_text().splitlines():
        chunk = line.removeprefix("data: ")
        if chunk.startswith("{") and chunk.endswith("}") and not chunk.startswith('{"error"'):
            types.GenerateContentResponse.model_validate_json(chunk)

"""Google's own types take what we send, and what the cases say that Google answers."""

import json
from pathlib import Path

import pytest
from google.genai import types

from tests.providers import cases
from tests.providers.providerschemas import google

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
    assert google(outgoing.get("body", {})) == []


@pytest.mark.parametrize(
    "case", [case for case in CHAT if (case / "upstream.sse").exists()], ids=_name
)
def test_sdk_reads_the_streams_that_the_cases_tell(case: Path) -> None:
    for line in (case / "upstream.sse").read_text().splitlines():
        chunk = line.removeprefix("data: ")
        if chunk.startswith("{") and chunk.endswith("}") and not chunk.startswith('{"error"'):
            types.GenerateContentResponse.model_validate_json(chunk)

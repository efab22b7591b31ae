"""Keys and rows to store."""

from dataclasses import replace
from typing import Any

from extproc.domain.key import Key
from extproc.domain.ledger import Begun, Ended, SpendRow
from extproc.domain.usage import Usage

KEY = Key(
    hash="a" * 64,
    name="sk-...abcd",
    alias="first",
    models=("gpt-4o", "openai/*"),
    aliases={"fast": "gpt-4o-mini"},
    metadata={"tags": ["x"], "deep": {"n": 1.5, "none": None}},
    permissions={"hide_secrets": False},
    expires_at=1_800_000_000.25,
    spend_nanousd=7,
    max_budget_nanousd=10**12,
    user_id="user",
    team_id="team",
    organization_id="organization",
    created_by="admin",
    created_at=1_700_000_000.5,
    updated_at=1_700_000_001.5,
    settings={"tpm_limit": 100},
)

BEGUN = Begun(
    attempt_id="call-1",
    call_id="call",
    number=1,
    at=1_700_000_000.5,
    key_hash=KEY.hash,
    call_type="acompletion",
    model_group="gpt",
    model="gpt-4o",
    provider="openai",
    deployment_id="d1",
    api_base="https://api.example/v1",
    prompt_tokens_estimate=100,
    prompt_cost_nanousd=1_000,
    metadata={"user": "user", "tags": ["a", "b"]},
)

ENDED = Ended(
    attempt_id="call-1",
    at=1_700_000_002.5,
    status="success",
    http_status=200,
    usage=Usage(100, 20, 30, 4, 5, 6, 7),
    cost_nanousd=5_000,
    estimated=True,
    first_byte_at=1_700_000_001.25,
    metadata={"response_id": "chatcmpl-1"},
)


def a_row(attempt_id: str = "call-1", cost: int | None = 5_000, **begun: Any) -> SpendRow:
    return SpendRow(
        replace(BEGUN, attempt_id=attempt_id, **begun),
        replace(ENDED, attempt_id=attempt_id, cost_nanousd=cost),
    )

"""Hostile bodies: whatever is sent, the answer is clean, and what is kept can be stored."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.admin.keylist import AnyFilter
from extproc.admin.schemas import GenerateKey, UpdateKey
from extproc.admin.spend import SpendLogs
from tests.admin.fakes import SECRETS, four_keys

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["\0", "\ud800", "a\0b", "sk-", "🗝" * 600, "-1", "1d"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -(2**64), 10**400, -1, 0])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    sorted({*UpdateKey.model_fields, "keys", "key_aliases", "page", "nothing"})
)
BODIES = st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES
PATHS = st.sampled_from(["/key/generate", "/key/update", "/key/delete", "/key/block"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATHS, BODIES, st.booleans())
async def test_any_body_has_a_clean_answer(path: str, body: Any, named: bool) -> None:
    if named and isinstance(body, dict):
        body = {**body, "key": SECRETS["virtual"]}
    answer = await four_keys().ask("POST", path, content=json.dumps(body))
    assert answer.status_code in (200, 400, 404, 422)
    assert answer.status_code != 400 or set(answer.json()["error"]) >= {"message", "type"}


QUERIES = st.dictionaries(
    st.sampled_from(sorted({*AnyFilter.model_fields, *SpendLogs.model_fields, "key"})),
    st.text(max_size=30) | st.just("\0"),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(QUERIES)
async def test_any_query_has_a_clean_answer(query: dict[str, str]) -> None:
    admin = four_keys()
    for path in ("/key/info", "/key/list", "/spend/logs"):
        answer = await admin.ask("GET", path, params=query)
        assert answer.status_code in (200, 400, 404, 422, 501)


@pytest.mark.parametrize("deep", [40, 900])
async def test_deep_nesting_is_refused(deep: int) -> None:
    body = '{"metadata": ' + '{"a":' * deep + "1" + "}" * deep + "}"
    answer = await four_keys().ask("POST", "/key/generate", content=body)
    assert answer.status_code == 422 and "nested" in answer.text


@pytest.mark.parametrize("value", ["\0", "\ud800", 2**63, float("nan"), float("inf")])
async def test_what_cannot_be_stored_is_refused_wherever_it_hides(value: Any) -> None:
    for body in ({"metadata": {"a": [value]}}, {"unknown": value}):
        answer = await four_keys().ask("POST", "/key/generate", content=json.dumps(body))
        assert answer.status_code == 422


def test_a_secret_is_in_no_repr() -> None:
    secret = "sk-a-secret-of-somebody"
    assert secret not in repr(GenerateKey(key=secret)) + repr(UpdateKey(key=secret))

"""Ids and names that both sides take, and that come back as they were."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers.messages import naming


@given(st.text(min_size=1))
def test_any_id_survives_the_way_to_the_client_and_back(call_id: str) -> None:
    shown = naming.shown_id(call_id)
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", shown)
    assert naming.upstream_id(shown, signed=True) == call_id


@pytest.mark.parametrize(
    "call_id", ["call_a1", "toolu_01A", "toolu_b64_", "toolu_b64_%", "toolu_b64_A"]
)
def test_an_id_of_the_clients_own_making_is_let_be(call_id: str) -> None:
    assert naming.upstream_id(call_id, signed=True) == call_id


def test_a_thought_signature_goes_back_to_gemini_alone() -> None:
    shown = naming.shown_id("call_1__thought__CiQB+/8=")
    assert naming.upstream_id(shown, signed=True) == "call_1__thought__CiQB+/8="
    assert naming.upstream_id(shown, signed=False) == "call_1"


def test_an_id_that_is_nothing_but_a_signature_is_not_emptied() -> None:
    assert naming.upstream_id("__thought__abc", signed=False) == "__thought__abc"


def test_a_name_of_64_characters_is_kept() -> None:
    assert naming.upstream_name("n" * 64) == "n" * 64


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"{'n' * 80}{end}" for end in "ab"]
    sent = [naming.upstream_name(name) for name in names]
    assert all(len(name) == 64 for name in sent)
    body = {"tools": [{"name": name} for name in names]}
    assert naming.shown_names(body) == dict(zip(sent, names, strict=True))


@pytest.mark.parametrize("tools", [None, [], "tools", [None, {}, {"name": 7}]])
def test_tools_that_are_none_have_no_names(tools: object) -> None:
    assert naming.shown_names({"tools": tools}) == {}

"""Every native pair has a case for all that it owes, or says why it has none."""

import pytest

from tests.providers import cells, matrix
from tests.providers.matrix import Case

PAIRS = pytest.mark.parametrize("pair", cells.pairs(), ids="/".join)


@pytest.fixture(scope="module")
def known() -> list[Case]:
    return matrix.found()


@PAIRS
def test_every_cell_has_a_case_or_a_reason(pair: tuple[str, str], known: list[Case]) -> None:
    mine, reasons = cells.shared(*pair, known), matrix.absent(*pair)
    assert list(cells.blank(pair[0], mine, reasons)) == []
    assert list(cells.stale(pair[0], mine, reasons)) == []


def test_reasons_belong_to_a_pair() -> None:
    there = {path.parent.parts[-2:] for path in matrix.cases.CASES.rglob("absent.toml")}
    assert there <= set(cells.pairs())


def test_a_pair_without_cases_has_every_cell_blank() -> None:
    assert set(cells.blank("chat", [], {})) == set(cells.owed("chat"))
    tools = {"tools": "no tools"}
    assert set(cells.blank("chat", [], tools)) == set(cells.owed("chat")) - {
        "tools",
        "tools, streamed",
    }


def test_a_reason_beside_a_case_or_for_no_cell_is_stale(known: list[Case]) -> None:
    mine = cells.shared("chat", "openai", known)
    assert list(cells.stale("chat", mine, {"tools": "x", "nonsense": "y"})) == ["tools", "nonsense"]

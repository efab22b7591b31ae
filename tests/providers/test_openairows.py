"""A provider that speaks OpenAI's format is a row and a case that shows what it is sent."""

import json

import pytest

from extproc.providers.chat import PARAMS
from extproc.providers.openairows import OPENAI_SPEAKING
from extproc.providers.profile import Profile
from tests.providers import cases

each_row = pytest.mark.parametrize("row", OPENAI_SPEAKING, ids=lambda row: row.name)


@each_row
def test_a_row_has_a_case(row: Profile) -> None:
    folder = cases.CASES / "chat" / row.schema / f"row_{row.name}"
    about = json.loads((folder / "case.json").read_text())
    assert about["deployment"]["provider"] == row.name
    body = json.loads((folder / "outgoing.json").read_text())["body"]
    assert not row.lacks & body.keys()
    assert not row.rename.keys() & body.keys()
    [thoughtful] = [message for message in body["messages"] if message["role"] == "assistant"]
    assert thoughtful[row.thoughts] == "I should look it up."


@each_row
def test_a_row_names_what_openai_has(row: Profile) -> None:
    assert row.lacks <= PARAMS
    assert row.rename.keys() <= PARAMS
    assert not row.lacks & {*row.rename, *row.rename.values()}


def test_there_are_as_many_rows_as_people_ask_for() -> None:
    assert len(OPENAI_SPEAKING) >= 60

"""Every folder under tests/cases is one exchange. `pytest --write-cases` rewrites what is ours."""

from pathlib import Path

import pytest

from tests.providers import cases

SPLITS = (1, 2, 3, 7, 50)
FOUND = cases.found()


def _name(case: Path) -> str:
    return "/".join(case.parts[-3:])


@pytest.mark.parametrize("case", FOUND, ids=_name)
def test_case_is_as_reviewed(case: Path, pytestconfig: pytest.Config) -> None:
    for name, text in cases.run(case).items():
        if pytestconfig.getoption("--write-cases"):
            (case / name).write_text(text)
        assert (case / name).read_text() == text, name


@pytest.mark.parametrize("case", FOUND, ids=_name)
def test_case_holds_nothing_that_nobody_checks(case: Path) -> None:
    ours = set(cases.run(case))
    given = {*cases.REQUESTS, "case.json", *(path.name for path in case.glob("upstream.*"))}
    assert {path.name for path in case.iterdir()} <= ours | given


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    "case", [c for c in FOUND if any((c / f"upstream.{kind}").exists() for kind in cases.STREAMS)],
    ids=_name,
)  # fmt: skip
def test_stream_is_the_same_however_it_is_split(case: Path, split: int) -> None:
    assert cases.run(case, split) == cases.run(case)

"""The provider matrix is what the tables and the cases say."""

from pathlib import Path

import pytest

from tests.providers import matrix

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / matrix.NAME


@pytest.fixture(scope="module")
def known() -> list[matrix.Case]:
    return matrix.found()


def test_the_committed_page_is_what_the_cases_show(known: list[matrix.Case]) -> None:
    advice = "run python -m tests.providers.matrix"
    assert COMMITTED.read_text(encoding="utf-8") == matrix.page(known), advice


def test_the_generator_writes_the_page(tmp_path: Path, known: list[matrix.Case]) -> None:
    matrix.main(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [matrix.NAME]
    assert (tmp_path / "new" / matrix.NAME).read_text(encoding="utf-8") == matrix.page(known)


@pytest.mark.parametrize("feature", matrix.FEATURES)
def test_a_feature_is_shown_by_some_cases_and_not_by_all(
    feature: str, known: list[matrix.Case]
) -> None:
    shown = {matrix.FEATURES[feature](case) for case in known}
    assert shown == {True, False}


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("chat/openai/text", {"whole", "caching"}),
        ("chat/openai/json_schema", {"whole", "JSON schema"}),
        ("chat/openai/stream_parallel_tools", {"streamed", "tools", "parallel tools"}),
        ("chat/openai/image", {"whole", "images"}),
        ("chat/openai/stream_cut", {"streamed", "stream cut"}),
        ("chat/openai/error_429", {"errors"}),
        ("chat/openai_chat/groq_refused", {"refusals"}),
        ("transcriptions/openai/by_tokens", {"whole", "audio"}),
    ],
)
def test_what_a_case_shows(name: str, features: set[str]) -> None:
    folder = matrix.cases.CASES / name
    case = matrix.read(folder)
    assert {feature for feature, shows in matrix.FEATURES.items() if shows(case)} == features

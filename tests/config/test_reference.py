from pathlib import Path

import pytest

from extproc.config.reference import main, pages
from extproc.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_the_committed_page_is_what_the_tables_say(name: str) -> None:
    message = "run python -m extproc.config.reference"
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], message


def test_every_setting_and_every_section_is_on_a_page() -> None:
    for name in Settings.model_fields:
        assert f"| `{name.upper()}` |" in pages()["settings.md"]
    for section in ("model_list[].litellm_params", "litellm_settings.cache_params", "guardrails[]"):
        assert f"## `{section}`" in pages()["config.md"]


def test_the_generator_writes_every_page(tmp_path: Path) -> None:
    main(tmp_path / "new")
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == pages()

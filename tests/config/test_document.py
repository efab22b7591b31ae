from pathlib import Path

import pytest

from extproc.config.document import document, resolved
from extproc.config.problems import ConfigError, Warnings
from extproc.config.yamlfile import read


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "main.yaml"


def test_included_lists_are_joined_and_mappings_merged(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="include: [one.yaml, two.yaml]\nmodel_list: [a]\nlitellm_settings: {x: 1}",
        one="model_list: [b]\nlitellm_settings: {y: 2}\ninclude: two.yaml",
        two="model_list: [c]\ngeneral_settings: {z: 3}",
    )
    merged = document(path, Warnings()).plain
    assert merged["model_list"] == ["a", "b", "c", "c"]
    assert merged["litellm_settings"] == {"x": 1, "y": 2}
    assert merged["general_settings"] == {"z": 3}


def test_the_including_file_wins_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, main="include: [one.yaml]\na: {b: 1}", one="a:\n  b: 2")
    warnings = Warnings()
    assert document(path, warnings).plain["a"] == {"b": 1}
    assert warnings.lines == (f"a.b: {path}:2 stands, {tmp_path / 'one.yaml'}:2 is ignored",)


@pytest.mark.parametrize(
    ("main", "one", "reason"),
    [
        ("include: [main.yaml]", "", "includes itself"),
        ("include: one.yaml", "include: main.yaml", "includes itself"),
        ("include: [none.yaml]", "", "none.yaml: cannot be read"),
        ("include: {a: b}", "", "include: expected a list of file names"),
        ("include: [5]", "", "include: expected a list of file names"),
        ("include: [one.yaml]", "- a", "one.yaml:1: a config is a mapping"),
    ],
)
def test_an_include_that_cannot_be_is_refused(
    tmp_path: Path, main: str, one: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        document(write(tmp_path, main=main, one=one), Warnings())


def test_references_are_resolved_everywhere(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "a: os.environ/ONE\nb: [{c: os.environ/TWO}, os.environ/THREE, os.environ/EMPTY, x]"
    )
    node = resolved(read(tmp_path / "a.yaml"), {"ONE": "1", "TWO": " two\n", "EMPTY": ""})
    assert node.plain == {"a": "1", "b": [{"c": "two"}, None, None, "x"]}
    assert node.value["a"].referenced
    assert [item.unset for item in node.value["b"].value] == ["", "THREE", "EMPTY", ""]

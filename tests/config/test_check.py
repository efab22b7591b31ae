from pathlib import Path

import pytest

from extproc.config.check import rows, section
from extproc.config.document import resolved
from extproc.config.problems import ConfigError, Warnings
from extproc.config.rows import Key, Table, unused
from extproc.config.yamlfile import Node, read

TABLE: Table = {
    "timeout": Key("seconds", "Limits."),
    "models": Key("list", "Serves.", members={"name": Key("string", "Names.")}),
    "cache": Key("mapping", members=unused("integer", "port ttl")),
    "inner": Key("mapping", "Holds.", members=unused("string", "colour")),
    **unused("boolean", "verbose"),
}


def node(tmp_path: Path, text: str) -> Node:
    (tmp_path / "a.yaml").write_text(text)
    return resolved(read(tmp_path / "a.yaml"), {})


@pytest.mark.parametrize(
    ("text", "values", "warnings"),
    [
        ("timeout: 3", {"timeout": 3.0}, []),
        ("timeout:", {}, []),
        ("verbose: true", {"verbose": True}, ["s.verbose: recognised, has no effect yet"]),
        ("timout: 3", {}, ["a.yaml:1: s.timout: unknown, ignored; did you mean timeout?"]),
        ("zebra: 3", {}, ["a.yaml:1: s.zebra: unknown, ignored"]),
        ("timeout: os.environ/T", {}, ["a.yaml:1: s.timeout: os.environ/T is not set"]),
        (
            "cache: {port: 1, prt: 2}",
            {"cache": {"port": 1}},
            [
                "s.cache: recognised, has no effect yet",
                "a.yaml:1: s.cache.prt: unknown, ignored; did you mean port?",
            ],
        ),
        (
            "inner: {colour: os.environ/C}",
            {"inner": {}},
            ["a.yaml:1: s.inner.colour: os.environ/C is not set"],
        ),
        (
            "inner: {colour: red}",
            {"inner": {"colour": "red"}},
            ["s.inner.colour: recognised, has no effect yet"],
        ),
    ],
)
def test_a_section_is_compared_with_its_table(
    tmp_path: Path, text: str, values: dict[str, object], warnings: list[str]
) -> None:
    found = Warnings()
    assert section(node(tmp_path, text), TABLE, "s", found) == values
    assert [line.replace(f"{tmp_path}/", "") for line in found.lines] == warnings


def test_the_same_key_of_many_rows_is_named_once(tmp_path: Path) -> None:
    found = Warnings()
    for path, row in rows(node(tmp_path, "[{verbose: true}, {verbose: false}]").value, "rows"):
        section(row, TABLE, path, found)
    assert found.lines == ("rows[].verbose: recognised, has no effect yet",)


def test_a_row_must_be_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.yaml:2: rows\[1\]: expected a mapping"):
        list(rows(node(tmp_path, "- {a: 1}\n- b").value, "rows"))

import os
from pathlib import Path

import pytest

from extproc.config.problems import ConfigError
from extproc.config.yamlfile import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, read


def parse(tmp_path: Path, text: str | bytes) -> Node:
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "a.yaml"))
    assert "\n" not in message
    return message.removeprefix(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: yes\nb: ~\nc: 1.5\nd: '1'", {"a": True, "b": None, "c": 1.5, "d": "1"}),
        ("1: a\ntrue: b\nnull: c", {"1": "a", "true": "b", "null": "c"}),
        ("a: 2024-07-01", {"a": "2024-07-01"}),
        ("a: 3e-6", {"a": "3e-6"}),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("a: &x {m: 1, n: 2}\nb: {<<: *x, n: 3}", {"a": {"m": 1, "n": 2}, "b": {"m": 1, "n": 3}}),
        ("b: {n: 3, <<: [{n: 1, m: 1}, {m: 2}]}", {"b": {"m": 1, "n": 3}}),
        ("'<<': 1", {"<<": 1}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_plain_yaml_is_read(tmp_path: Path, text: str, value: object) -> None:
    assert parse(tmp_path, text).plain == value


def test_a_node_remembers_its_line_and_its_digits(tmp_path: Path) -> None:
    node = parse(tmp_path, "a: 1\nb:\n  - 0.10\n").value["b"].value[0]
    assert (node.line, node.text, node.value) == (3, "0.10", 0.1)
    assert node.where == f"{tmp_path / 'a.yaml'}:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": is empty"),
        ("# nothing", ": is empty"),
        ("a: [1", ":2: not YAML: did not find expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3", ":3: 'a' is given twice, first on line 1"),
        ("a: 1\n---\nb: 2", ":2: holds more than one YAML document"),
        ("a: *b", ":1: alias *b names nothing before it"),
        ("a: &a [*a]", ":1: alias *a names nothing before it"),
        ("[a]: 1", ":1: a key must be plain text"),
        ("a: !!python/object:os.system x", "the YAML tag tag:yaml.org,2002:python/object:os.sy"),
        ("a: !secret x", ":1: the YAML tag !secret is not supported"),
        ("a: !!set {b}", ":1: the YAML tag tag:yaml.org,2002:set is not supported"),
        ("a: !!int x", ":1: not a YAML int"),
        ("a: !!bool x", ":1: not a YAML bool"),
        ("a: {<<: 5}", ":1: << takes a mapping"),
        ("a: \x00", ": not YAML: control characters are not allowed"),
        (b"a: \xff\xfe", ": not text in UTF-8"),
        (b"\x7fELF\x02\x01", ": not YAML: control characters are not allowed"),
        ("a: " + "9" * 5000, ":1: not a YAML int"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, text)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    assert f"nested deeper than {MAX_DEPTH} levels" in refusal(tmp_path, opening * 100_000)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert f"more than {MAX_NODES} values" in refusal(tmp_path, "\n".join(lines))


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    assert f"a config may have {MAX_BYTES}" in refusal(tmp_path, b"#" * (MAX_BYTES + 1))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in [
        (".", "not a file"),
        ("pipe", "not a file"),
        ("none.yaml", "cannot be read: No such file or directory"),
        ("\x00", "cannot be read"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            read(tmp_path / name)

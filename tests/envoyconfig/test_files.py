"""A replaced file is whole, and nothing is left beside it."""

from pathlib import Path

from extproc.envoyconfig import files


def test_replace_makes_the_folder_and_leaves_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.pb"
    for data in (b"first", b"second"):
        files.replace(path, data)
        assert path.read_bytes() == data
    assert [each.name for each in path.parent.iterdir()] == ["b.pb"]


def test_replace_makes_a_new_file_so_that_a_watcher_sees_a_move(tmp_path: Path) -> None:
    path = tmp_path / "b.pb"
    files.replace(path, b"first")
    with path.open("rb") as reader:
        files.replace(path, b"second")
        assert reader.read() == b"first"

"""A replaced file is whole, and nothing is left beside it."""

from pathlib import Path

from extproc.envoyconfig import files


def test_replace_makes_the_folder_and_leaves_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    for text in ("first", "second"):
        files.replace(path, text)
        assert path.read_text() == text
    assert [each.name for each in path.parent.iterdir()] == ["b.json"]


def test_replace_makes_a_new_file_so_that_a_watcher_sees_a_move(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    files.replace(path, "first")
    with path.open() as reader:
        files.replace(path, "second")
        assert reader.read() == "first"

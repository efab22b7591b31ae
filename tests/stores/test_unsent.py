from pathlib import Path

import pytest

from extproc.stores import unsent
from extproc.stores.unsent import Unsent


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_lines_are_taken_in_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "unsent.log"
    read = Unsent(path)
    read.read()  # there is no file yet
    assert "a-1" not in read
    append(path, "a-1\nb-1\n")
    read.read()
    append(path, "c-2\n")
    read.read()
    assert all(each in read for each in ("a-1", "b-1", "c-2"))
    assert "" not in read


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "unsent.log"
    read = Unsent(path)
    append(path, "a-1\nb-")
    read.read()
    assert ("a-1" in read, "b-" in read) == (True, False)
    append(path, "12\n")
    read.read()
    assert "b-12" in read


def test_a_file_of_many_chunks_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "_CHUNK_BYTES", 64)
    path = tmp_path / "unsent.log"
    append(path, "".join(f"call-{n}\n" for n in range(100)))
    read = Unsent(path)
    read.read()
    assert all(f"call-{n}" in read for n in range(100))


def test_a_long_file_is_emptied_once_it_was_read_and_its_ids_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "MAX_BYTES", 10)
    path = tmp_path / "unsent.log"
    read = Unsent(path)
    append(path, "a-1\n")
    read.read()
    read.shorten()
    assert path.read_text() == "a-1\n"
    append(path, "b-1\nc-1\n")
    read.read()
    append(path, "d-1\n")
    read.shorten()
    assert path.read_text().endswith("d-1\n")
    read.read()
    read.shorten()
    assert path.read_text() == ""
    append(path, "e-1\n")
    read.read()
    assert all(each in read for each in ("a-1", "b-1", "c-1", "d-1", "e-1"))


def test_a_file_that_was_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "unsent.log"
    append(path, "a-1\nb-1\n")
    read = Unsent(path)
    read.read()
    path.write_text("c-1\n")
    read.read()
    path.unlink()
    read.read()
    append(path, "d-1\ne-1\n")
    read.read()
    assert all(each in read for each in ("a-1", "c-1", "d-1", "e-1"))


def test_the_newest_ids_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent, "KEPT", 2)
    path = tmp_path / "unsent.log"
    append(path, "a-1\nb-1\nc-1\n")
    read = Unsent(path)
    read.read()
    assert ("a-1" in read, "b-1" in read, "c-1" in read) == (False, True, True)


def test_what_cannot_be_read_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read = Unsent(tmp_path)  # a folder
    read.read()
    read.read()
    assert caplog.text.count("never sent") == 1

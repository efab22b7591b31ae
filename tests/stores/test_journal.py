import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from extproc.domain.ledger import Noted
from extproc.stores.base import JournalUnavailable
from extproc.stores.journal import DiskJournal
from extproc.stores.segments import epochs, segments
from tests.contracts.values import BEGUN, ENDED
from tests.servers import eventually
from tests.stores.journals import FullDisk, ids, recorded

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from extproc.stores.journal import DiskJournal
from tests.contracts.values import BEGUN, ENDED
journal = DiskJournal(Path(sys.argv[1]))
for n in range(10**9):
    journal.begin(replace(BEGUN, attempt_id=f"call-{n}"))
    journal.end(replace(ENDED, attempt_id=f"call-{n}"))
    print(n, flush=True)
"""


def test_records_are_in_the_file_at_once(tmp_path: Path) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    assert recorded(tmp_path) == [BEGUN]
    journal.end(ENDED)
    assert recorded(tmp_path) == [BEGUN, ENDED]
    journal.close()


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "w")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 500:
            pass
        process.send_signal(signal.SIGKILL)
        said = [500, *(int(line) for line in process.stdout if line.endswith("\n"))]
    found = ids(recorded(tmp_path))
    assert found.count(("Ended", f"call-{said[-1]}")) == 1
    assert found[: 2 * said[-1] + 2] == [
        (kind, f"call-{n}") for n in range(said[-1] + 1) for kind in ("Begun", "Ended")
    ]


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    journal = DiskJournal(tmp_path / "w", segment_bytes=1000)
    for n in range(20):
        journal.begin(replace(BEGUN, attempt_id=str(n)))
    (epoch,) = epochs(tmp_path)
    assert len(segments(epoch)) > 2
    assert [record.attempt_id for record in recorded(tmp_path)] == [str(n) for n in range(20)]
    journal.close()


@pytest.mark.parametrize("room", [0, 1, 8, 100])
def test_a_full_disk_refuses_beginnings_and_keeps_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    disk = FullDisk(room)
    monkeypatch.setattr(os, "write", disk)
    with pytest.raises(JournalUnavailable):
        journal.begin(replace(BEGUN, attempt_id="refused"))
    journal.end(ENDED)
    assert journal.owed == 1
    with pytest.raises(JournalUnavailable):
        journal.begin(replace(BEGUN, attempt_id="refused"))
    disk.room = 10**6
    journal.begin(replace(BEGUN, attempt_id="next"))
    assert journal.owed == 0
    assert ids(recorded(tmp_path)) == [("Begun", "call-1"), ("Ended", "call-1"), ("Begun", "next")]
    journal.close()


def test_a_note_that_finds_no_room_is_lost_and_owed_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    with monkeypatch.context() as full:
        full.setattr("os.write", FullDisk(8))
        journal.note(Noted(ENDED))
    assert journal.owed == 0
    journal.end(ENDED)
    assert recorded(tmp_path) == [BEGUN, ENDED]
    journal.close()


def test_a_partial_record_that_cannot_be_undone_hides_none_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_truncate(file: int, length: int) -> None:
        raise OSError(5, "Input/output error")

    journal = DiskJournal(tmp_path / "w")
    disk = FullDisk(50)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", disk)
        patch.setattr(os, "ftruncate", no_truncate)
        with pytest.raises(JournalUnavailable):
            journal.begin(BEGUN)
    journal.begin(BEGUN)
    assert recorded(tmp_path) == [BEGUN]
    journal.close()


def test_what_is_owed_is_written_on_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DiskJournal(tmp_path / "w")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(0))
        journal.end(ENDED)
    journal.close()
    assert recorded(tmp_path) == [ENDED]


async def test_run_brings_records_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}"))
    )
    journal = DiskJournal(tmp_path / "w", segment_bytes=300)
    running = asyncio.ensure_future(journal.run())
    files_before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        journal.begin(BEGUN)
    await eventually(lambda: len({s for s in synced if s.endswith(".log")}) == 3, "the sync")
    await eventually(lambda: len(os.listdir("/proc/self/fd")) <= files_before, "closing")
    running.cancel()
    await asyncio.wait({running})
    journal.close()


async def test_run_pays_what_is_owed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DiskJournal(tmp_path / "w")
    running = asyncio.ensure_future(journal.run())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(0))
        journal.end(ENDED)
    await eventually(lambda: journal.owed == 0, "payment")
    running.cancel()
    await asyncio.wait({running})
    journal.close()
    assert recorded(tmp_path) == [ENDED]


async def test_a_deleted_journal_is_noticed(tmp_path: Path) -> None:
    journal = DiskJournal(tmp_path / "w")
    running = asyncio.ensure_future(journal.run())
    shutil.rmtree(tmp_path / "w")

    def refused() -> bool:
        try:
            journal.begin(BEGUN)
        except JournalUnavailable:
            return True
        return False

    await eventually(refused, "refusal")
    running.cancel()
    await asyncio.wait({running})
    journal.close()


def test_no_room_for_a_journal_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnavailable):
        DiskJournal(tmp_path / "file" / "w")


def test_a_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    journal = DiskJournal(tmp_path / "w")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
        journal.begin(BEGUN)
        with pytest.raises(JournalUnavailable):
            journal.begin(BEGUN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    journal.end(ENDED)
    assert recorded(tmp_path) == [BEGUN, ENDED]
    journal.close()

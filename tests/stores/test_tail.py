import os
from dataclasses import replace
from pathlib import Path

import pytest

from extproc.stores.records import encode_begun
from extproc.stores.segments import framed, open_epoch, segment_path
from extproc.stores.tail import CHUNK_BYTES, Tail
from tests.contracts.values import BEGUN

FRAME = framed(encode_begun(BEGUN))


@pytest.fixture
def epoch(tmp_path: Path) -> Path:
    path, lock = open_epoch(tmp_path / "w")
    os.close(lock)
    return path


def append(epoch: Path, data: bytes, segment: int = 1) -> None:
    with segment_path(epoch, segment).open("ab") as file:
        file.write(data)


def test_an_unfinished_frame_is_waited_for(epoch: Path) -> None:
    tail = Tail(epoch)
    assert tail.read(final=False) == []
    append(epoch, FRAME[:20])
    assert tail.read(final=False) == []
    append(epoch, FRAME[20:])
    assert tail.read(final=False) == [BEGUN]
    assert tail.read(final=False) == []
    assert tail.unread_bytes() == 0


@pytest.mark.parametrize("torn", [FRAME[:5], FRAME[:-1], bytes(4096), FRAME[:-3] + b"\0\0\0"])
def test_what_a_crash_tore_off_is_passed_over(epoch: Path, torn: bytes) -> None:
    append(epoch, FRAME + torn)
    tail = Tail(epoch)
    assert tail.read(final=True) == [BEGUN]
    assert tail.read(final=True) == []
    assert tail.unread_bytes() == 0


def test_records_behind_damage_are_found(epoch: Path) -> None:
    append(epoch, FRAME + b"damage" + FRAME)
    append(epoch, FRAME, segment=2)
    tail = Tail(epoch)
    assert [tail.read(final=False) for _ in range(4)] == [[BEGUN], [BEGUN], [BEGUN], []]


def test_a_torn_end_before_another_segment_is_final(epoch: Path) -> None:
    append(epoch, FRAME[:10])
    append(epoch, FRAME, segment=3)
    tail = Tail(epoch)
    assert tail.read(final=False) == [BEGUN]
    assert tail.segment == 3


def test_a_record_longer_than_a_chunk(epoch: Path) -> None:
    items = {f"item-{n}": "x" * 4000 for n in range(30)}
    begun = replace(BEGUN, metadata=items)
    frame = framed(encode_begun(begun))
    assert len(frame) > CHUNK_BYTES
    append(epoch, FRAME + frame + FRAME)
    tail = Tail(epoch)
    assert [*tail.read(final=False), *tail.read(final=False)] == [BEGUN, begun, BEGUN]


def test_what_is_not_read_yet_is_counted(epoch: Path) -> None:
    append(epoch, FRAME)
    append(epoch, FRAME * 2, segment=2)
    tail = Tail(epoch)
    assert tail.unread_bytes() == 3 * len(FRAME)
    tail.read(final=False)
    assert tail.unread_bytes() == 2 * len(FRAME)

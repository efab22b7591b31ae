import os
from pathlib import Path

import pytest

from extproc.stores.segments import (
    MAX_PAYLOAD_BYTES,
    PayloadTooLarge,
    epochs,
    framed,
    next_frame,
    open_epoch,
    payload_at,
    payloads,
    take_lock,
)


def test_frames_are_read_one_after_the_other() -> None:
    assert list(payloads(framed(b"one") + framed(b"two"))) == [b"one", b"two"]


def test_a_frame_torn_at_any_byte_is_no_frame() -> None:
    frame = framed(b"payload")
    for length in range(len(frame)):
        assert payload_at(frame[:length], 0) is None
        assert list(payloads(framed(b"one") + frame[:length])) == [b"one"]


def test_a_changed_byte_is_no_frame() -> None:
    frame = framed(b"payload")
    for at in range(len(frame)):
        changed = bytearray(frame)
        changed[at] ^= 1
        assert payload_at(bytes(changed), 0) is None


def test_zeros_are_no_frames() -> None:
    assert list(payloads(bytes(64))) == []


def test_a_frame_over_the_limit_is_never_made() -> None:
    with pytest.raises(PayloadTooLarge):
        framed(bytes(MAX_PAYLOAD_BYTES + 1))


def test_the_next_frame_is_found_behind_damage() -> None:
    assert next_frame(b"damage" + framed(b"one")) == 6
    assert next_frame(b"damage") == 6


def test_an_epoch_is_locked_while_its_process_lives(tmp_path: Path) -> None:
    epoch, lock = open_epoch(tmp_path / "worker-0")
    assert take_lock(epoch.with_suffix(".lock")) is None
    os.close(lock)
    taken = take_lock(epoch.with_suffix(".lock"))
    assert taken is not None
    os.close(taken)


def test_each_start_opens_an_epoch_of_its_own(tmp_path: Path) -> None:
    opened = [open_epoch(tmp_path / f"worker-{n}") for n in (0, 1, 0)]
    assert sorted(epochs(tmp_path)) == sorted(epoch for epoch, _ in opened)
    for _, lock in opened:
        os.close(lock)

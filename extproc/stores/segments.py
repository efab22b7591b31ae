"""The journal's layout on disk: who writes an epoch, what a frame is.

    <root>/<worker>/0000000007.lock          locked for as long as the writing process lives
    <root>/<worker>/0000000007/00000001.log  frames, appended; the highest number is written now

Each start of a process opens an epoch of its own. The lock is taken before the folder appears, so
that an epoch without a locked lock has no writer, now or later. A frame is its payload's length
and CRC-32, four bytes each, little-endian, then the payload, which is never empty.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from zlib import crc32

HEADER = Struct("<II")
MAX_PAYLOAD_BYTES = 1024 * 1024


class PayloadTooLarge(ValueError):
    """No frame may be written that no reader would accept."""


def framed(payload: bytes) -> bytes:
    """The payload with its length and checksum. Raises PayloadTooLarge."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"{len(payload)} bytes are more than a frame may hold")
    return HEADER.pack(len(payload), crc32(payload)) + payload


def payload_at(data: bytes, offset: int) -> bytes | None:
    """The payload of the frame that starts here; None when no whole frame does."""
    if offset + HEADER.size > len(data):
        return None
    length, checksum = HEADER.unpack_from(data, offset)
    start = offset + HEADER.size
    if not 0 < length <= MAX_PAYLOAD_BYTES or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if crc32(payload) == checksum else None


def payloads(data: bytes) -> Iterator[bytes]:
    """The payloads of the whole frames at the beginning of `data`."""
    offset = 0
    while (payload := payload_at(data, offset)) is not None:
        yield payload
        offset += HEADER.size + len(payload)


def next_frame(data: bytes) -> int:
    """Where the first whole frame starts, `len(data)` when there is none."""
    starts = range(len(data))
    return next((at for at in starts if payload_at(data, at) is not None), len(data))


def open_epoch(worker: Path) -> tuple[Path, int]:
    """A new epoch's folder, and the descriptor that holds its lock."""
    worker.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = max((int(p.stem) for p in worker.iterdir() if p.stem.isdigit()), default=0)
    while True:
        number += 1
        epoch = worker / f"{number:010d}"
        try:
            lock = os.open(epoch.with_suffix(".lock"), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        epoch.mkdir(mode=0o700)
        return epoch, lock


def take_lock(path: Path) -> int | None:
    """The descriptor that now holds the lock; None while another one does."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def epochs(root: Path) -> list[Path]:
    """Every worker's epochs, oldest first."""
    found = [p for p in root.glob("*/*") if p.name.isdigit() and p.is_dir()]
    return sorted(found, key=lambda p: (p.name, p.parent.name))


def segments(epoch: Path) -> list[int]:
    """The numbers of an epoch's segments, in order."""
    return sorted(int(p.stem) for p in epoch.glob("*.log"))


def segment_path(epoch: Path, number: int) -> Path:
    return epoch / f"{number:08d}.log"

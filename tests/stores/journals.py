"""What journal tests share: a full disk, and what is in a journal."""

import os
from collections.abc import Sequence
from pathlib import Path

from extproc.domain.ledger import Record
from extproc.stores.segments import epochs
from extproc.stores.tail import Tail


def recorded(root: Path) -> list[Record]:
    """Every record below `root`, in order."""
    found: list[Record] = []
    for epoch in epochs(root):
        tail = Tail(epoch)
        while records := tail.read(final=True):
            found += records
    return found


def ids(records: Sequence[Record]) -> list[tuple[str, str]]:
    return [(type(record).__name__, record.attempt_id) for record in records]


class FullDisk:
    """os.write as it is on a disk with `room` bytes left."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def __call__(self, file: int, data: bytes) -> int:
        fits = data[: self.room]
        if not fits:
            raise OSError(28, "No space left on device")
        self.room -= len(fits)
        return self._write(file, fits)

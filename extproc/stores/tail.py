"""Reads one epoch of a journal from its beginning, while it is still being written or after."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from extproc.domain.ledger import Record
from extproc.stores.records import decode
from extproc.stores.segments import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    next_frame,
    payloads,
    segment_path,
    segments,
)

CHUNK_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Tail:
    """A position in an epoch: `segment` and `offset` are where the next record is read."""

    def __init__(self, epoch: Path) -> None:
        self.epoch = epoch
        self.segment = 0
        self.offset = 0
        self.records = 0
        self.bytes = 0
        """Both counted since this tail began, to know a record's mean size."""

    def read(self, final: bool) -> Sequence[Record]:
        """The next few records. None when all are read: for good if `final`, else for now.

        `final` says that nobody writes here any more, so that an unfinished frame stays so.
        Raises OSError.
        """
        while True:
            numbers = segments(self.epoch)  # before the data: a segment with a successor is whole
            if not numbers:
                return []
            if self.segment < numbers[0]:
                self.segment, self.offset = numbers[0], 0
            data = self._chunk(CHUNK_BYTES)
            found = list(payloads(data))
            if not found and len(data) == CHUNK_BYTES:
                data = self._chunk(HEADER.size + MAX_PAYLOAD_BYTES)
                found = list(payloads(data))
            if found:
                return self._taken(found)
            later = [number for number in numbers if number > self.segment]
            if data and (later or final):
                self._skip_damage()
            elif later:
                self.segment, self.offset = later[0], 0
            else:
                return []

    def unread_bytes(self) -> int:
        sizes = {n: segment_path(self.epoch, n).stat().st_size for n in segments(self.epoch)}
        read = min(self.offset, sizes.get(self.segment, 0))
        return sum(size for number, size in sizes.items() if number >= self.segment) - read

    def _chunk(self, length: int) -> bytes:
        file = os.open(segment_path(self.epoch, self.segment), os.O_RDONLY)
        try:
            return os.pread(file, length, self.offset)
        finally:
            os.close(file)

    def _taken(self, found: Sequence[bytes]) -> Sequence[Record]:
        size = sum(HEADER.size + len(payload) for payload in found)
        self.offset += size
        self.bytes += size
        self.records += len(found)
        return [record for payload in found if (record := decode(payload)) is not None]

    def _skip_damage(self) -> None:
        """Go to the next whole frame, or to the end: a crash tore the last one off."""
        path = segment_path(self.epoch, self.segment)
        rest = path.read_bytes()[self.offset :]
        lost = next_frame(rest)
        where = "at the end" if lost == len(rest) else "before more records"
        log.error("journal: %s: %d unreadable bytes %s, skipped", path, lost, where)
        self.offset += lost

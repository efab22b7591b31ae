"""The disk journal: what a worker writes before an attempt leaves and once it has ended.

A record is one write to an append-only file, so a killed process loses nothing; `run` brings what
was written to the disk itself, in groups. Nothing here waits for a disk on the event loop, except
for the write into the kernel's memory.
"""

import asyncio
import errno
import logging
import os
from collections import deque
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path

from extproc.domain.ledger import Begun, Ended, Noted
from extproc.stores.base import JournalUnavailable
from extproc.stores.records import encode_begun, encode_ended, encode_noted
from extproc.stores.segments import PayloadTooLarge, framed, open_epoch, segment_path

SEGMENT_BYTES = 16 * 1024 * 1024
_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class DiskJournal:
    """One process's journal below its worker's folder; implements Journal.

    Ends that could not be written are kept (`owed`), and no attempt begins before they are
    written: what is kept is bounded by the attempts in flight.
    """

    def __init__(
        self,
        worker: Path,
        segment_bytes: int = SEGMENT_BYTES,
        sync_seconds: float = 0.04,
        executor: Executor | None = None,
    ) -> None:
        self._segment_bytes = segment_bytes
        self._sync_seconds = sync_seconds
        self._executor = executor
        self._owed: deque[bytes] = deque()
        self._dirty = asyncio.Event()
        self._full: list[int] = []
        self._failing = False
        self._number = 0
        self._size = 0
        try:
            self._epoch, self._lock = open_epoch(worker)
            self._file = self._open_next()
        except OSError as error:
            raise JournalUnavailable(f"{worker}: {error}") from error

    @property
    def owed(self) -> int:
        """How many ends wait for the disk to take them."""
        return len(self._owed)

    def begin(self, begun: Begun) -> None:
        try:
            frame = framed(encode_begun(begun))
        except PayloadTooLarge as error:
            raise JournalUnavailable(str(error)) from None
        self._pay()
        self._write(frame)

    def note(self, noted: Noted) -> None:
        with suppress(JournalUnavailable):  # `_write` has said so
            self._write(framed(encode_noted(noted)))

    def end(self, ended: Ended) -> None:
        frame = framed(encode_ended(ended))
        try:
            self._pay()
            self._write(frame)
        except JournalUnavailable:
            self._owed.append(frame)
            self._dirty.set()
            log.error("journal: %d ends wait in memory for the disk", len(self._owed))

    async def run(self) -> None:
        """Bring what was written to the disk, and what is owed to the file, until cancelled."""
        while True:
            await self._dirty.wait()
            await asyncio.sleep(self._sync_seconds)
            self._dirty.clear()
            try:
                await self._sync()
                self._pay()
            except (OSError, JournalUnavailable) as error:
                log.error("journal: %s", error)
                self._dirty.set()
                await asyncio.sleep(_RETRY_SECONDS)

    def close(self) -> None:
        """Write and sync what is left, then give up the lock. `run` is over by now."""
        try:
            self._pay()
            _sync_and_close([*self._full, self._file])
        except (OSError, JournalUnavailable) as error:
            log.error("journal: closed with %d ends not written: %s", len(self._owed), error)
        self._full.clear()
        os.close(self._lock)

    def _pay(self) -> None:
        """Write what is owed. Raises JournalUnavailable."""
        while self._owed:
            self._write(self._owed[0])
            self._owed.popleft()

    def _write(self, frame: bytes) -> None:
        try:
            if self._size + len(frame) > self._segment_bytes:
                self._rotate()
            if os.write(self._file, frame) < len(frame):
                self._undo_partial_write()
        except OSError as error:
            if not self._failing:
                log.error("journal: cannot write, new calls are refused: %s", error)
            self._failing = True
            raise JournalUnavailable(f"{self._epoch}: {error}") from error
        if self._failing:
            log.warning("journal: writing again")
            self._failing = False
        self._size += len(frame)
        self._dirty.set()

    def _undo_partial_write(self) -> None:
        whole, self._size = self._size, self._segment_bytes  # a new segment, unless undone here
        os.ftruncate(self._file, whole)
        self._size = whole
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _rotate(self) -> None:
        file = self._open_next()
        self._full.append(self._file)
        self._file, self._size = file, 0

    def _open_next(self) -> int:
        """Open the next segment; its number is taken only if that succeeds."""
        path = segment_path(self._epoch, self._number + 1)
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self._number += 1
        return file

    async def _sync(self) -> None:
        """fsync on a thread, which owns the descriptors that it is given."""
        if os.fstat(self._file).st_nlink == 0:
            self._size = self._segment_bytes  # someone deleted it: records go to a new segment
            raise OSError(errno.ENOENT, f"the journal was deleted: {self._epoch}")
        files = [*self._full, os.dup(self._file), os.open(self._epoch, os.O_RDONLY)]
        self._full.clear()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, _sync_and_close, files)


def _sync_and_close(files: list[int]) -> None:
    for file in files:
        try:
            os.fsync(file)
        finally:
            os.close(file)

"""Carries the journals of all workers to the ledger, and deletes what has arrived.

Nothing is remembered across restarts: what is still on disk is read again, and the ledger changes
nothing for rows that it has. While the ledger is away at most one batch is held in memory; the
rest waits on disk. One shipper works a journal at a time; others stand by.

A row whose client left before the provider said a word is held until Envoy has had the time to
say that it never sent the attempt: such a row is dropped.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from extproc.domain.ledger import Begun, Noted, Record, SpendRow, interrupted, unconfirmed
from extproc.stores.base import Ledger, Refused, StoreUnavailable
from extproc.stores.segments import epochs, segment_path, segments, take_lock
from extproc.stores.tail import Tail
from extproc.stores.unsent import Unsent

BATCH_ROWS = 500
HELD_SECONDS = 3.0
"""Envoy writes its log every second."""
_STANDBY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0
_USUAL_RECORD_BYTES = 300

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is on disk and not in the ledger yet."""

    bytes: int = 0
    records: int = 0
    """Estimated from the mean size of those read so far."""
    oldest_seconds: float = 0.0
    """How long ago the oldest attempt ended whose row was read and not yet applied."""


class Epoch:
    """One epoch's progress: which attempts are open, which rows are not applied yet."""

    def __init__(self, path: Path) -> None:
        self.tail = Tail(path)
        self._lock_path = path.with_suffix(".lock")
        self._lock: int | None = None
        self._begun: dict[str, Begun] = {}
        self._noted: dict[str, Noted] = {}
        self._segments_of: dict[str, tuple[int, int]] = {}
        """Attempts not yet applied -> the segments of beginning and last note: they must stay."""

    def read(self) -> tuple[bool, Sequence[SpendRow]]:
        """(whether anything was read, the rows it made)."""
        if self._lock is None:
            self._lock = take_lock(self._lock_path)
        records = self.tail.read(final=self._lock is not None)
        rows = [row for record in records if (row := self._row(record)) is not None]
        if records or self._lock is None or not self._begun:
            return bool(records), rows
        left = [
            interrupted(begun, self._noted.pop(attempt_id, None))
            for attempt_id, begun in self._begun.items()
        ]
        log.warning("journal: %s: %d attempts interrupted", self.tail.epoch, len(left))
        self._begun.clear()
        return True, left

    def done(self, attempt_id: str) -> None:
        self._segments_of.pop(attempt_id, None)

    def clean(self) -> bool:
        """Delete what has arrived. True when the epoch is over and gone."""
        epoch = self.tail.epoch
        if self._lock is not None and not self._segments_of and not self.tail.unread_bytes():
            shutil.rmtree(epoch)
            self._lock_path.unlink(missing_ok=True)
            self.close()
            return True
        needed = {number for numbers in self._segments_of.values() for number in numbers}
        for number in segments(epoch):
            if number < self.tail.segment and number not in needed:
                segment_path(epoch, number).unlink()
        return False

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _row(self, record: Record) -> SpendRow | None:
        if isinstance(record, Begun):
            self._begun[record.attempt_id] = record
            self._segments_of[record.attempt_id] = self.tail.segment, self.tail.segment
            return None
        if isinstance(record, Noted):
            if record.attempt_id in self._begun:
                self._noted[record.attempt_id] = record
                first, _ = self._segments_of[record.attempt_id]
                self._segments_of[record.attempt_id] = first, self.tail.segment
            return None
        begun = self._begun.pop(record.attempt_id, None)
        self._noted.pop(record.attempt_id, None)
        if begun is not None:
            return SpendRow(begun, record)
        numbers = segments(self.tail.epoch)
        if numbers == list(range(1, len(numbers) + 1)):  # its begun is not in a deleted segment
            log.error(
                "journal: an end without a beginning: attempt %s, %s nano-USD",
                record.attempt_id,
                record.cost_nanousd,
            )
        return None


class Shipper:
    """Ships below `root`, where each worker has its folder. Closed by the end of run or drain."""

    def __init__(
        self,
        root: Path,
        ledger: Ledger,
        now: Callable[[], float],
        unsent: Unsent,
        batch_rows: int = BATCH_ROWS,
        pause_seconds: float = 0.2,
    ) -> None:
        self._root = root
        self._ledger = ledger
        self._now = now
        self._unsent = unsent
        self._batch_rows = batch_rows
        self._pause_seconds = pause_seconds
        self._epochs: dict[Path, Epoch] = {}
        self._pending: list[tuple[Epoch, SpendRow]] = []
        self._held: list[tuple[Epoch, SpendRow]] = []
        self.rejected = root / "rejected.jsonl"
        """Rows that the ledger refused, one JSON object a line."""

    async def run(self) -> None:
        """Ship until cancelled."""
        while True:
            try:
                with self._alone() as alone:
                    while alone:
                        await self._step_or_wait()
            except OSError as error:  # of the lock: what a step meets it handles itself
                log.error("journal: cannot be shipped: %s", error)
            await asyncio.sleep(_STANDBY_SECONDS)

    async def drain(self) -> None:
        """Ship all that is there now. Raises StoreUnavailable; the journal then stays."""
        with self._alone() as alone:
            while alone and (await self._step() or self._held):
                if not self._pending and self._held:
                    await asyncio.sleep(self._pause_seconds)

    def backlog(self) -> Backlog:
        """As far as this shipper knows; nothing while another one ships."""
        try:
            unread = sum(epoch.tail.unread_bytes() for epoch in self._epochs.values())
        except OSError:  # deleted under our eyes
            return Backlog()
        tails = [epoch.tail for epoch in self._epochs.values()]
        records = sum(tail.records for tail in tails)
        mean = sum(tail.bytes for tail in tails) / records if records else _USUAL_RECORD_BYTES
        rows = [row for _, row in (*self._pending, *self._held)]
        waiting = len(rows)
        oldest = min((row.ended.at for row in rows), default=None)
        return Backlog(
            bytes=unread + round(2 * waiting * mean),
            records=round(unread / mean) + 2 * waiting,
            oldest_seconds=0.0 if oldest is None else max(0.0, self._now() - oldest),
        )

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other shipper works here; begins by reading everything anew."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = take_lock(self._root / "shipper.lock")
        try:
            yield lock is not None
        finally:
            for epoch in self._epochs.values():
                epoch.close()
            self._epochs.clear()
            self._pending.clear()
            self._held.clear()
            if lock is not None:
                os.close(lock)

    async def _step_or_wait(self) -> None:
        """One batch; a short one is followed by a pause, failures by longer and longer ones."""
        pause = self._pause_seconds
        while True:
            try:
                full = await self._step() >= self._batch_rows
                return None if full else await asyncio.sleep(self._pause_seconds)
            except (StoreUnavailable, OSError) as error:
                log.warning("journal: cannot ship, trying again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _step(self) -> int:
        """Read and apply one batch; how many rows it had."""
        await self._collect()
        batch = self._pending[: self._batch_rows]
        if batch:
            await self._apply([row for _, row in batch])
            del self._pending[: len(batch)]
        for epoch, row in batch:
            epoch.done(row.begun.attempt_id)
        if not self._pending:
            self._clean()
            if not self._held:
                self._unsent.shorten()
        return len(batch)

    async def _collect(self) -> None:
        """Fill `pending` to a batch, as far as there is anything."""
        self._unsent.read()
        held, self._held = self._held, []
        self._sort(held)
        for path in epochs(self._root):
            epoch = self._epochs.setdefault(path, Epoch(path))
            more = True
            while more and len(self._pending) < self._batch_rows:
                more, rows = epoch.read()
                self._sort([(epoch, row) for row in rows])
                await asyncio.sleep(0)

    def _sort(self, found: Sequence[tuple[Epoch, SpendRow]]) -> None:
        """To be applied, to be held, or over because the attempt was never sent."""
        now = self._now()
        for epoch, row in found:
            if not unconfirmed(row):
                self._pending.append((epoch, row))
            elif row.begun.attempt_id in self._unsent:
                epoch.done(row.begun.attempt_id)
            elif abs(now - row.ended.at) < HELD_SECONDS:  # abs: clocks may be set back
                self._held.append((epoch, row))
            else:
                self._pending.append((epoch, row))

    async def _apply(self, rows: Sequence[SpendRow]) -> None:
        """Apply; when a row is refused, halve until it stands alone, and set it aside."""
        try:
            await self._ledger.apply(rows)
        except Refused as error:
            if len(rows) == 1:
                self._set_aside(rows[0], str(error))
                return
            middle = len(rows) // 2
            await self._apply(rows[:middle])
            await self._apply(rows[middle:])

    def _set_aside(self, row: SpendRow, reason: str) -> None:
        attempt_id = row.begun.attempt_id
        log.error("journal: attempt %s refused, kept in %s: %s", attempt_id, self.rejected, reason)
        line = orjson.dumps({"reason": reason, "row": row}, default=dict)
        with self.rejected.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _clean(self) -> None:
        for path, epoch in list(self._epochs.items()):
            if epoch.clean():
                del self._epochs[path]

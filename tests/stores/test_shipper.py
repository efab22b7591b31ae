import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from extproc.domain.ledger import INCOMPLETE, Noted, SpendRow, interrupted
from extproc.domain.usage import Usage
from extproc.stores.base import Refused, SpendQuery, StoreUnavailable
from extproc.stores.journal import DiskJournal
from extproc.stores.memory import MemoryKeys, MemoryLedger
from extproc.stores.segments import epochs, segments
from extproc.stores.shipper import HELD_SECONDS, Backlog, Shipper
from extproc.stores.unsent import Unsent
from tests.contracts.values import BEGUN, ENDED, a_row
from tests.servers import eventually


def later() -> float:
    return ENDED.at + 60


class MoodyLedger(MemoryLedger):
    """Away while `away`; refuses a batch that holds one of `poison`."""

    def __init__(self) -> None:
        super().__init__(MemoryKeys())
        self.away = False
        self.poison: set[str] = set()
        self.applied: list[list[str]] = []

    async def apply(self, rows: Sequence[SpendRow]) -> int:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        if self.poison & {row.begun.attempt_id for row in rows}:
            raise Refused("poison")
        self.applied.append([row.begun.attempt_id for row in rows])
        return await super().apply(rows)

    def ids(self) -> list[str]:
        return sorted(self._rows)


@pytest.fixture
def ledger() -> MoodyLedger:
    return MoodyLedger()


def shipper_of(
    root: Path, ledger: MoodyLedger, batch_rows: int = 500, now: Callable[[], float] = later
) -> Shipper:
    unsent = Unsent(root.with_suffix(".unsent"))
    return Shipper(root, ledger, now, unsent, batch_rows, pause_seconds=0.01)


@asynccontextmanager
async def running(*shippers: Shipper) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(shipper.run()) for shipper in shippers]
        yield
        for task in tasks:
            task.cancel()


def attempt(journal: DiskJournal, attempt_id: str) -> None:
    journal.begin(replace(BEGUN, attempt_id=attempt_id))
    journal.end(replace(ENDED, attempt_id=attempt_id))


async def test_what_a_closed_journal_holds_is_shipped_and_deleted(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    attempt(journal, "call-1")
    journal.close()
    await shipper_of(tmp_path, ledger).drain()
    assert list(await ledger.rows(SpendQuery())) == [a_row()]
    assert epochs(tmp_path) == []
    assert list((tmp_path / "w").iterdir()) == []


async def test_an_attempt_without_end_is_interrupted_only_when_its_process_is_over(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    attempt(journal, "done")
    shipper = shipper_of(tmp_path, ledger)
    await shipper.drain()
    assert ledger.ids() == ["done"]
    journal.close()
    await shipper.drain()
    assert await ledger.rows(SpendQuery()) == [a_row("done"), interrupted(BEGUN)]


def note(tokens: int) -> Noted:
    return Noted(replace(ENDED, usage=Usage(input=tokens), cost_nanousd=tokens, error=""))


async def test_an_interrupted_attempt_costs_what_was_noted_last(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    journal.note(note(5))
    journal.note(note(7))
    shipper = shipper_of(tmp_path, ledger)
    await shipper.drain()
    assert ledger.ids() == []
    journal.close()
    await shipper.drain()
    (row,) = await ledger.rows(SpendQuery())
    assert row == interrupted(BEGUN, note(7)) and row.interrupted
    assert (row.ended.usage, row.ended.cost_nanousd) == (Usage(input=7), 7)
    assert (row.ended.status, row.ended.error) == ("failure", "interrupted")


async def test_a_note_changes_nothing_once_there_is_an_end(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    journal.begin(BEGUN)
    journal.note(note(5))
    journal.end(ENDED)
    journal.note(note(9))
    journal.close()
    await shipper_of(tmp_path, ledger).drain()
    assert list(await ledger.rows(SpendQuery())) == [SpendRow(BEGUN, ENDED)]


async def test_the_last_note_stays_on_disk_as_its_beginning_does(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w", segment_bytes=2000)
    journal.begin(BEGUN)
    for n in range(40):
        attempt(journal, f"short-{n}")
        if n in (15, 30):
            journal.note(note(n))
    await shipper_of(tmp_path, ledger).drain()
    (epoch,) = epochs(tmp_path)
    assert len(segments(epoch)) == 3  # with the beginning, with the last note, and the newest
    journal.close()
    await shipper_of(tmp_path, ledger).drain()  # another, that knows nothing
    left = [row for row in await ledger.rows(SpendQuery()) if row.interrupted]
    assert left == [interrupted(BEGUN, note(30))]


async def test_workers_are_shipped_while_they_write(tmp_path: Path, ledger: MoodyLedger) -> None:
    journals = [DiskJournal(tmp_path / f"worker-{n}", segment_bytes=4000) for n in range(3)]
    async with running(shipper_of(tmp_path, ledger, batch_rows=7)):
        for n in range(90):
            attempt(journals[n % 3], f"call-{n}")
            await asyncio.sleep(0)
        await eventually(lambda: len(ledger.ids()) == 90, "shipping")
        await eventually(
            lambda: all(len(segments(epoch)) == 1 for epoch in epochs(tmp_path)), "deletion"
        )
    assert max(len(batch) for batch in ledger.applied) <= 7
    assert sum(len(batch) for batch in ledger.applied) == 90
    for journal in journals:
        journal.close()


async def test_a_long_attempt_keeps_its_segment_and_no_other(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w", segment_bytes=2000)
    journal.begin(BEGUN)
    for n in range(30):
        attempt(journal, f"short-{n}")
    await shipper_of(tmp_path, ledger).drain()
    (epoch,) = epochs(tmp_path)
    first, last = segments(epoch)
    assert (first, last > 2) == (1, True)
    journal.end(ENDED)
    journal.close()
    await shipper_of(tmp_path, ledger).drain()  # another, that knows nothing
    assert len(ledger.ids()) == 31
    assert not any(row.interrupted for row in await ledger.rows(SpendQuery()))
    assert epochs(tmp_path) == []


async def test_a_restart_reads_again_and_changes_nothing(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    attempt(journal, "call-1")
    for _ in range(2):
        await shipper_of(tmp_path, ledger).drain()
    assert ledger.applied == [["call-1"], ["call-1"]]
    assert list(await ledger.rows(SpendQuery())) == [a_row()]
    journal.close()


async def test_the_journal_waits_while_the_ledger_is_away(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    shipper = shipper_of(tmp_path, ledger, batch_rows=10)
    ledger.away = True
    with pytest.raises(StoreUnavailable):
        await shipper.drain()  # nothing to ship yet, but then:
        attempt(journal, "first")
        await shipper.drain()
    async with running(shipper):
        for n in range(3000):
            attempt(journal, f"call-{n}")
        await eventually(lambda: shipper.backlog().oldest_seconds == 60, "a waiting batch")
        waiting = shipper.backlog()
        assert waiting.bytes > 3000 * 200
        assert abs(waiting.records - 6002) < 600
        assert len(shipper._pending) < 300  # a chunk's worth, whatever there is on disk
        ledger.away = False
        await eventually(lambda: len(ledger.ids()) == 3001, "shipping")
        await eventually(lambda: shipper.backlog() == Backlog(), "an empty backlog")
    journal.close()


async def test_a_poisoned_row_is_set_aside_and_holds_up_none(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    journal = DiskJournal(tmp_path / "w")
    for n in range(10):
        attempt(journal, f"call-{n}")
    journal.close()
    ledger.poison = {"call-3", "call-7"}
    shipper = shipper_of(tmp_path, ledger)
    await shipper.drain()
    assert ledger.ids() == [f"call-{n}" for n in range(10) if n not in (3, 7)]
    lines = [json.loads(line) for line in shipper.rejected.read_text().splitlines()]
    assert [line["row"]["begun"]["attempt_id"] for line in lines] == ["call-3", "call-7"]
    assert lines[0]["row"]["ended"]["cost_nanousd"] == 5_000
    assert epochs(tmp_path) == []


async def test_one_ships_and_the_other_stands_by(tmp_path: Path, ledger: MoodyLedger) -> None:
    journal = DiskJournal(tmp_path / "w")
    first, second = shipper_of(tmp_path, ledger), shipper_of(tmp_path, ledger)
    async with running(first):
        attempt(journal, "call-1")
        await eventually(lambda: ledger.ids() == ["call-1"], "shipping")
        await second.drain()
        assert ledger.applied == [["call-1"]]
    attempt(journal, "call-2")
    async with running(second):
        await eventually(lambda: ledger.ids() == ["call-1", "call-2"], "taking over")
    journal.close()


async def test_an_empty_journal_is_nothing_to_ship(tmp_path: Path, ledger: MoodyLedger) -> None:
    shipper = shipper_of(tmp_path / "absent", ledger)
    await shipper.drain()
    assert shipper.backlog() == Backlog()


async def test_a_folder_that_cannot_be_made_is_tried_again(
    tmp_path: Path, ledger: MoodyLedger, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "journal"
    root.touch()
    async with running(shipper_of(root, ledger)):
        await eventually(lambda: "cannot be shipped" in caplog.text, "the complaint")
        root.unlink()
        journal = DiskJournal(root / "w")
        attempt(journal, "call-1")
        await eventually(lambda: ledger.ids() == ["call-1"], "shipping")
    journal.close()


# A client left before the provider said a word.


def left(journal: DiskJournal, attempt_id: str) -> None:
    journal.begin(replace(BEGUN, attempt_id=attempt_id))
    journal.end(replace(ENDED, attempt_id=attempt_id, http_status=0, error=INCOMPLETE))


def never_sent(root: Path, *attempt_ids: str) -> None:
    with root.with_suffix(".unsent").open("a") as file:
        file.writelines(f"{each}\n" for each in attempt_ids)


async def test_what_was_never_sent_is_no_row(tmp_path: Path, ledger: MoodyLedger) -> None:
    root = tmp_path / "journal"
    journal = DiskJournal(root / "w")
    for attempt_id in ("never-1", "sent-1"):
        left(journal, attempt_id)
    attempt(journal, "answered-1")
    journal.close()
    never_sent(root, "never-1", "answered-1")
    await shipper_of(root, ledger).drain()
    assert ledger.ids() == ["answered-1", "sent-1"]
    assert epochs(root) == []


async def test_what_may_be_unsent_is_held_and_nothing_else(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    root = tmp_path / "journal"
    journal = DiskJournal(root / "w", segment_bytes=1)
    clock = [ENDED.at]
    shipper = shipper_of(root, ledger, now=lambda: clock[0])
    async with running(shipper):
        left(journal, "sent-1")
        left(journal, "never-1")
        attempt(journal, "answered-1")
        await eventually(lambda: ledger.ids() == ["answered-1"], "the others")
        clock[0] += HELD_SECONDS - 0.1
        assert shipper.backlog().oldest_seconds > 2
        never_sent(root, "never-1")
        await eventually(lambda: len(shipper._held) == 1, "Envoy's word")
        assert ledger.ids() == ["answered-1"]
        assert len(segments(epochs(root)[0])) > 1
        clock[0] += 0.2
        await eventually(lambda: ledger.ids() == ["answered-1", "sent-1"], "the end of waiting")
        await eventually(lambda: len(segments(epochs(root)[0])) == 1, "deletion")
    journal.close()


async def test_draining_waits_for_what_is_held(tmp_path: Path, ledger: MoodyLedger) -> None:
    root = tmp_path / "journal"
    journal = DiskJournal(root / "w")
    left(journal, "sent-1")
    journal.close()
    ticks = iter(range(100))
    await shipper_of(root, ledger, now=lambda: ENDED.at + next(ticks)).drain()
    assert ledger.ids() == ["sent-1"]
    assert next(ticks) >= HELD_SECONDS
    assert epochs(root) == []


async def test_what_was_dropped_stays_dropped_when_it_is_read_again(
    tmp_path: Path, ledger: MoodyLedger
) -> None:
    root = tmp_path / "journal"
    journal = DiskJournal(root / "w")
    left(journal, "never-1")
    never_sent(root, "never-1")
    for _ in range(2):
        await shipper_of(root, ledger).drain()
    assert ledger.ids() == []
    journal.close()

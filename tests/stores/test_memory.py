from extproc.stores.base import Trail
from extproc.stores.memory import MemoryKeys, MemoryTrails, NoJournal
from tests.contracts.values import BEGUN, ENDED, KEY


async def test_the_oldest_trail_makes_room() -> None:
    trails = MemoryTrails(lambda: 0.0, capacity=2)
    for name in "abc":
        await trails.remember(name, Trail("{}", 502))
    assert [name for name in "abc" if await trails.recall(name)] == ["b", "c"]


async def test_changes_are_told() -> None:
    told: list[str] = []
    keys = MemoryKeys(told.append)
    await keys.create(KEY)
    await keys.update(KEY.hash, {"blocked": True})
    await keys.delete([KEY.hash])
    keys.spend(KEY.hash, 1)
    assert told == [KEY.hash] * 3


def test_no_journal_takes_everything() -> None:
    journal = NoJournal()
    journal.begin(BEGUN)
    journal.end(ENDED)

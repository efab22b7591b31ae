import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from extproc.domain.key import Key
from extproc.stores.base import StoreUnavailable
from extproc.stores.keycache import REFRESH_SECONDS, CachedKeys
from extproc.stores.memory import MemoryKeys
from tests.servers import eventually

KEY = Key("a" * 64)
GRACE, STALENESS = 3600.0, 5.0


class Source(MemoryKeys):
    """Counts reads; away while `away`; silent while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self, key_hash: str) -> Key | None:
        self.reads += 1
        key = await super().find(key_hash)  # read before the gate: what it lets through is stale
        await self.gate.wait()
        if self.away:
            raise StoreUnavailable("away")
        return key


class World:
    """A cache over a source, and the time."""

    def __init__(self, capacity: int = 10) -> None:
        self.at = 1_000_000.0
        self.source = Source()
        self.cache = CachedKeys(self.source, lambda: self.at, GRACE, STALENESS, capacity)
        self.cache.listening = True


@pytest.fixture
async def world() -> World:
    world = World()
    await world.source.create(KEY)
    return world


@asynccontextmanager
async def refreshing(cache: CachedKeys) -> AsyncIterator[None]:
    task = asyncio.ensure_future(cache.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_key_is_read_once(world: World) -> None:
    assert world.cache.peek(KEY.hash) is None
    assert await world.cache.find(KEY.hash) == KEY
    assert await world.cache.find(KEY.hash) == KEY
    assert world.cache.peek(KEY.hash) == KEY
    assert world.source.reads == 1


async def test_no_key_is_remembered_briefly(world: World) -> None:
    for _ in range(3):
        assert await world.cache.find("unknown") is None
    assert world.source.reads == 1
    world.at += STALENESS
    await world.cache.find("unknown")
    assert world.source.reads == 2


async def test_a_new_key_is_found_once_it_was_told(world: World) -> None:
    new = Key("b" * 64)
    assert await world.cache.find(new.hash) is None
    await world.source.create(new)
    world.cache.invalidate(new.hash)
    assert await world.cache.find(new.hash) == new


async def test_a_changed_key_is_read_again(world: World) -> None:
    await world.cache.find(KEY.hash)
    blocked = await world.source.update(KEY.hash, {"blocked": True})
    world.cache.invalidate(KEY.hash)
    assert world.cache.peek(KEY.hash) is None
    assert await world.cache.find(KEY.hash) == blocked


async def test_many_who_ask_at_once_read_once(world: World) -> None:
    world.source.gate.clear()
    asking = [asyncio.ensure_future(world.cache.find(KEY.hash)) for _ in range(50)]
    await asyncio.sleep(0)
    world.source.gate.set()
    assert await asyncio.gather(*asking) == [KEY] * 50
    assert world.source.reads == 1


async def test_one_who_leaves_takes_no_other_along(world: World) -> None:
    world.source.gate.clear()
    first, *others = [asyncio.ensure_future(world.cache.find(KEY.hash)) for _ in range(5)]
    await asyncio.sleep(0)
    others.pop().cancel()
    first.cancel()
    await asyncio.sleep(0)
    world.source.gate.set()
    assert await asyncio.gather(*others) == [KEY] * 3
    assert world.source.reads == 2


@pytest.mark.parametrize("everything", [False, True])
async def test_a_read_that_a_change_overtook_is_not_kept(world: World, everything: bool) -> None:
    world.source.gate.clear()
    early = asyncio.ensure_future(world.cache.find(KEY.hash))
    await asyncio.sleep(0)
    blocked = await world.source.update(KEY.hash, {"blocked": True})
    if everything:
        world.cache.invalidate_all()
    else:
        world.cache.invalidate(KEY.hash)
    late = asyncio.ensure_future(world.cache.find(KEY.hash))
    await asyncio.sleep(0)
    world.source.gate.set()
    await early
    assert await late == blocked
    world.at += 1
    assert await world.cache.find(KEY.hash) == blocked


async def test_while_listening_an_old_key_is_read_again_beside_the_call(world: World) -> None:
    await world.cache.find(KEY.hash)
    changed = await world.source.update(KEY.hash, {"spend_nanousd": 5})
    world.at += REFRESH_SECONDS - 1
    assert world.cache.peek(KEY.hash) == KEY
    world.at += 1
    assert world.cache.peek(KEY.hash) == KEY
    async with refreshing(world.cache):
        await eventually(lambda: world.cache.peek(KEY.hash) == changed, "the refresh")
    assert world.source.reads == 2


async def test_while_not_listening_a_key_older_than_the_staleness_is_read(world: World) -> None:
    await world.cache.find(KEY.hash)
    world.cache.listening = False
    assert world.cache.peek(KEY.hash) == KEY
    blocked = await world.source.update(KEY.hash, {"blocked": True})
    world.at += STALENESS
    assert world.cache.peek(KEY.hash) is None
    assert await world.cache.find(KEY.hash) == blocked


async def test_known_keys_go_on_for_the_grace_time_while_the_store_is_away(world: World) -> None:
    await world.cache.find(KEY.hash)
    world.cache.listening = False
    world.source.away = True
    world.at += GRACE
    assert await world.cache.find(KEY.hash) == KEY
    assert await world.cache.find(KEY.hash) == KEY
    assert world.source.reads == 2  # nobody waits for a store that is known to be away
    world.at += 1
    with pytest.raises(StoreUnavailable):
        await world.cache.find(KEY.hash)


async def test_an_unknown_key_is_unavailable_not_absent(world: World) -> None:
    world.source.away = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await world.cache.find(KEY.hash)


async def test_a_key_that_changed_is_not_used_again_during_an_outage(world: World) -> None:
    await world.cache.find(KEY.hash)
    world.source.away = True
    world.cache.invalidate(KEY.hash)
    with pytest.raises(StoreUnavailable):
        await world.cache.find(KEY.hash)


async def test_doubt_makes_a_key_read_again_if_it_can_be(world: World) -> None:
    await world.cache.find(KEY.hash)
    world.at += 1
    world.cache.invalidate_all()
    world.source.away = True
    assert await world.cache.find(KEY.hash) == KEY
    world.source.away = False
    blocked = await world.source.update(KEY.hash, {"blocked": True})
    world.at += 1
    async with refreshing(world.cache):
        await eventually(lambda: world.cache.peek(KEY.hash) == blocked, "the store's return")


async def test_the_return_of_the_store_is_noticed(world: World) -> None:
    world.source.away = True
    with pytest.raises(StoreUnavailable):
        await world.cache.find(KEY.hash)
    async with refreshing(world.cache):
        world.source.away = False
        await eventually(lambda: world.cache.peek(KEY.hash) == KEY, "the store's return")


async def test_the_key_used_longest_ago_makes_room() -> None:
    world = World(capacity=3)
    for letter in "abcd":
        await world.source.create(replace(KEY, hash=letter))
    for letter in "abcad":
        await world.cache.find(letter)
    assert [letter for letter in "abcd" if world.cache.peek(letter)] == ["a", "c", "d"]


async def test_guessed_keys_push_out_no_real_one() -> None:
    world = World(capacity=3)
    await world.source.create(KEY)
    await world.cache.find(KEY.hash)
    for n in range(100):
        assert await world.cache.find(f"guess-{n}") is None
    assert world.cache.peek(KEY.hash) == KEY
    assert len(world.cache._absent) == 3


async def test_a_deleted_key_is_absent(world: World) -> None:
    await world.cache.find(KEY.hash)
    await world.source.delete([KEY.hash])
    world.cache.invalidate(KEY.hash)
    assert await world.cache.find(KEY.hash) is None

from extproc.stores.base import Trail
from tests.contracts.conftest import Aging

TRAIL = Trail('{"error": {"message": "é"}}', 502)


async def test_a_trail_is_recalled(trails: Aging) -> None:
    await trails.store.remember("call", TRAIL)
    assert await trails.store.recall("call") == TRAIL


async def test_the_last_trail_wins(trails: Aging) -> None:
    await trails.store.remember("call", Trail("{}", 500))
    await trails.store.remember("call", TRAIL)
    assert await trails.store.recall("call") == TRAIL


async def test_an_unknown_call_has_none(trails: Aging) -> None:
    assert await trails.store.recall("call") is None


async def test_ten_minutes_later_it_is_forgotten(trails: Aging) -> None:
    await trails.store.remember("call", TRAIL)
    await trails.pass_seconds(590)
    assert await trails.store.recall("call") == TRAIL
    await trails.pass_seconds(11)
    assert await trails.store.recall("call") is None

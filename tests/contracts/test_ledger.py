import asyncio
import random
from dataclasses import replace

import pytest

from extproc.domain.ledger import interrupted
from extproc.stores.base import SpendQuery
from tests.contracts.conftest import Books
from tests.contracts.values import BEGUN, ENDED, KEY, a_row


async def spend(books: Books, key_hash: str = KEY.hash) -> int:
    key = await books.keys.find(key_hash)
    return int(key.spend_nanousd)


@pytest.fixture
async def ledger(books: Books) -> Books:
    await books.keys.create(replace(KEY, spend_nanousd=0))
    return books


async def test_a_row_comes_back_as_it_went_in(ledger: Books) -> None:
    row = a_row()
    assert await ledger.ledger.apply([row]) == 1
    assert list(await ledger.ledger.rows(SpendQuery())) == [row]
    assert await spend(ledger) == 5_000


async def test_a_replay_changes_nothing(ledger: Books) -> None:
    rows = [a_row(f"call-{n}") for n in range(3)]
    assert await ledger.ledger.apply(rows) == 3
    assert await ledger.ledger.apply(rows) == 0
    assert await ledger.ledger.apply([*rows, a_row("call-9")]) == 1
    assert await spend(ledger) == 20_000
    assert len(await ledger.ledger.rows(SpendQuery())) == 4


async def test_the_same_attempt_twice_in_a_batch_counts_once(ledger: Books) -> None:
    assert await ledger.ledger.apply([a_row(), a_row()]) == 1
    assert await spend(ledger) == 5_000


async def test_an_unknown_price_is_a_row_without_cost(ledger: Books) -> None:
    await ledger.ledger.apply([a_row(cost=None)])
    (row,) = await ledger.ledger.rows(SpendQuery())
    assert row.ended.cost_nanousd is None
    assert await spend(ledger) == 0


async def test_a_true_end_replaces_an_estimate_by_the_difference(ledger: Books) -> None:
    await ledger.ledger.apply([interrupted(BEGUN)])
    assert await spend(ledger) == 1_000
    assert await ledger.ledger.apply([a_row()]) == 1
    assert await spend(ledger) == 5_000
    assert list(await ledger.ledger.rows(SpendQuery())) == [a_row()]
    assert await ledger.ledger.apply([a_row(), interrupted(BEGUN)]) == 0
    assert await spend(ledger) == 5_000


async def test_an_estimate_and_its_end_in_one_batch(ledger: Books) -> None:
    await ledger.ledger.apply([interrupted(BEGUN), a_row()])
    (row,) = await ledger.ledger.rows(SpendQuery())
    assert not row.interrupted
    assert await spend(ledger) == 5_000


async def test_an_unpriced_end_takes_the_estimate_back(ledger: Books) -> None:
    await ledger.ledger.apply([interrupted(BEGUN)])
    await ledger.ledger.apply([a_row(cost=None)])
    assert await spend(ledger) == 0


async def test_a_key_that_is_gone_does_not_hold_up_its_rows(books: Books) -> None:
    assert await books.ledger.apply([a_row()]) == 1
    assert len(await books.ledger.rows(SpendQuery(key_hash=KEY.hash))) == 1


async def test_nothing_to_apply(ledger: Books) -> None:
    assert await ledger.ledger.apply([]) == 0


async def test_concurrent_batches_move_spend_by_what_was_inserted(ledger: Books) -> None:
    keys = [letter * 64 for letter in "bcdef"]
    for key_hash in keys:
        await ledger.keys.create(replace(KEY, hash=key_hash, alias=None, spend_nanousd=0))
    rows = [a_row(f"call-{n}", cost=n, key_hash=keys[n % len(keys)]) for n in range(60)]
    dice = random.Random(1)

    async def apply_all() -> int:
        shuffled = dice.sample(rows, len(rows))
        return sum([await ledger.ledger.apply(shuffled[n : n + 20]) for n in range(0, 60, 20)])

    async def change_keys() -> None:
        for n in range(10):
            for key_hash in keys:
                await ledger.keys.update(key_hash, {"metadata": {"n": n}})

    *applied, _ = await asyncio.gather(*(apply_all() for _ in range(6)), change_keys())
    assert sum(applied) == 60
    for at, key_hash in enumerate(keys):
        assert await spend(ledger, key_hash) == sum(range(at, 60, len(keys)))
        assert (await ledger.keys.find(key_hash)).metadata == {"n": 9}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SpendQuery(), ["c", "b", "a"]),
        (SpendQuery(limit=2), ["c", "b"]),
        (SpendQuery(key_hash="k2"), ["b"]),
        (SpendQuery(request_id="r3"), ["c"]),
        (SpendQuery(user_id="u1"), ["b", "a"]),
        (SpendQuery(start_at=2.0), ["c", "b"]),
        (SpendQuery(end_at=2.0), ["a"]),
        (SpendQuery(start_at=2.0, end_at=3.0), ["b"]),
        (SpendQuery(key_hash="k2", user_id="u3"), []),
        (SpendQuery(request_id="\0"), []),
    ],
)
async def test_queries(books: Books, query: SpendQuery, expected: list[str]) -> None:
    rows = [
        a_row("a", at=1.0, key_hash="k1", call_id="r1", metadata={"user": "u1"}),
        a_row("b", at=2.0, key_hash="k2", call_id="r2", metadata={"user": "u1"}),
        a_row("c", at=3.0, key_hash="k3", call_id="r3", metadata={"user": "u3"}),
    ]
    await books.ledger.apply(rows)
    assert [row.begun.attempt_id for row in await books.ledger.rows(query)] == expected


async def test_a_failure_without_first_byte(books: Books) -> None:
    ended = replace(
        ENDED, status="failure", http_status=502, first_byte_at=None, error="broken", cost_nanousd=0
    )
    row = replace(a_row(), ended=ended)
    await books.ledger.apply([row])
    assert list(await books.ledger.rows(SpendQuery())) == [row]

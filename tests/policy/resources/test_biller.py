"""Batches are asked for at a real server until they are over, and billed once, whatever happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from extproc.clients.credentials import Signer
from extproc.clients.outbound import Outbound, threads
from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.ledger import SpendRow
from extproc.domain.snapshot import Snapshot
from extproc.domain.usage import Price, Usage
from extproc.policy.resources.biller import GIVE_UP_SECONDS, LEASE_SECONDS, Biller
from extproc.providers.prices import PriceBook
from extproc.stores.base import SpendQuery, StoreUnavailable
from extproc.stores.memory import MemoryBills, MemoryKeys, MemoryLedger
from extproc.stores.postgres.bills import PostgresBills
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.pool import Database
from tests import library
from tests.calls import deployment
from tests.contracts.values import KEY, a_row
from tests.library import Library, completion

NOW = 1_700_000_100.0
PRICE = Price(Decimal("0.000002"), Decimal("0.000004"))


@pytest.fixture
def shelf() -> Iterator[Library]:
    running = Library().start()
    yield running
    running.stop()


@dataclass
class Clock:
    at: float = NOW

    def __call__(self) -> float:
        return self.at


def session(_: Deployment) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    return made


@dataclass
class Office:
    """A biller over its stores, and the clock that it goes by."""

    shelf: Library
    ledger: Any
    batches: Any
    clock: Clock = field(default_factory=Clock)
    counted: Counter[str] = field(default_factory=Counter)
    deployments: tuple[Deployment, ...] = ()

    def __post_init__(self) -> None:
        self.home = self.served("gpt-4o", price=PRICE)
        self.deployments = (self.home,)
        self.pool = threads()

    def served(self, model: str, **more: Any) -> Deployment:
        url = urlsplit(self.shelf.url)
        host = Upstream("http", url.hostname or "", url.port or 0)
        made = {"upstream": host, "api_key": library.KEY, "model": model, **more}
        return deployment(**{"id_": "d1", **made})

    def biller(self, batches: Any = None) -> Biller:
        return Biller(
            bills=batches or self.batches,
            ledger=self.ledger,
            snapshot=lambda: Snapshot("1", {"gpt": self.deployments}),
            outbound=Outbound(Signer({}), session, self.pool),
            book=PriceBook(self.clock),
            now=self.clock,
            poll_seconds=60.0,
            count=lambda result: self.counted.update([result]),
        )

    async def create(
        self, status: str = "in_progress", endpoint: str = "/v1/chat/completions"
    ) -> str:
        """A batch at the provider, and the row of the call that made it."""
        batch_id = f"batch_{next(self.shelf.numbers)}"
        self.shelf.batches[batch_id] = {"id": batch_id, "status": status, "endpoint": endpoint}
        row = a_row(f"call-{batch_id}", 0, call_type="acreate_batch", at=NOW - 50)
        ended = replace(row.ended, metadata={"response_id": batch_id})
        await self.ledger.apply([replace(row, ended=ended)])
        return batch_id

    async def billed(self) -> list[SpendRow]:
        rows = await self.ledger.rows(SpendQuery())
        return [row for row in rows if row.begun.call_type == "aretrieve_batch"]


@pytest.fixture
def office(shelf: Library) -> Iterator[Office]:
    ledger = MemoryLedger(MemoryKeys())
    made = Office(shelf, ledger, MemoryBills(ledger))
    yield made
    made.pool.shutdown()


@pytest.fixture
async def real(shelf: Library, postgres_url: str) -> AsyncIterator[tuple[Office, PostgresKeys]]:
    async with Database(postgres_url, size=8) as database:
        keys = PostgresKeys(database)
        await keys.create(replace(KEY, spend_nanousd=0))
        made = Office(shelf, PostgresLedger(database), PostgresBills(database))
        yield made, keys
        made.pool.shutdown()


async def test_a_batch_at_work_is_asked_for_again_and_billed_at_its_end(office: Office) -> None:
    batch_id = await office.create()
    assert await office.biller().step() == 1
    assert (await office.billed(), office.counted) == ([], Counter(working=1))
    office.shelf.finish(batch_id, [completion(), completion(prompt_tokens=13), 429])
    assert await office.biller().step() == 0
    office.clock.at += 60
    await office.biller().step()
    (row,) = await office.billed()
    assert (row.begun.attempt_id, row.begun.key_hash) == (f"batch-d1-{batch_id}", KEY.hash)
    assert (row.ended.usage.input, row.ended.usage.output) == (20, 6)
    assert row.ended.cost_nanousd == (20 * 2_000 + 6 * 4_000) // 2
    assert row.ended.metadata["batch_models"] == {"gpt-4o-2024-08-06": 2}
    assert row.begun.metadata == a_row().begun.metadata
    office.clock.at += 10_000
    assert await office.biller().step() == 0


@pytest.mark.parametrize("status", ["expired", "cancelled", "failed"])
async def test_what_was_done_is_paid_whatever_the_end(office: Office, status: str) -> None:
    office.shelf.finish(await office.create(), [completion()], status)
    nothing = await office.create(status)
    await office.biller().step()
    rows = {row.begun.attempt_id: row for row in await office.billed()}
    assert sorted(row.ended.cost_nanousd or 0 for row in rows.values()) == [0, 13_000]
    assert rows[f"batch-d1-{nothing}"].ended.error == f"the batch is {status}"


async def respond(office: Office, **said: Any) -> str:
    """A response made in the background, and the row of its call."""
    response_id = f"resp_{next(office.shelf.numbers)}"
    office.shelf.responses[response_id] = {"id": response_id, "object": "response", **said}
    row = a_row(f"call-{response_id}", 0, call_type="aresponses", at=NOW - 50)
    told = {"response_id": response_id, "deferred": True}
    await office.ledger.apply([replace(row, ended=replace(row.ended, metadata=told))])
    return response_id


async def responses(office: Office) -> list[SpendRow]:
    rows = await office.ledger.rows(SpendQuery())
    return [row for row in rows if row.begun.attempt_id.startswith("response-")]


async def test_a_response_at_work_is_asked_for_again_and_billed_at_its_end(office: Office) -> None:
    response_id = await respond(office, status="in_progress", usage=None)
    await office.biller().step()
    assert (await responses(office), office.counted) == ([], Counter(working=1))
    used = {"input_tokens": 10, "output_tokens": 3}
    office.shelf.responses[response_id] |= {"status": "completed", "usage": used}
    for _ in range(3):
        office.clock.at += 60
        await office.biller().step()
    (row,) = await responses(office)
    assert row.begun.attempt_id == f"response-d1-{response_id}"
    assert (row.begun.key_hash, row.begun.metadata) == (KEY.hash, a_row().begun.metadata)
    assert row.ended.cost_nanousd == 10 * 2_000 + 3 * 4_000
    assert (row.ended.status, row.ended.estimated) == ("success", False)


SAID = {"type": "message", "content": [{"type": "output_text", "text": "x" * 40}]}


@pytest.mark.parametrize(
    ("said", "cost", "estimated"),
    [
        ({"status": "failed", "usage": None}, 0, False),
        ({"status": "cancelled", "usage": None}, None, False),
        ({"status": "incomplete", "output": [SAID]}, 10 * 4_000, True),
        ({"status": "cancelled", "usage": {"input_tokens": 1, "output_tokens": 1}}, 6_000, False),
    ],
    ids=["failed", "cancelled unknown", "unstated", "cancelled"],
)
async def test_a_response_is_paid_for_what_was_made(
    office: Office, said: dict[str, Any], cost: int | None, estimated: bool
) -> None:
    await respond(office, **said)
    await office.biller().step()
    (row,) = await responses(office)
    assert (row.ended.cost_nanousd, row.ended.estimated) == (cost, estimated)


async def test_a_response_that_is_gone_is_given_up_loudly(office: Office) -> None:
    await respond(office, status="queued")
    office.shelf.responses.clear()
    await office.biller().step()
    office.clock.at += GIVE_UP_SECONDS
    await office.biller().step()
    (row,) = await responses(office)
    assert (row.ended.cost_nanousd, row.ended.status) == (None, "failure")


class Crashing:
    """Fails when a job is to be closed, as if the process ended there."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    async def close(self, job: Any, state: str) -> None:
        raise StoreUnavailable


async def test_a_crash_between_row_and_mark_bills_once(real: tuple[Office, PostgresKeys]) -> None:
    office, keys = real
    office.shelf.finish(await office.create(), [completion()])
    await office.biller(Crashing(office.batches)).step()
    assert len(await office.billed()) == 1
    office.clock.at += LEASE_SECONDS
    assert await office.biller().step() == 1
    assert len(await office.billed()) == 1
    assert office.counted["billed"] == 1
    key = await keys.find(KEY.hash)
    assert key is not None and key.spend_nanousd == 13_000


async def test_two_at_once_bill_each_batch_once(real: tuple[Office, PostgresKeys]) -> None:
    office, keys = real
    for _ in range(9):
        office.shelf.finish(await office.create(), [completion()])
    await asyncio.gather(office.biller().step(), office.biller().step())
    assert len(await office.billed()) == 9
    assert office.counted == Counter(billed=9)
    asked = Counter(each.path for each in office.shelf.seen if each.path.startswith("/v1/batches/"))
    assert set(asked.values()) == {1}
    key = await keys.find(KEY.hash)
    assert key is not None and key.spend_nanousd == 9 * 13_000


async def test_a_provider_that_fails_is_asked_again_and_again(office: Office) -> None:
    office.shelf.finish(await office.create(), [completion()])
    office.shelf.failing = 3
    for pause in (60, 120, 240):
        assert await office.biller().step() == 1
        office.clock.at += pause - 1
        assert await office.biller().step() == 0
        office.clock.at += 1
    await office.biller().step()
    assert len(await office.billed()) == 1
    assert office.counted == Counter(failed=3, billed=1)


async def test_a_provider_that_is_away_is_asked_again(office: Office) -> None:
    await office.create()
    home, away = office.home, replace(office.home, upstream=Upstream("http", "127.0.0.1", 1))
    office.deployments = (away,)
    await office.biller().step()
    office.deployments = ()
    office.clock.at += 60
    await office.biller().step()
    assert office.counted == Counter(failed=2)
    office.deployments = (home,)
    office.clock.at += 120
    await office.biller().step()
    assert office.counted == Counter(failed=2, working=1)


async def test_what_is_given_up_is_said(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    batch_id = await office.create("completed")
    office.shelf.batches.clear()
    office.clock.at += GIVE_UP_SECONDS
    await office.biller().step()
    assert office.counted == Counter(lost=1)
    assert f"batch {batch_id} of key {KEY.hash} is not billed, given up" in caplog.text
    assert office.batches.states == {("d1", batch_id): "lost"}
    (row,) = await office.billed()
    assert (row.ended.cost_nanousd, row.ended.error) == (None, "the batch is lost")


STATED = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}


@pytest.mark.parametrize(
    ("said", "cost"),
    [({"usage": STATED, "model": "gpt-4o-2024-08-06"}, 120_000), ({"usage": STATED}, 120_000)],
)
async def test_a_batch_without_its_output_is_billed_as_it_says(
    office: Office, said: Any, cost: int
) -> None:
    batch_id = await office.create()
    office.shelf.finish(batch_id, [completion()])
    office.shelf.batches[batch_id] |= said
    office.shelf.files.clear()
    await office.biller().step()
    (row,) = await office.billed()
    assert (row.ended.cost_nanousd, row.ended.usage.input) == (cost, 100)
    assert row.ended.metadata["output_gone"]


@pytest.mark.parametrize("output", [True, False])
async def test_a_batch_that_says_nothing_leaves_a_row_without_a_cost(
    office: Office, output: bool
) -> None:
    batch_id = await office.create()
    office.shelf.finish(batch_id, [completion()] if output else [])
    office.shelf.batches[batch_id]["request_counts"] = {"total": 2, "completed": 2, "failed": 0}
    office.shelf.files.clear()
    await office.biller().step()
    (row,) = await office.billed()
    assert (row.ended.cost_nanousd, row.ended.metadata["unpriced_models"]) == (None, ["gpt-4o"])


async def test_only_a_date_makes_a_model_the_deployments(office: Office) -> None:
    """gpt-4o-mini is no version of gpt-4o."""
    ended = await cost_of(office, [completion("gpt-4o-mini-2024-07-18")])
    published = PriceBook(office.clock).price_of("openai", "gpt-4o-mini")
    assert published is not None
    assert ended.cost_nanousd == published.batched().cost_nanousd(Usage(input=7, output=3))


async def cost_of(office: Office, bodies: list[Any], endpoint: str = "/v1/chat/completions") -> Any:
    batch_id = await office.create(endpoint=endpoint)
    office.shelf.finish(batch_id, bodies)
    await office.biller().step()
    (row,) = await office.billed()
    return row.ended


async def test_the_operators_batch_price_wins(office: Office) -> None:
    price = replace(PRICE, batch_input=Decimal("0.000003"))
    office.deployments = (replace(office.home, price=price),)
    assert (await cost_of(office, [completion()])).cost_nanousd == 7 * 3_000 + 3 * 2_000


async def test_each_model_has_its_own_price(office: Office) -> None:
    dear = office.served("gpt-4o-mini", id_="d2", price=Price(Decimal("0.00002"), Decimal(0)))
    office.deployments = (office.home, dear)
    ended = await cost_of(office, [completion(), completion("gpt-4o-mini-2024-07-18")])
    assert ended.cost_nanousd == 13_000 + 7 * 10_000


async def test_a_model_that_nobody_prices_is_visible(office: Office) -> None:
    ended = await cost_of(office, [completion("nobody-sells-this")])
    assert (ended.cost_nanousd, ended.usage.input) == (None, 7)
    assert ended.metadata["unpriced_models"] == ["nobody-sells-this"]


@pytest.mark.parametrize(
    ("endpoint", "body", "tokens"),
    [
        (
            "/v1/embeddings",
            {
                "object": "list",
                "model": "gpt-4o",
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
                "usage": {"prompt_tokens": 9, "total_tokens": 9},
            },
            (9, 0),
        ),
        (
            "/v1/responses",
            {
                "id": "resp_1",
                "object": "response",
                "model": "gpt-4o",
                "output": [],
                "usage": {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6},
            },
            (4, 2),
        ),
    ],
)
async def test_every_endpoint_of_a_batch_is_read(
    office: Office, endpoint: str, body: Mapping[str, Any], tokens: tuple[int, int]
) -> None:
    usage = (await cost_of(office, [body], endpoint)).usage
    assert (usage.input, usage.output) == tokens


async def test_a_line_that_cannot_be_read_keeps_no_other_from_being_billed(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    ended = await cost_of(office, [{"usage": "odd", "choices": 3}, completion()])
    assert ended.usage.input >= 7
    assert ended.cost_nanousd >= 13_000

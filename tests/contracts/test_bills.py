import asyncio
from dataclasses import replace
from typing import Any

from extproc.domain.ledger import SpendRow
from extproc.domain.openbill import OpenBill, SeenBatch
from tests.contracts.values import a_row

NOW = 1_700_000_100.0


def made(batch_id: str, **begun: Any) -> SpendRow:
    """The row of a call that made a batch."""
    row = a_row(f"call-{batch_id}", **{"call_type": "acreate_batch", **begun})
    return replace(row, ended=replace(row.ended, metadata={"response_id": batch_id}))


def job(batch_id: str, deployment_id: str = "") -> OpenBill:
    where = deployment_id or made(batch_id).begun.deployment_id
    return OpenBill(batch_id, "k", where, "call-1", NOW, metadata={"user": "ada"})


def seen(batch: OpenBill, *files: str, over: bool = False) -> SeenBatch:
    return SeenBatch(batch, files, over)


async def ids(batches: Any, at: float = NOW, limit: int = 10) -> list[str]:
    return sorted(job.id for job in await batches.claim(at, limit, 60.0))


async def test_calls_that_made_batches_become_jobs_once(billing: Any) -> None:
    await billing.ledger.apply([made("b1"), a_row("chat-1"), made("")])
    assert await billing.batches.discover(NOW, 0.0) == 1
    assert await billing.batches.discover(NOW, 0.0) == 0
    (found,) = await billing.batches.claim(NOW, 10, 60.0)
    row = made("b1").begun
    assert (found.id, found.key_hash, found.deployment_id) == (
        "b1",
        row.key_hash,
        row.deployment_id,
    )
    assert (found.call_id, found.created_at, found.failures) == (row.call_id, row.at, 0)
    assert found.metadata == row.metadata


async def test_responses_made_in_the_background_become_jobs_too(billing: Any) -> None:
    row = a_row("call-r", call_type="aresponses")
    told = {"response_id": "resp_1", "deferred": True}
    await billing.ledger.apply([replace(row, ended=replace(row.ended, metadata=told)), made("b1")])
    assert await billing.batches.discover(NOW, 0.0) == 2
    assert await billing.batches.discover(NOW, 0.0) == 0
    found = {job.id: job for job in await billing.batches.claim(NOW, 10, 60.0)}
    assert {name: job.kind for name, job in found.items()} == {"b1": "batch", "resp_1": "response"}
    home = row.begun.deployment_id
    assert not await billing.batches.billed(home, "resp_1")
    await billing.batches.close(found["resp_1"], "billed")
    assert await billing.batches.billed(home, "resp_1")
    assert not await billing.batches.billed(home, "resp_unknown")


async def test_a_claimed_job_is_nobody_elses_until_its_lease_is_over(billing: Any) -> None:
    await billing.ledger.apply([made("b1")])
    await billing.batches.discover(NOW, 0.0)
    assert await ids(billing.batches) == ["b1"]
    assert await ids(billing.batches, NOW + 59) == []
    assert await ids(billing.batches, NOW + 60) == ["b1"]


async def test_two_who_claim_at_once_get_different_jobs(billing: Any) -> None:
    await billing.ledger.apply([made(f"b{n}") for n in range(8)])
    await billing.batches.discover(NOW, 0.0)
    claims = await asyncio.gather(*(ids(billing.batches, limit=2) for _ in range(4)))
    assert sorted(job for claim in claims for job in claim) == [f"b{n}" for n in range(8)]


async def test_a_job_is_looked_at_again_when_it_is_due(billing: Any) -> None:
    await billing.ledger.apply([made("b1")])
    await billing.batches.discover(NOW, 0.0)
    await billing.batches.claim(NOW, 10, 60.0)
    await billing.batches.later(job("b1"), NOW + 5, 3)
    assert await ids(billing.batches, NOW + 4) == []
    (found,) = await billing.batches.claim(NOW + 5, 10, 60.0)
    assert found.failures == 3


async def test_what_is_closed_is_over(billing: Any) -> None:
    await billing.ledger.apply([made("b1")])
    await billing.batches.discover(NOW, 0.0)
    await billing.batches.close(job("b1"), "billed")
    await billing.batches.later(job("b1"), NOW, 0)
    assert await ids(billing.batches, NOW + 1000) == []
    assert await billing.batches.discover(NOW, 0.0) == 0


async def test_old_calls_are_left_alone(billing: Any) -> None:
    await billing.ledger.apply([made("b1", at=100.0)])
    assert await billing.batches.discover(NOW, 101.0) == 0


async def test_a_client_that_left_the_answer_unread_made_a_batch_too(billing: Any) -> None:
    row = made("b1")
    await billing.ledger.apply([replace(row, ended=replace(row.ended, status="failure"))])
    assert await billing.batches.discover(NOW, 0.0) == 1


async def test_two_accounts_may_give_the_same_id(billing: Any) -> None:
    row = a_row("call-2", call_type="acreate_batch", deployment_id="d9")
    elsewhere = replace(row, ended=replace(row.ended, metadata={"response_id": "b1"}))
    await billing.ledger.apply([made("b1"), elsewhere])
    assert await billing.batches.discover(NOW, 0.0) == 2
    await billing.batches.close(job("b1", "d9"), "billed")
    (left,) = await billing.batches.claim(NOW, 10, 60.0)
    assert left.deployment_id == made("b1").begun.deployment_id


async def test_a_batch_that_is_seen_gets_one_job(billing: Any) -> None:
    await billing.batches.see([seen(job("b1"), "in"), seen(job("b2"), "in")], NOW)
    (one, _) = sorted(await billing.batches.claim(NOW, 10, 60.0), key=lambda each: each.id)
    assert (one, one.metadata) == (job("b1"), {"user": "ada"})
    await billing.ledger.apply([made("b1")])
    assert await billing.batches.discover(NOW, 0.0) == 0
    await billing.batches.close(one, "billed")
    await billing.batches.see([seen(job("b1"), "in", over=True)], NOW)
    assert await ids(billing.batches, NOW + 59) == []


async def test_a_batch_that_is_seen_to_be_over_is_due(billing: Any) -> None:
    await billing.batches.see([seen(job("b1"), "in"), seen(job("b2"), "in")], NOW)
    await billing.batches.later(job("b1"), NOW + 50, 0)
    await billing.batches.later(job("b2"), NOW + 50, 1)
    await billing.batches.see([seen(job(each), "in", over=True) for each in ("b1", "b2")], NOW + 1)
    assert await ids(billing.batches, NOW + 1) == ["b1"]


async def test_an_open_batch_uses_its_files(billing: Any) -> None:
    await billing.batches.see([seen(job("b1"), "in")], NOW)
    await billing.batches.see([seen(job("b1"), "in", "out")], NOW)
    where = job("b1").deployment_id
    assert [await billing.batches.using(where, each) for each in ("in", "out")] == ["b1", "b1"]
    assert await billing.batches.using("another", "in") is None
    await billing.batches.close(job("b1"), "billed")
    assert await billing.batches.using(where, "in") is None

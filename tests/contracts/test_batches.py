import asyncio
from dataclasses import replace
from typing import Any

from extproc.domain.ledger import SpendRow
from tests.contracts.values import a_row

NOW = 1_700_000_100.0


def made(batch_id: str, **begun: Any) -> SpendRow:
    """The row of a call that made a batch."""
    row = a_row(f"call-{batch_id}", **{"call_type": "acreate_batch", **begun})
    return replace(row, ended=replace(row.ended, metadata={"response_id": batch_id}))


async def ids(batches: Any, at: float = NOW, limit: int = 10) -> list[str]:
    return sorted(job.id for job in await batches.claim(at, limit, 60.0))


async def test_calls_that_made_batches_become_jobs_once(billing: Any) -> None:
    await billing.ledger.apply([made("b1"), a_row("chat-1"), made("")])
    assert await billing.batches.discover(NOW, 0.0) == 1
    assert await billing.batches.discover(NOW, 0.0) == 0
    (job,) = await billing.batches.claim(NOW, 10, 60.0)
    row = made("b1").begun
    assert (job.id, job.key_hash, job.deployment_id) == ("b1", row.key_hash, row.deployment_id)
    assert (job.call_id, job.created_at, job.failures) == (row.call_id, row.at, 0)
    assert job.metadata == row.metadata


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
    await billing.batches.later("b1", NOW + 5, 3)
    assert await ids(billing.batches, NOW + 4) == []
    (job,) = await billing.batches.claim(NOW + 5, 10, 60.0)
    assert job.failures == 3


async def test_what_is_closed_is_over(billing: Any) -> None:
    await billing.ledger.apply([made("b1")])
    await billing.batches.discover(NOW, 0.0)
    await billing.batches.close("b1", "billed")
    await billing.batches.later("b1", NOW, 0)
    assert await ids(billing.batches, NOW + 1000) == []
    assert await billing.batches.discover(NOW, 0.0) == 0


async def test_old_calls_are_left_alone(billing: Any) -> None:
    await billing.ledger.apply([made("b1", at=100.0)])
    assert await billing.batches.discover(NOW, 101.0) == 0

"""Bills what goes on after its call: asks the provider until it is over, then writes one row.

    open ──due──► asked ──still at work──► due later
                    │ ──over────────────► a batch's output is read ──► row, billed
                    │ ──no answer───────► due later and later

Several may do this at once: a job goes to one of them, and again to anyone when its lease is over.
A row that is in the ledger already changes nothing, so a crash between row and mark bills once.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import orjson

from extproc.clients.outbound import Declined, Outbound, Unreached
from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.ledger import SpendRow
from extproc.domain.openbill import Kind, OpenBill
from extproc.domain.resources import Kind as ResourceKind
from extproc.domain.resources import Resource
from extproc.domain.snapshot import Snapshot
from extproc.errors import GatewayError
from extproc.policy.resources import responsebill
from extproc.policy.resources.batchbill import ENDPOINTS, Bill, prices, row
from extproc.providers import resources
from extproc.providers.answers import record, text
from extproc.providers.prices import PriceBook
from extproc.stores.base import Ledger, OpenBills, Refused, StoreUnavailable

OVER = frozenset({"completed", "incomplete", "failed", "expired", "cancelled"})
KINDS: Mapping[Kind, ResourceKind] = {"batch": "batches", "response": "responses"}
"""What is asked for."""
LEASE_SECONDS = 600.0
AT_ONCE = 4
LONGEST_PAUSE_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
DISCOVERED_SECONDS = 35 * DAY_SECONDS
GIVE_UP_SECONDS = 30 * DAY_SECONDS
"""Providers delete a batch's output by then; what could not be billed is lost, loudly."""
MAX_BYTES: Mapping[Kind, int] = {"batch": 1024 * 1024, "response": 64 * 1024 * 1024}
"""Of one answer. A response holds all that was made, pictures too."""
GONE = 404

log = logging.getLogger(__name__)


class Unreadable(Exception):
    """The provider's answer is not what its API says."""


@dataclass(frozen=True, slots=True)
class Biller:
    bills: OpenBills
    ledger: Ledger
    snapshot: Callable[[], Snapshot]
    outbound: Outbound
    book: PriceBook
    now: Callable[[], float]
    poll_seconds: float
    count: Callable[[str], None]
    """Of each look its result: `working`, `billed`, `failed`, `lost`."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
            except StoreUnavailable as error:
                log.warning("open bills: the database is away: %s", error)
            await asyncio.sleep(min(self.poll_seconds, 10.0))

    async def step(self) -> int:
        """Look at every job that is due; how many there were."""
        now = self.now()
        await self.bills.discover(now, now - DISCOVERED_SECONDS)
        looked = 0
        while jobs := await self.bills.claim(self.now(), AT_ONCE, LEASE_SECONDS):
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(self._look(job))
            looked += len(jobs)
        return looked

    async def _look(self, job: OpenBill) -> None:
        try:
            await self._ask_or_wait(job)
        except StoreUnavailable as error:  # its lease will bring it back
            log.warning("%s %s: the database is away: %s", job.kind, job.id, error)

    async def _ask_or_wait(self, job: OpenBill) -> None:
        try:
            await self._ask(job)
        except (Unreached, Declined, Unreadable, GatewayError, Refused) as error:
            await self._failed(job, str(error))

    async def _ask(self, job: OpenBill) -> None:
        deployment = self.snapshot().deployment(job.deployment_id)
        if deployment is None:
            raise Unreadable("its deployment is no longer configured")
        path = _path(deployment, Resource(KINDS[job.kind], job.id))
        work = await self.outbound.get(deployment, path, partial(_object, MAX_BYTES[job.kind]))
        if work.get("status") not in OVER:
            await self.bills.later(job, self.now() + self.poll_seconds, 0)
            self.count("working")
            return
        await self.ledger.apply([await self._row(job, deployment, work)])
        await self.bills.close(job, "billed")
        self.count("billed")

    async def _row(self, job: OpenBill, deployment: Deployment, work: Json) -> SpendRow:
        if job.kind == "response":
            price = self.book.price_of(
                deployment.provider, deployment.model, deployment.base_model, deployment.price
            )
            return responsebill.row(job, work, deployment, price, self.now())
        bill = await self._bill(deployment, work)
        if bill.unread:
            log.error("batch %s: %d lines of its output cannot be read", job.id, bill.unread)
        return row(job, work, bill, self.now())

    async def _bill(self, deployment: Deployment, batch: Json) -> Bill:
        endpoint = ENDPOINTS.get("/v1" + text(batch.get("endpoint")).removeprefix("/v1"))
        output = text(batch.get("output_file_id"))
        if output and endpoint is None:
            raise Unreadable(f"nobody can read the answers of {batch.get('endpoint')!r}")
        bill = Bill(deployment, endpoint or "chat", prices(self.snapshot(), deployment, self.book))
        if not output:
            counts = record(batch.get("request_counts"))
            return bill.add_unseen(batch) if counts.get("completed") else bill
        path = _path(deployment, Resource("files", output, "content"))
        try:
            return await self.outbound.get(deployment, path, bill.add_all)
        except Declined as error:
            if error.status != GONE:
                raise
        log.error("batch %s: its output is gone", text(batch.get("id")))
        return bill.add_unseen(batch)

    async def _failed(self, job: OpenBill, why: str) -> None:
        now = self.now()
        if now - job.created_at > GIVE_UP_SECONDS:
            whose = f"{job.kind} {job.id} of key {job.key_hash}"
            log.error("%s is not billed, given up: %s", whose, why)
            await self._write_off(job)
            await self.bills.close(job, "lost")
            self.count("lost")
            return
        log.warning("%s %s cannot be looked at: %s", job.kind, job.id, why)
        pause = min(self.poll_seconds * 2.0 ** min(job.failures, 20), LONGEST_PAUSE_SECONDS)
        await self.bills.later(job, now + pause, job.failures + 1)
        self.count("failed")

    async def _write_off(self, job: OpenBill) -> None:
        """A row all the same, of a cost that nobody knows; not without its deployment."""
        deployment = self.snapshot().deployment(job.deployment_id)
        if deployment is None:
            return
        lost: Json = {"status": "lost"}
        if job.kind == "response":
            written_off = responsebill.row(job, lost, deployment, None, self.now())
        else:
            bill = Bill(deployment, "chat", prices(self.snapshot(), deployment, self.book))
            written_off = row(job, lost, bill.add_unseen(lost), self.now())
        await self.ledger.apply([written_off])


def _path(deployment: Deployment, resource: Resource) -> str:
    return deployment.base_path + resources.path(deployment, resource)


def _object(most_bytes: int, lines: Iterator[bytes]) -> Json:
    data = bytearray()
    for line in lines:
        data += line
        if len(data) > most_bytes:
            raise Unreadable("its answer is too large")
    try:
        return record(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise Unreadable("its answer is not JSON") from None

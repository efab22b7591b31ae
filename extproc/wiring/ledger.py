"""The ledger's process: carries the workers' journals to Postgres."""

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial

from prometheus_client import REGISTRY

from extproc.clients.metrics import BacklogMetrics
from extproc.settings import SettingError, Settings, environment
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.shipper import Shipper
from extproc.stores.unsent import Unsent
from extproc.wiring.process import (
    database_of,
    layout_of,
    run,
    services,
    share_metrics,
    stop_signal,
)

SHOW_SECONDS = 1.0


def run_ledger(settings: Settings) -> None:
    """Ships the workers' journals to Postgres, until SIGTERM; then ships what is left."""
    run(settings, partial(_ledger, settings))


async def _ledger(settings: Settings) -> None:
    share_metrics(environment(), "ledger")
    metrics = BacklogMetrics(REGISTRY)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        database = await database_of(settings, stack)
        if database is None:
            raise SettingError("There is no database to ship the journal to: set DATABASE_URL.")
        layout = layout_of(settings)
        unsent = Unsent(layout.unsent_log)
        shipper = Shipper(layout.journal, PostgresLedger(database), time.time, unsent)
        async with services() as tasks:
            tasks.start(shipper.run())
            tasks.start(_show(shipper, metrics))
            await stop.wait()
        await shipper.drain()


async def _show(shipper: Shipper, metrics: BacklogMetrics) -> None:
    while True:
        backlog = shipper.backlog()
        metrics.show(backlog.records, backlog.bytes, backlog.oldest_seconds)
        await asyncio.sleep(SHOW_SECONDS)

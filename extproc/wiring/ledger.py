"""The ledger's process: carries the workers' journals to Postgres."""

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial

from extproc.settings import SettingError, Settings
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.shipper import Shipper
from extproc.wiring.process import database_of, layout_of, run, stop_signal


def run_ledger(settings: Settings) -> None:
    """Ships the workers' journals to Postgres, until SIGTERM; then ships what is left."""
    run(settings, partial(_ledger, settings))


async def _ledger(settings: Settings) -> None:
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        database = await database_of(settings, stack)
        if database is None:
            raise SettingError("There is no database to ship the journal to: set DATABASE_URL.")
        shipper = Shipper(layout_of(settings).journal, PostgresLedger(database), time.time)
        async with asyncio.TaskGroup() as group:
            shipping = group.create_task(shipper.run())
            await stop.wait()
            shipping.cancel()
        await shipper.drain()

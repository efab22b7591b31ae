"""The management API's process."""

import time
from contextlib import AsyncExitStack
from functools import partial

from extproc.admin.app import create_app
from extproc.admin.server import serve
from extproc.admin.services import AdminServices
from extproc.settings import Settings
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.wiring.chores import start_chores
from extproc.wiring.process import (
    configured,
    database_of,
    layout_of,
    master_key_hash,
    run,
    services,
    stop_signal,
)


def run_admin(settings: Settings) -> None:
    """The management API, until SIGTERM."""
    run(settings, partial(_admin, settings))


async def _admin(settings: Settings) -> None:
    layout = layout_of(settings)
    loaded = configured(settings)
    stop = stop_signal()
    async with AsyncExitStack() as stack, services() as tasks:
        database = await database_of(settings, stack)
        if database is not None:
            start_chores(settings, loaded, database, stack, tasks)
        keys = PostgresKeys(database) if database else None
        work = AdminServices(
            registry=keys,
            ledger=PostgresLedger(database) if database else None,
            keys=keys,
            master_key_hash=master_key_hash(settings),
            snapshot=lambda: loaded.snapshot,
            now=time.time,
        )
        await serve(create_app(work), layout.admin_socket, stop)

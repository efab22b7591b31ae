"""What the admin process does when nobody asks: bills batches, forgets old responses."""

import time
from contextlib import AsyncExitStack
from functools import partial

import requests
from prometheus_client import REGISTRY

from extproc.clients.credentials import Signer
from extproc.clients.metrics import BatchMetrics
from extproc.clients.oauth import session
from extproc.clients.outbound import Outbound, threads
from extproc.clients.schemes import schemes
from extproc.config.loader import Loaded
from extproc.domain.deployment import Deployment
from extproc.policy.resources.biller import Biller
from extproc.policy.resources.purge import purge
from extproc.providers.prices import PriceBook
from extproc.settings import Settings, environment
from extproc.stores.postgres.bills import PostgresBills
from extproc.stores.postgres.conversations import PostgresConversations
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.pool import Database
from extproc.wiring.process import Services, share_metrics


def start_chores(
    settings: Settings, loaded: Loaded, database: Database, stack: AsyncExitStack, tasks: Services
) -> None:
    environ = {**loaded.general.environment, **environment()}
    share_metrics(environ, "admin")
    pool = threads()
    stack.callback(partial(pool.shutdown, wait=False, cancel_futures=True))
    biller = Biller(
        bills=PostgresBills(database),
        ledger=PostgresLedger(database),
        snapshot=lambda: loaded.snapshot,
        outbound=Outbound(Signer(schemes(environ, time.time)), partial(_session, environ), pool),
        book=PriceBook(time.time),
        now=time.time,
        poll_seconds=settings.batch_poll_seconds,
        count=BatchMetrics(REGISTRY).count,
    )
    tasks.start(biller.run())
    tasks.start(purge(PostgresConversations(database), time.time))


def _session(environ: dict[str, str], deployment: Deployment) -> requests.Session:
    upstream = deployment.upstream
    return session(environ, upstream.ca_file, upstream.verify)

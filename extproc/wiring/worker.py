"""The worker: an ext_proc server with its admission, its settlement and its journal.

The two lists of admission stages, the order of everything that happens to a request, are
`on_headers` and `on_body`.
"""

import asyncio
import gc
import json
import logging
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY

from extproc.clients.credentials import Signer
from extproc.clients.metrics import Metrics
from extproc.clients.schemes import schemes
from extproc.domain.snapshot import Snapshot
from extproc.policy import tokens
from extproc.policy.access import check_model_access
from extproc.policy.detokenize import Detokenize
from extproc.policy.guard import GuardInput
from extproc.policy.guardrails import hide_secrets
from extproc.policy.guardrails import registry as guardrails
from extproc.policy.identify import Authenticate
from extproc.policy.params import read_params
from extproc.policy.passing.passages import IdentifyPassing, Passages
from extproc.policy.pipeline import Stage
from extproc.policy.plan import plan_attempts
from extproc.policy.pool import HelperPool
from extproc.policy.resources.attached import FollowFiles
from extproc.policy.resources.owners import Ownership
from extproc.policy.resources.recall import Continue, Recall
from extproc.policy.resources.resolve import Resources
from extproc.policy.settle import Settler
from extproc.policy.size import check_declared_size
from extproc.policy.trail import Admitted, Trailing
from extproc.providers.prices import PriceBook
from extproc.settings import NONE, Layout, Settings, environment
from extproc.stores.base import Journal, Trails
from extproc.stores.journal import DiskJournal
from extproc.stores.keycache import CachedKeys
from extproc.stores.memory import MemoryTrails, NoJournal
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.listener import KeyListener
from extproc.stores.postgres.pool import Database
from extproc.stores.redis import RedisTrails, connect
from extproc.wire.background import Background
from extproc.wire.effects import Effects
from extproc.wire.pulse import pulse
from extproc.wire.server import Processor, Server
from extproc.wire.watchdog import Watchdog
from extproc.wiring.kept import conversations_of, performers, shelf_of
from extproc.wiring.passing import resolving
from extproc.wiring.process import (
    Services,
    configured,
    database_of,
    layout_of,
    master_key_hash,
    run,
    services,
    share_metrics,
    stop_signal,
)

WARM_SECONDS = 3.0
GC_THRESHOLD = 20_000
"""New containers between two looks for cycles; a request makes some hundred, none cyclic."""

log = logging.getLogger(__name__)


def run_worker(settings: Settings, index: int) -> None:
    """One ext_proc worker, until SIGTERM."""
    run(settings, partial(_worker, settings, index))


def on_headers(authenticate: Stage) -> Sequence[Stage]:
    """What is decided before a byte of the body is read."""
    return (check_declared_size, authenticate)


def on_body(
    detokenize: Detokenize, guard: GuardInput, recall: Recall, owners: Ownership
) -> Sequence[Stage]:
    """What is decided on the whole request."""
    return (
        read_params,
        check_model_access,
        detokenize,
        guard,
        plan_attempts,
        Continue(recall),
        FollowFiles(owners),
    )


async def _worker(settings: Settings, index: int) -> None:
    layout = layout_of(settings)
    loaded = configured(settings)
    share_metrics(environment(), f"worker-{index}")
    metrics = Metrics(REGISTRY)
    async with AsyncExitStack() as stack, services() as tasks:
        helpers = HelperPool(size=2, queue=10_000)
        stack.push_async_callback(helpers.close)
        database = await database_of(settings, stack)
        keys = _keys(settings, database, tasks)
        conversations = conversations_of(database)
        recall = Recall(conversations, time.time)
        shelf = shelf_of(database)
        journal = _journal(settings, layout.worker_journal(index), stack, tasks)
        settler = Settler(
            journal,
            PriceBook(time.time),
            tokens.TokenEstimator(helpers),
            time.time,
            metrics.settled,
        )
        authenticate = Authenticate(keys, master_key_hash(settings), time.time)
        guard = GuardInput(partial(guardrails.build, pool=helpers))
        guard.prepare(loaded.snapshot.rules.guardrails)
        effects = Effects(
            snapshot=lambda: loaded.snapshot,
            on_headers=on_headers(IdentifyPassing(authenticate)),
            on_body=on_body(Detokenize(helpers), guard, recall, shelf.owners),
            settler=settler,
            trailing=Trailing(_trails(settings, stack), Admitted(time.time)),
            metrics=metrics,
            sign=Signer(schemes({**loaded.general.environment, **environment()}, time.time)),
            count_chat=partial(tokens.estimate_chat, helpers),
            others={
                **performers(settings, conversations, metrics),
                **resolving(
                    {"pass_through": Passages(guard), "resource": Resources(recall, shelf)}
                ),
            },
            retries=settings.outer_listener,
        )
        tasks.start(metrics.run())
        tasks.start(pulse(partial(metrics.observe, "llm_extproc_loop_lag_seconds")))
        tasks.start(_warm(helpers, _needed(loaded.snapshot)))
        _spare_the_collector()
        watchdog = Watchdog()
        tasks.start(watchdog.run())
        await _serve(settings, layout, index, effects, watchdog)


def _spare_the_collector() -> None:
    """What is loaded by now stays: the collector need not look at it again for every request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


async def _warm(helpers: HelperPool, functions: Sequence[str]) -> None:
    """A little later: while everything starts, everything wants the processors."""
    await asyncio.sleep(WARM_SECONDS)
    await helpers.warm(*functions)


def _needed(snapshot: Snapshot) -> Sequence[str]:
    """What the helpers should have imported before the first call needs it."""
    scans = any(rule.kind.replace("-", "_") == "hide_secrets" for rule in snapshot.rules.guardrails)
    return (tokens.WARM, hide_secrets.WARM) if scans else (tokens.WARM,)


async def _serve(
    settings: Settings, layout: Layout, index: int, effects: Effects, watchdog: Watchdog
) -> None:
    """Serve until SIGTERM, then drain; late settlements are awaited before this returns."""
    stop = stop_signal()
    status = layout.worker_status(index)
    generation = effects.snapshot().generation
    async with asyncio.TaskGroup() as late:
        metrics = effects.metrics
        failed = partial(metrics.count, "llm_extproc_background_failures")
        background = Background(late, failed, metrics.moved_late)
        server = Server(Processor(effects, background, time.time, watchdog))
        socket = layout.worker_socket(index)
        socket.unlink(missing_ok=True)
        await server.start(str(socket), f"{settings.host}:{settings.grpc_health_port}")
        await server.serving(True)
        _write_status(status, generation, serving=True)
        log.info("worker %d serves generation %s", index, generation)
        await stop.wait()
        _write_status(status, generation, serving=False)
        await server.stop(settings.drain_seconds)


def _keys(settings: Settings, database: Database | None, tasks: Services) -> CachedKeys | None:
    """Keys from memory, kept true by notifications."""
    if database is None or settings.database_url is None:
        return None
    cached = CachedKeys(
        PostgresKeys(database),
        time.monotonic,
        grace_seconds=settings.key_grace_seconds,
        staleness_seconds=settings.key_staleness_seconds,
    )
    tasks.start(cached.run())
    tasks.start(KeyListener(settings.database_url, cached).run())
    return cached


def _journal(settings: Settings, folder: Path, stack: AsyncExitStack, tasks: Services) -> Journal:
    if settings.database_url in (None, NONE):
        return NoJournal()
    journal = DiskJournal(folder)
    stack.callback(journal.close)
    tasks.start(journal.run())
    return journal


def _trails(settings: Settings, stack: AsyncExitStack) -> Trails:
    """Shared where a retry may reach another worker."""
    address = settings.redis_address
    if settings.workers == 1 or not address or address == NONE:
        return MemoryTrails(time.monotonic)
    client = connect(address)
    stack.push_async_callback(client.aclose)
    return RedisTrails(client)


def _write_status(path: Path, generation: str, *, serving: bool) -> None:
    """Whole or not at all: the agent reads it at any time."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"generation": generation, "serving": serving, "pid": os.getpid()}))
    fresh.replace(path)

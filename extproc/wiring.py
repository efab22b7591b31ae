"""The composition root: every process of a gateway, built in the order of its dependencies.

What a part needs is handed to it here; closing is the stack. The two lists of admission stages,
the order of everything that happens to a request, are `on_headers` and `on_body`.
"""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import REGISTRY

from extproc.admin.app import create_app
from extproc.admin.server import serve as serve_admin
from extproc.admin.services import AdminServices
from extproc.clients import logs
from extproc.clients.metrics import Metrics
from extproc.config.loader import Loaded, load
from extproc.demo.server import serve as serve_demo
from extproc.domain.key import digest
from extproc.policy.access import check_model_access
from extproc.policy.estimate import TokenEstimator
from extproc.policy.guard import GuardInput
from extproc.policy.guardrails import registry as guardrails
from extproc.policy.identify import Authenticate
from extproc.policy.params import read_params
from extproc.policy.pipeline import Stage
from extproc.policy.plan import plan_attempts
from extproc.policy.pool import HelperPool
from extproc.policy.settle import Settler
from extproc.policy.size import check_declared_size
from extproc.policy.tokens import WARM
from extproc.policy.trail import Admitted, Trailing
from extproc.providers.prices import PriceBook
from extproc.settings import NONE, Layout, SettingError, Settings, environment
from extproc.stores.base import Journal, Trails
from extproc.stores.journal import DiskJournal
from extproc.stores.keycache import CachedKeys
from extproc.stores.memory import MemoryTrails, NoJournal
from extproc.stores.postgres.keys import PostgresKeys
from extproc.stores.postgres.ledger import PostgresLedger
from extproc.stores.postgres.listener import KeyListener
from extproc.stores.postgres.pool import Database
from extproc.stores.redis import RedisTrails, connect
from extproc.stores.shipper import Shipper
from extproc.wire.background import Background
from extproc.wire.effects import Effects
from extproc.wire.pulse import pulse
from extproc.wire.server import Processor, Server

log = logging.getLogger(__name__)


def on_headers(authenticate: Authenticate) -> Sequence[Stage]:
    """What is decided before a byte of the body is read."""
    return (check_declared_size, authenticate)


def on_body(guard: GuardInput) -> Sequence[Stage]:
    """What is decided on the whole request."""
    return (read_params, check_model_access, guard, plan_attempts)


def configured(settings: Settings) -> Loaded:
    """The configuration that every process of this gateway compiles alike."""
    return load(settings.config, environment(), settings.demo_url or "")


def run_worker(settings: Settings, index: int) -> None:
    """One ext_proc worker, until SIGTERM."""
    _start(settings, partial(_worker, settings, index))


def run_admin(settings: Settings) -> None:
    """The management API, until SIGTERM."""
    _start(settings, partial(_admin, settings))


def run_ledger(settings: Settings) -> None:
    """Ships the workers' journals to Postgres, until SIGTERM; then ships what is left."""
    _start(settings, partial(_ledger, settings))


def run_demo(host: str, port: int, ready: Callable[[int], None]) -> None:
    """The simulated provider."""
    serve_demo(host, port, ready)


def _start(settings: Settings, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    logs.configure(settings.log_level, as_json=settings.json_logs)
    uvloop.run(main())


async def _worker(settings: Settings, index: int) -> None:
    layout = _layout(settings)
    loaded = configured(settings)
    metrics = Metrics(REGISTRY)
    async with AsyncExitStack() as stack, _services() as services:
        helpers = HelperPool()
        stack.push_async_callback(helpers.close)
        keys = await _keys(settings, stack, services)
        journal = _journal(settings, layout.worker_journal(index), stack, services)
        settler = Settler(
            journal, PriceBook(time.time), TokenEstimator(helpers), time.time, metrics.settled
        )
        effects = Effects(
            snapshot=lambda: loaded.snapshot,
            on_headers=on_headers(Authenticate(keys, _master_key_hash(settings), time.time)),
            on_body=on_body(GuardInput(partial(guardrails.build, pool=helpers))),
            settler=settler,
            trailing=Trailing(_trails(settings, stack), Admitted(time.time)),
            metrics=metrics,
            retries=settings.outer_listener,
        )
        services.start(pulse(partial(metrics.observe, "llm_extproc_loop_lag_seconds")))
        services.start(helpers.warm(WARM))
        await _serve(settings, layout, index, effects)


async def _serve(settings: Settings, layout: Layout, index: int, effects: Effects) -> None:
    """Serve until SIGTERM, then drain; late settlements are awaited before this returns."""
    stop = stop_signal()
    status = layout.worker_status(index)
    generation = effects.snapshot().generation
    async with asyncio.TaskGroup() as late:
        background = Background(
            late, partial(effects.metrics.count, "llm_extproc_background_failures")
        )
        server = Server(Processor(effects, background, time.time))
        socket = layout.worker_socket(index)
        socket.unlink(missing_ok=True)
        await server.start(str(socket), f"{settings.host}:{settings.grpc_health_port}")
        await server.serving(True)
        _write_status(status, generation, serving=True)
        log.info("worker %d serves generation %s", index, generation)
        await stop.wait()
        _write_status(status, generation, serving=False)
        await server.stop(settings.drain_seconds)


async def _admin(settings: Settings) -> None:
    layout = _layout(settings)
    loaded = configured(settings)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        database = await _database(settings, stack)
        keys = database and PostgresKeys(database)
        services = AdminServices(
            registry=keys,
            ledger=database and PostgresLedger(database),
            keys=keys,
            master_key_hash=_master_key_hash(settings),
            snapshot=lambda: loaded.snapshot,
            now=time.time,
        )
        await serve_admin(create_app(services), layout.admin_socket, stop)


async def _ledger(settings: Settings) -> None:
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        database = await _database(settings, stack)
        if database is None:
            raise SettingError("There is no database to ship the journal to: set DATABASE_URL.")
        shipper = Shipper(_layout(settings).journal, PostgresLedger(database), time.time)
        async with asyncio.TaskGroup() as group:
            shipping = group.create_task(shipper.run())
            await stop.wait()
            shipping.cancel()
        await shipper.drain()


class Services:
    """Tasks that run as long as their process."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self.tasks: list[asyncio.Task[object]] = []

    def start(self, coroutine: Coroutine[Any, Any, object]) -> None:
        self.tasks.append(self._group.create_task(coroutine))


@asynccontextmanager
async def _services() -> AsyncIterator[Services]:
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        yield services
        for task in services.tasks:
            task.cancel()


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _database(settings: Settings, stack: AsyncExitStack) -> Database | None:
    """None with DATABASE_URL=none. It need not be reachable yet."""
    url = settings.database_url
    if not url or url == NONE:
        return None
    return await stack.enter_async_context(Database(url))


async def _keys(settings: Settings, stack: AsyncExitStack, services: Services) -> CachedKeys | None:
    """Keys from memory, kept true by notifications."""
    database = await _database(settings, stack)
    if database is None or settings.database_url is None:
        return None
    cached = CachedKeys(
        PostgresKeys(database),
        time.monotonic,
        grace_seconds=settings.key_grace_seconds,
        staleness_seconds=settings.key_staleness_seconds,
    )
    services.start(cached.run())
    services.start(KeyListener(settings.database_url, cached).run())
    return cached


def _journal(
    settings: Settings, folder: Path, stack: AsyncExitStack, services: Services
) -> Journal:
    if settings.database_url in (None, NONE):
        return NoJournal()
    journal = DiskJournal(folder)
    stack.callback(journal.close)
    services.start(journal.run())
    return journal


def _trails(settings: Settings, stack: AsyncExitStack) -> Trails:
    """Shared where a retry may reach another worker."""
    address = settings.redis_address
    if settings.workers == 1 or not address or address == NONE:
        return MemoryTrails(time.monotonic)
    client = connect(address)
    stack.push_async_callback(client.aclose)
    return RedisTrails(client)


def _layout(settings: Settings) -> Layout:
    if settings.run_dir is None:
        raise SettingError("RUN_DIR: set it to the folder that the agent and Envoy use.")
    return Layout(settings.run_dir, settings.data_dir)


def _master_key_hash(settings: Settings) -> str:
    if not settings.litellm_master_key:
        raise SettingError("LITELLM_MASTER_KEY: set it to the key the agent shows.")
    return digest(settings.litellm_master_key)


def _write_status(path: Path, generation: str, *, serving: bool) -> None:
    """Whole or not at all: the agent reads it at any time."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"generation": generation, "serving": serving, "pid": os.getpid()}))
    fresh.replace(path)

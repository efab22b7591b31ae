"""One gateway from start to stop: the order in which its processes come and go.

start  stores and simulated provider ─► schema ─► Envoy's files ─► all others together
stop   readiness fails ─► Envoy drains, then ends ─► workers ─► admin ─► ledger ─► stores
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from extproc.agent import children, embedded, envoy
from extproc.agent.child import Child
from extproc.agent.console import Console
from extproc.agent.health import create_app
from extproc.agent.plan import Plan
from extproc.agent.server import beat, listening, serve
from extproc.agent.status import Status, replica_name
from extproc.agent.supervisor import Supervisor
from extproc.stores.postgres.pool import Database
from extproc.stores.postgres.replicas import PostgresReplicas

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Migrate = Callable[[str], Awaitable[object]]


class Gateway:
    """Runs a plan, once."""

    def __init__(self, plan: Plan, console: Console, migrate: Migrate) -> None:
        self._plan = plan
        self._console = console
        self._migrate = migrate
        self._supervisor = Supervisor(console.show, self._ended)
        self._status = Status(plan.layout, plan.settings.workers, replica_name(plan.settings.port))
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, announce: Callable[[], None]) -> None:
        """Until a signal; `announce` is called once everything is healthy.

        Raises what a failed start raises, perhaps in an exception group.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        async with self._supervisor, AsyncExitStack() as stack, asyncio.TaskGroup() as services:
            app = create_app(self._status)
            running = [services.create_task(serve(app, listening(self._plan.layout.agent_socket)))]
            if await _unless(self._stop, self._start()):
                self._status.started = True
                if self._plan.database_url is not None:
                    database = await stack.enter_async_context(Database(self._plan.database_url))
                    beating = beat(self._status, PostgresReplicas(database))
                    running.append(services.create_task(beating))
                announce()
                await self._stop.wait()
            await self._wind_down()
            for task in running:
                task.cancel()

    def _on_signal(self) -> None:
        """The first one stops, the second one hurries."""
        if self._stop.is_set():
            self._hurry.set()
            self._supervisor.hurry()
        self._stop.set()

    def _ended(self, name: str, _: int) -> None:
        """A dead process has nothing in flight any more."""
        mark_process_dead(name, str(self._plan.layout.metrics))

    async def _start(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_envoy())
            group.create_task(self._start_ours())

    async def _start_envoy(self) -> None:
        await asyncio.to_thread(self._write_files)
        if self._plan.whole:
            await self._one(envoy.child(self._plan.settings, self._plan.layout))

    def _write_files(self) -> None:
        """Its libraries take a second to import: they do that while Postgres starts."""
        write = import_module("extproc.agent.files").write
        write(self._plan.settings, self._plan.layout, self._plan.loaded.snapshot)

    async def _start_ours(self) -> None:
        if self._plan.whole:
            await self._together(await self._stores())
            if self._plan.database_url is not None:
                await self._migrate(self._plan.database_url)
        await self._together(self._ours())

    async def _stores(self) -> list[Child]:
        plan = self._plan
        found = [children.demo(plan.demo_port)] if plan.demo_port else []
        if plan.valkey:
            found.append(embedded.valkey(plan.layout))
        if plan.postgres:
            found.append(await embedded.postgres(plan.layout))
        return found

    def _ours(self) -> list[Child]:
        settings, layout, env = self._plan.settings, self._plan.layout, self._plan.env
        found = [children.worker(i, settings, layout, env) for i in range(settings.workers)]
        if self._plan.whole:
            found.append(children.admin(layout, env))
        if self._plan.database_url is not None:
            found.append(children.ledger(env))
        return found

    async def _together(self, found: Iterable[Child]) -> None:
        async with asyncio.TaskGroup() as group:
            for child in found:
                group.create_task(self._one(child))

    async def _one(self, child: Child) -> None:
        await self._supervisor.start(child)
        self._console.say(f"{child.name} is ready")

    async def _wind_down(self) -> None:
        """All but the stores, which end when nobody is connected to them any more."""
        self._status.draining = True
        self._console.say("draining; once more to hurry")
        settings, layout = self._plan.settings, self._plan.layout
        if self._plan.whole:
            await _unless(self._hurry, _drained(layout.envoy_admin_socket, settings.drain_seconds))
            await self._supervisor.stop("envoy")
        await self._supervisor.stop(*(f"worker-{i}" for i in range(settings.workers)))
        await self._supervisor.stop("admin", "ledger")


async def _drained(admin_socket: Path, seconds: float) -> None:
    with suppress(envoy.EnvoyAway):  # not started yet, or ended already
        await envoy.drain(admin_socket, seconds)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless `stop` comes first: whether it was done."""
    async with asyncio.TaskGroup() as group:
        working, stopping = group.create_task(work), group.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        done = working.done()
        working.cancel()
        stopping.cancel()
    return done

"""What every process begins and ends with: settings, logs, signals, tasks and the database."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvloop

from extproc.clients import logs
from extproc.clients.metrics import share
from extproc.config.loader import Loaded, load
from extproc.domain.key import digest
from extproc.settings import NONE, Layout, SettingError, Settings, environment
from extproc.stores.postgres.pool import Database

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Set by the agent, read by prometheus_client."""


def run(settings: Settings, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine to its end."""
    logs.configure(settings.log_level, as_json=settings.json_logs)
    uvloop.run(main())


def share_metrics(settings_environment: Mapping[str, str], process: str) -> None:
    """Let the agent see this process's metrics, if there is an agent."""
    if MULTIPROC_DIR in settings_environment:
        share(process)


def configured(settings: Settings) -> Loaded:
    """The configuration that every process of this gateway compiles alike."""
    return load(settings.config, environment(), settings.demo_url or "")


class Services:
    """Tasks that run as long as their process."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self.tasks: list[asyncio.Task[object]] = []

    def start(self, coroutine: Coroutine[Any, Any, object]) -> None:
        self.tasks.append(self._group.create_task(coroutine))


@asynccontextmanager
async def services() -> AsyncIterator[Services]:
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


async def database_of(settings: Settings, stack: AsyncExitStack) -> Database | None:
    """None with DATABASE_URL=none. It need not be reachable yet."""
    url = settings.database_url
    if not url or url == NONE:
        return None
    return await stack.enter_async_context(Database(url))


def layout_of(settings: Settings) -> Layout:
    if settings.run_dir is None:
        raise SettingError("RUN_DIR: set it to the folder that the agent and Envoy use.")
    return Layout(settings.run_dir, settings.data_dir)


def master_key_hash(settings: Settings) -> str:
    if not settings.litellm_master_key:
        raise SettingError("LITELLM_MASTER_KEY: set it to the key the agent shows.")
    return digest(settings.litellm_master_key)

"""The gateway's own processes as children: `python -m extproc …`, ready when they answer."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Mapping

from extproc.agent.child import Child
from extproc.agent.status import read_status
from extproc.settings import Layout, Settings

SETTLE_SECONDS = 10.0
"""What a worker may take beyond the drain, to write down what it had to end."""
LEDGER_STOP_SECONDS = 20.0


def worker(index: int, settings: Settings, layout: Layout, env: Mapping[str, str]) -> Child:
    async def ready(pid: int) -> bool:
        status = read_status(layout.worker_status(index))
        return status is not None and status.serving and status.pid == pid

    return Child(
        f"worker-{index}",
        _command("worker", "--index", str(index)),
        env,
        ready,
        stop_seconds=settings.drain_seconds + SETTLE_SECONDS,
    )


def admin(layout: Layout, env: Mapping[str, str]) -> Child:
    async def ready(_: int) -> bool:
        return await _answers(asyncio.open_unix_connection(layout.admin_socket))

    return Child("admin", _command("admin"), env, ready)


def ledger(env: Mapping[str, str]) -> Child:
    return Child("ledger", _command("ledger"), env, stop_seconds=LEDGER_STOP_SECONDS)


def demo(port: int) -> Child:
    async def ready(_: int) -> bool:
        return await _answers(asyncio.open_connection("127.0.0.1", port))

    env = {"PATH": os.defpath}
    return Child("demo", _command("demo-upstream", "--port", str(port)), env, ready)


async def _answers(opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> bool:
    try:
        _, writer = await opening
    except OSError:
        return False
    writer.close()
    return True


def _command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "extproc", *words)

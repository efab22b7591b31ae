"""Serves the health endpoints, and keeps the agent's knowledge of database and replicas fresh."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from extproc.agent.status import Status
from extproc.stores.base import Replicas, StoreUnavailable

HEARTBEAT_SECONDS = 2.0


class _Server(uvicorn.Server):
    """Leaves signals to the agent."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening(path: Path) -> socket.socket:
    """A listening Unix socket, in the place of one that a dead process has left."""
    path.unlink(missing_ok=True)
    ours = socket.socket(socket.AF_UNIX)
    ours.bind(str(path))
    return ours


async def serve(app: Starlette, ours: socket.socket) -> None:
    """Until cancelled."""
    config = uvicorn.Config(app, access_log=False, log_config=None, lifespan="off")
    server = _Server(config)
    try:
        await server.serve(sockets=[ours])
    finally:
        ours.close()


async def beat(status: Status, replicas: Replicas, seconds: float = HEARTBEAT_SECONDS) -> None:
    """Report our workers and hear of the others, until cancelled."""
    while True:
        try:
            for name, worker in status.serving().items():
                await replicas.report(name, worker.generation)
            status.others = await replicas.list()
            status.database_connected = True
        except StoreUnavailable:
            status.database_connected = False
        await asyncio.sleep(seconds)

"""The management application on its Unix socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from extproc.admin.replies import Answered


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def stop_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.should_exit = True


async def serve(
    app: FastAPI, socket: Path, stopping: asyncio.Event, drain_seconds: int = 30
) -> None:
    """Until `stopping` is set; requests in progress may finish within `drain_seconds`.

    Nothing is logged for each request (Envoy does, without query strings), and uvicorn's logging
    goes where the process's logging goes.
    """
    config = uvicorn.Config(
        Answered(app),
        uds=str(socket),
        access_log=False,
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=drain_seconds,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(server.stop_on(stopping))
        await server.serve()
        watching.cancel()

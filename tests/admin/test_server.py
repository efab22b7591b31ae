"""The app on a real Unix socket."""

import asyncio
from pathlib import Path

import httpx

from extproc.admin.server import serve
from tests.admin.fakes import MASTER, Admin


async def opened(socket: Path) -> None:
    """Returns once something listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(socket)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


async def test_it_serves_and_stops_and_serves_again(tmp_path: Path) -> None:
    socket = tmp_path / "a.sock"
    for _ in range(2):
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(Admin().app, socket, stopping))
            await opened(socket)
            transport = httpx.AsyncHTTPTransport(uds=str(socket))
            async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
                headers = {"authorization": f"Bearer {MASTER}"}
                answer = await client.post("/key/generate", json={}, headers=headers)
                assert answer.status_code == 200
            stopping.set()

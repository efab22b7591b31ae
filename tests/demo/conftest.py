"""Simulated providers in the test's own process, for the official SDKs."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from extproc.demo.server import ALL, listen
from extproc.demo.voices import Voice

Served = Callable[[Sequence[Voice]], str]


@contextlib.contextmanager
def served(voices: Sequence[Voice] = ALL) -> Iterator[str]:
    """The base URL of a provider that speaks these voices."""
    ports: list[int] = []
    started = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))

        def ready(port: int) -> None:
            ports.append(port)
            started.set()

        await listen("127.0.0.1", 0, ready, stop, voices)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(10)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with served() as found:
        yield found

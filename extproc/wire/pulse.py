"""How late the event loop wakes up: the first thing to look at when a worker is slow."""

import asyncio
from collections.abc import Callable

INTERVAL_SECONDS = 0.25


async def pulse(observe: Callable[[float], None]) -> None:
    """Report the loop's lag, in seconds, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        observe(loop.time() - due)

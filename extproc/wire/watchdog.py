"""Looks after every answer that has begun: a timer for each would cost more than the look.

One task for all streams of a worker asks each, a few times a second, whether it has been silent
for too long.
"""

import asyncio
from typing import Protocol

LOOK_SECONDS = 0.25


class Watched(Protocol):
    def look(self) -> None:
        """Find out whether silence has lasted too long, and do what is to be done."""
        ...


class Watchdog:
    def __init__(self) -> None:
        self._watched: set[Watched] = set()

    def watch(self, stream: Watched) -> None:
        self._watched.add(stream)

    def forget(self, stream: Watched) -> None:
        self._watched.discard(stream)

    def look(self) -> None:
        for stream in tuple(self._watched):
            stream.look()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

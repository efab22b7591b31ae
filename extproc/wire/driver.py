"""The only loop that awaits: events into a flow, its replies out, its effects performed between.

Two rules keep money safe. What must happen though the client is gone (Later) is handed to `spawn`,
the server's own task group: awaited here it would be lost when gRPC cancels the stream. And the
flow always gets its StreamClosed, and nothing awaits after that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol, TypeAlias

from extproc.errors import GatewayError
from extproc.flow.commands import Command, Effect, Later, Reply, Watch
from extproc.flow.events import Event, Stalled, StreamClosed
from extproc.wire.watchdog import Watchdog

Run: TypeAlias = Callable[[Effect | Later], Coroutine[Any, Any, Any]]
Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Any]], object]
Write: TypeAlias = Callable[[Reply], Awaitable[object]]


class Flow(Protocol):
    def handle(self, event: Event) -> Generator[Command, Any, None]: ...


class Drive:
    """One stream's flow at work: `feed` it events, `close` it whatever ended the stream."""

    def __init__(
        self,
        flow: Flow,
        write: Write,
        run: Run,
        spawn: Spawn,
        now: Callable[[], float],
        watchdog: Watchdog,
    ) -> None:
        self._flow = flow
        self._write = write
        self._run = run
        self._spawn = spawn
        self._now = now
        self._watchdog = watchdog
        self._stall_seconds: float | None = None
        self._last_event_at = 0.0
        self._turn = asyncio.Lock()

    async def feed(self, event: Event) -> None:
        """Let the flow handle `event` to its end, effects included; one event at a time."""
        async with self._turn:
            self._last_event_at = self._now()
            try:
                await self._work(self._flow.handle(event))
            finally:
                self._last_event_at = self._now()

    def close(self) -> None:
        """The stream is over: settle what is not settled. Never awaits."""
        self._watch(None)
        for command in self._flow.handle(StreamClosed(self._now())):
            assert isinstance(command, Later), f"only Later may follow StreamClosed: {command}"
            self._spawn(self._run(command))

    async def _work(self, steps: Generator[Command, Any, None]) -> None:
        """Do the flow's commands one by one; an effect that is refused is thrown into the flow."""
        result: Any = None
        refusal: GatewayError | None = None
        try:
            while True:
                command = steps.send(result) if refusal is None else steps.throw(refusal)
                result = refusal = None
                match command:
                    case Reply():
                        await self._write(command)
                    case Effect():
                        try:
                            result = await self._run(command)
                        except GatewayError as error:
                            refusal = error
                    case Later():
                        self._spawn(self._run(command))
                    case Watch():
                        self._watch(command.seconds)
        except StopIteration:
            return
        finally:
            steps.close()

    def _watch(self, seconds: float | None) -> None:
        self._stall_seconds = seconds
        if seconds is None:
            self._watchdog.forget(self)
        else:
            self._watchdog.watch(self)

    def look(self) -> None:
        """Tell the flow when nothing has come for too long. A busy flow is not silent."""
        if self._silent() and not self._turn.locked():
            self._spawn(self._stall())

    def _silent(self) -> bool:
        limit = self._stall_seconds
        return limit is not None and self._now() - self._last_event_at >= limit

    async def _stall(self) -> None:
        """Unless something came, or the stream ended, before this task had its turn."""
        if self._silent():
            await self.feed(Stalled(self._now()))

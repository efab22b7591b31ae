"""Starts child processes, starts them again when they die, and stops them in order.

    start ──► ready ──► (death ──► pause ──► start)* ──► stop: signal, deadline, kill

The first death is answered at once; a child that keeps dying is tried again after growing pauses.
A child that dies or stays silent before it was ever ready is a failed start and is not retried.
"""

import asyncio
import os
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from extproc.agent.child import Child, ending, kill_group, spawn

PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the first, second, … restart; the last is repeated."""
SETTLED_SECONDS = 30.0
"""A child that lived this long starts again without a pause."""
POLL_SECONDS = 0.02
HURRY_SECONDS = 1.0
LAST_LINES_SECONDS = 1.0
MAX_LINE_BYTES = 64 * 1024
KEPT_LINES = 20


class ChildFailed(Exception):
    """A child did not become ready; the message is one line, `output` its last lines."""

    def __init__(self, name: str, reason: str, output: Iterable[str]) -> None:
        super().__init__(f"{name} did not start: {reason}")
        self.output = list(output)


class _Run:
    """A child with its present process, if it has one."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: Process | None = None
        self.settled = False
        """Whether it has been ready once, so that its death is followed by a restart."""
        self.ending = ""
        self.stopping = asyncio.Event()
        self.over = asyncio.Event()
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)

    def signal(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(self.child.stop_signal)


class Supervisor:
    """Use as `async with`; leaving it stops what still runs, the latest started first.

    `show(name, lines)` takes the lines that a child writes, `ended(name, pid)` each process's end.
    """

    def __init__(
        self,
        show: Callable[[str, Sequence[str]], None],
        ended: Callable[[str, int], None] = lambda name, pid: None,
    ) -> None:
        self._show = show
        self._ended = ended
        self._runs: dict[str, _Run] = {}
        self._hurry = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._runs)):
            await self.stop(name)
        await self._tasks.__aexit__(kind, error, trace)

    @property
    def pids(self) -> dict[str, int]:
        """The pid of each child that is running now."""
        return {name: run.process.pid for name, run in self._runs.items() if run.process}

    def hurry(self) -> None:
        """Cut every stop's deadline down to a second."""
        self._hurry.set()

    async def start(self, child: Child) -> None:
        """Start it and wait until it is ready. Raises ChildFailed."""
        run = self._runs[child.name] = _Run(child)
        self._tasks.create_task(self._keep(run))
        clock = asyncio.get_running_loop().time
        deadline = clock() + child.ready_seconds
        while not (run.process and await child.ready(run.process.pid)):
            if run.over.is_set():
                raise ChildFailed(child.name, run.ending, run.tail)
            if clock() > deadline:
                await self.stop(child.name)
                silence = f"not ready after {child.ready_seconds:g} seconds"
                raise ChildFailed(child.name, silence, run.tail)
            await asyncio.sleep(POLL_SECONDS)
        run.settled = True

    async def stop(self, *names: str) -> None:
        """Signal them, wait for all, kill each at its deadline. One not there is stopped."""
        runs = [run for name in names if (run := self._runs.pop(name, None))]
        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(self._stop(run))

    async def _stop(self, run: _Run) -> None:
        run.stopping.set()
        run.signal()
        try:
            async with asyncio.timeout(run.child.stop_seconds), asyncio.TaskGroup() as group:
                shortcut = group.create_task(self._shortcut())
                await run.over.wait()
                shortcut.cancel()
        except* TimeoutError:
            self._show("agent", [f"{run.child.name} did not stop in time and is killed"])
            if run.process is not None:
                kill_group(run.process.pid)
            await run.over.wait()

    async def _shortcut(self) -> None:
        await self._hurry.wait()
        await asyncio.sleep(HURRY_SECONDS)
        raise TimeoutError

    async def _keep(self, run: _Run) -> None:
        """Live, and live again, until told to stop."""
        clock = asyncio.get_running_loop().time
        deaths = 0
        while True:
            born = clock()
            run.ending = await self._live(run)
            if run.stopping.is_set() or not run.settled:
                break
            deaths = 0 if clock() - born > SETTLED_SECONDS else deaths
            pause = PAUSES[min(deaths, len(PAUSES) - 1)]
            deaths += 1
            self._show("agent", [f"{run.child.name} ended ({run.ending}), starting it again"])
            with suppress(TimeoutError):
                await asyncio.wait_for(run.stopping.wait(), pause)
            if run.stopping.is_set():
                break
        run.over.set()

    async def _live(self, run: _Run) -> str:
        """One process from start to end; how it ended."""
        reading, writing = os.pipe()
        try:
            process = await spawn(run.child, writing)
        except OSError as error:
            os.close(reading)
            return f"{error.strerror}: {run.child.argv[0]}"
        finally:
            os.close(writing)
        run.process = process
        if run.stopping.is_set():  # asked while it was being born
            run.signal()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(self._read(run, reading))
            code = await process.wait()
            run.process = None
            kill_group(process.pid)
            self._ended(run.child.name, process.pid)
            with suppress(TimeoutError):  # a grandchild may hold the pipe open
                await asyncio.wait_for(reader, LAST_LINES_SECONDS)
        return ending(code)

    async def _read(self, run: _Run, descriptor: int) -> None:
        """Show each line until nobody can write any more."""
        reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        rest = b""
        try:
            while data := await reader.read(MAX_LINE_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > MAX_LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                self._take(run, lines)
            self._take(run, [rest])
        finally:
            transport.close()

    def _take(self, run: _Run, lines: Sequence[bytes]) -> None:
        texts = [text for line in lines if (text := line.decode(errors="replace").rstrip())]
        if texts:
            run.tail.extend(texts)
            self._show(run.child.name, texts)

"""A few helper processes for CPU work that would hold up the worker's event loop.

A helper is a fresh interpreter on the other end of a socket (extproc/policy/childloop.py). It takes
one call at a time and names functions as "module:name", so that what they import (tokenizer,
detectors) never enters the worker. A helper that dies, or is not done at its call's deadline, is
killed; only that call fails, and the next one starts another helper.
"""

import asyncio
import pickle
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

_START = "import sys; sys.path[:] = {path!r}; from extproc.policy.childloop import main; main({fd})"
_LENGTH_BYTES = 4


class PoolUnavailable(Exception):
    """No result: every helper busy for too long, one that died, failed or passed its deadline."""


class HelperPool:
    """At most `size` helpers, started when first needed, and `queue` calls waiting for one.

    `calls`, `failures` (calls without a result) and `starts` (of helpers) only grow; `waiting` is
    the calls that wait for a free helper now.
    """

    def __init__(self, size: int = 1, queue: int = 256) -> None:
        self.calls = self.failures = self.starts = self.waiting = 0
        self._size = size
        self._queue = queue
        self._free = asyncio.Semaphore(size)
        self._idle: list[_Helper] = []
        self._running: set[_Helper] = set()
        self._dead: list[subprocess.Popen[bytes]] = []
        self._closed = False

    async def warm(self, *functions: str, deadline_seconds: float = 60.0) -> None:
        """Start every helper, and have each run these functions, which take no arguments.

        Never raises PoolUnavailable: what is not warm is started by the first call.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._size):
                group.create_task(self._warm(functions, deadline_seconds))

    async def _warm(self, functions: Sequence[str], deadline_seconds: float) -> None:
        with suppress(PoolUnavailable):
            await self.call(
                "extproc.policy.childloop:run_all", functions, deadline_seconds=deadline_seconds
            )

    async def call(self, function: str, *args: Any, deadline_seconds: float) -> Any:
        """What "module:name" returns in a helper for `args`; both travel pickled.

        The deadline counts the wait for a free helper. Raises PoolUnavailable. When the caller is
        cancelled the helper works on, at most until the deadline.
        """
        self.calls += 1
        request = pickle.dumps((function, args, deadline_seconds))
        deadline = asyncio.get_running_loop().time() + deadline_seconds
        try:
            await self._acquire(deadline)
            helper = self._idle.pop() if self._idle else await self._started()
            done, result = pickle.loads(await helper.ask(request, deadline))
            if not done:
                raise PoolUnavailable(f"a helper failed: {result}")
        except PoolUnavailable:
            self.failures += 1
            raise
        return result

    async def close(self) -> None:
        """End the helpers; calls in progress and calls made later raise PoolUnavailable."""
        self._closed = True
        while self._running:
            for helper in self._running:
                helper.end("the helper pool is closed")
            await asyncio.sleep(0)
        for process in self._dead:
            await asyncio.to_thread(process.wait)
        self._dead.clear()

    async def _acquire(self, deadline: float) -> None:
        """Wait for the right to use one helper; `freed` and `lost` give it back."""
        if self._closed:
            raise PoolUnavailable("the helper pool is closed")
        if self.waiting >= self._queue:
            raise PoolUnavailable("too many calls wait for a helper")
        self.waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            raise PoolUnavailable("no helper was free in time") from None
        finally:
            self.waiting -= 1

    async def _started(self) -> "_Helper":
        self._dead = [process for process in self._dead if process.poll() is None]
        if self._closed:
            self._free.release()
            raise PoolUnavailable("the helper pool is closed")
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = _spawn(theirs.fileno())
        except OSError as error:
            ours.close()
            self._free.release()
            raise PoolUnavailable(f"no helper could be started: {error}") from None
        self.starts += 1
        helper = _Helper(self, process)
        self._running.add(helper)
        try:
            loop = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: helper, sock=ours)
        except BaseException:
            ours.close()
            self.lost(helper)
            raise
        return helper

    def freed(self, helper: "_Helper") -> None:
        """`helper` has answered."""
        self._idle.append(helper)
        self._free.release()

    def lost(self, helper: "_Helper") -> None:
        """`helper` is gone, or never came up."""
        if helper not in self._running:
            return
        self._running.remove(helper)
        helper.process.kill()
        self._dead.append(helper.process)
        if helper in self._idle:
            self._idle.remove(helper)
        else:
            self._free.release()


def _spawn(fd: int) -> subprocess.Popen[bytes]:
    """A helper in a session of its own, out of reach of the terminal's Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _START.format(path=sys.path, fd=fd)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(fd,),
        start_new_session=True,
    )


class _Helper(asyncio.Protocol):
    """The worker's end of one helper: idle, or busy with one call."""

    def __init__(self, pool: HelperPool, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._reply: asyncio.Future[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._why = "a helper died"

    def ask(self, request: bytes, deadline: float) -> asyncio.Future[bytes]:
        loop = asyncio.get_running_loop()
        self._reply = loop.create_future()
        self._timer = loop.call_at(deadline, self.end, "a helper passed its deadline")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(len(request).to_bytes(_LENGTH_BYTES, "big") + request)
        return self._reply

    def end(self, why: str) -> None:
        """Kill the process; whoever waits is told why."""
        self._why = why
        self.process.kill()
        if self._transport is None:
            self.connection_lost(None)
        else:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES], "big")
        if len(self._received) < max(end, _LENGTH_BYTES + 1):
            return
        reply = bytes(self._received[_LENGTH_BYTES:end])
        self._received.clear()
        self._settle(reply)
        self._pool.freed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(PoolUnavailable(self._why))
        self._pool.lost(self)

    def _settle(self, outcome: bytes | PoolUnavailable) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._reply is None or self._reply.done():
            return
        if isinstance(outcome, bytes):
            self._reply.set_result(outcome)
        else:
            self._reply.set_exception(outcome)

"""One child process: what it is, and how it is started so that it never outlives the agent.

Each child leads a session of its own, so that Ctrl-C on the terminal reaches the agent alone, and
asks the kernel to be sent its stop signal when the agent dies, however the agent dies.
"""

import asyncio
import ctypes
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


async def at_once(_: int) -> bool:
    """The readiness of a child that nobody waits for."""
    return True


@dataclass(frozen=True, slots=True)
class Child:
    """`ready` is asked with the child's pid, again and again, until it says yes."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The whole environment of the child, nothing is inherited."""
    ready: Callable[[int], Awaitable[bool]] = at_once
    ready_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    """How long it may take to end before it is killed."""


async def spawn(child: Child, output: int) -> Process:
    """Start it, stdout and stderr going to the file descriptor `output`. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        *child.argv,
        env=child.env,
        stdin=DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_tie(child.stop_signal, os.getpid()),
    )


def _tie(stop_signal: signal.Signals, agent_pid: int) -> Callable[[], None]:
    """What the child does between fork and exec."""

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != agent_pid:  # it died before we could ask
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


def kill_group(pid: int) -> None:
    """Kill what is left of a child and of its own children."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name

"""The processes of a benchmark: started, waited for, measured from outside, always stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from bench.load import CannotRun

KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
READY_SECONDS = 120
STOP_SECONDS = 20
POLL_SECONDS = 0.02
LAST_LINES = 20

ROLES = (
    ("bench.origin", "upstream"),
    ("bench.noop", "no-op"),
    ("postgres", "postgres"),
    ("valkey", "valkey"),
    ("extproc worker", "worker"),
    ("extproc ledger", "ledger"),
    ("extproc admin", "admin"),
    ("extproc run", "agent"),
    ("envoy", "envoy"),
    ("litellm", "litellm"),
    ("start-server.js", "portkey"),
)
"""Part of a command line -> what that process is; the first that fits. Others are `helper`."""


class Usage(NamedTuple):
    """One process at one moment."""

    role: str
    cpu_seconds: float
    rss_bytes: int


@contextmanager
def running(
    argv: list[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, away from the terminal's Ctrl-C, writing to `log`."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            env={**kept, "PYTHONUNBUFFERED": "1", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, then kill whatever is left of it and of its children; at once if impatient."""
    family = tree([process.pid])
    process.send_signal(signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:  # a second Ctrl-C
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(family, STOP_SECONDS)
        process.wait()


def tree(pids: list[int]) -> list[psutil.Process]:
    """The processes with these ids and all their descendants, as far as they live."""
    found: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
    return found


def usage(pids: list[int]) -> dict[int, Usage]:
    """What each process of these trees has used so far, by pid."""
    used: dict[int, Usage] = {}
    for process in tree(pids):
        with suppress(psutil.NoSuchProcess):
            cpu = process.cpu_times()
            used[process.pid] = Usage(
                role(process.cmdline()), cpu.user + cpu.system, process.memory_info().rss
            )
    return used


def role(command: list[str]) -> str:
    line = " ".join(command)
    return next((name for part, name in ROLES if part in line), "helper")


def cpu_by_role(before: Mapping[int, Usage], after: Mapping[int, Usage]) -> dict[str, float]:
    """Seconds of CPU between two moments."""
    spent: dict[str, float] = {}
    for pid, now in after.items():
        earlier = before[pid].cpu_seconds if pid in before else 0.0
        spent[now.role] = spent.get(now.role, 0.0) + now.cpu_seconds - earlier
    return spent


def wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until `url` answers 200. Raises CannotRun, with the end of the log, if it never does."""
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(timeout=5, trust_env=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if client.get(url).status_code == httpx.codes.OK:
                    return
            time.sleep(POLL_SECONDS)
    words = "ended" if process.poll() is not None else "was not ready"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
    raise CannotRun(f"{log.stem} {words} before it served {url}; its last lines:\n{tail}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

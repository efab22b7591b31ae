"""`python -m extproc run` as a user's terminal has it: started, watched, stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

KEY = "sk-of-the-agents-tests"
NO_STORES = {"DATABASE_URL": "none", "REDIS_URL": "none"}
CEILING_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def alive(pid: int) -> bool:
    """Whether the process is there, and not only as a zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


class Running:
    """One gateway with the simulated provider."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "HEALTH_PORT": str(free_port()),
            "DATA_DIR": str(self.data),
            "LITELLM_MASTER_KEY": KEY,
            **environ,
        }
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "extproc", "run"),
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"authorization": f"Bearer {KEY}"},
            timeout=CEILING_SECONDS,
        )

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, words: str) -> None:
        """Wait until the log says so."""
        deadline = time.monotonic() + CEILING_SECONDS
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.02)

    def until_ready(self) -> None:
        self.until("llm-extproc is ready")

    def children(self) -> dict[str, int]:
        """The pid of each child by the last word of its command's name."""
        pid = self.process.pid
        found = {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            if "extproc" in words:
                name = words[words.index("extproc") + 1]
            else:  # Valkey shows its socket behind its name
                name = Path(words[0].partition(" ")[0]).name
            found[name] = int(child)
        return found

    def chat(self, **more: object) -> httpx.Response:
        body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], **more}
        return self.http.post("/v1/chat/completions", json=body)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(CEILING_SECONDS)

    def close(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(CEILING_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def folder() -> Iterator[Path]:
    """A short one: socket paths have 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="xp-", dir="/tmp"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def running(environ: Mapping[str, str], where: Path) -> Iterator[Running]:
    """Started; ready when `until_ready` returns."""
    gateway = Running(where, environ)
    try:
        yield gateway
    finally:
        gateway.close()

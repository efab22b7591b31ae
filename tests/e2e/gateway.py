"""The whole gateway as a user starts it: `python -m extproc run` in a process of its own."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import openai
import psutil
import yaml

from extproc.domain.key import hash_key
from extproc.settings import Layout

CEILING_SECONDS = 30.0
COMMAND = (sys.executable, "-m", "extproc", "run")
MASTER_KEY = "sk-master-canary-4f1d"
_OURS = ("OPENAI", "ANTHROPIC", "GEMINI", "LITELLM", "DATABASE", "REDIS", "CONFIG", "WORKERS")
_COUNTER = itertools.count()

T = TypeVar("T")


def eventually(check: Callable[[], T], what: str, ceiling: float = CEILING_SECONDS) -> T:
    """The first true value of `check`; fails naming `what` and its last value at the ceiling."""
    until = time.monotonic() + ceiling
    while not (value := check()):
        assert time.monotonic() < until, f"{what}: still {value!r} after {ceiling} s"
        time.sleep(0.05)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """The test's environment without anything that would configure a gateway."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    for name in ("PORT", "HOST", "HEALTH_PORT", "DATA_DIR", "RUN_DIR"):
        kept.pop(name, None)
    return kept


class Gateway:
    """One running gateway; `stop` ends it, folders and all."""

    def __init__(self, config: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.master_key = MASTER_KEY
        self.port, self.health_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.layout = Layout(self.folder / "run", self.folder / "data")
        self.log_file = self.folder / "gateway.log"
        config_file = self.folder / "config.yaml"
        config_file.write_text(yaml.safe_dump(dict(config)))
        self._environ = {
            **clean_environment(),
            "PORT": str(self.port),
            "HEALTH_PORT": str(self.health_port),
            "DATA_DIR": str(self.layout.data_dir),
            "RUN_DIR": str(self.layout.run_dir),
            "CONFIG": str(config_file),
            "LITELLM_MASTER_KEY": self.master_key,
            "PYTHONUNBUFFERED": "1",
            **(environ or {}),
        }
        self._admin = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.layout.envoy_admin_socket)),
            base_url="http://envoy",
            timeout=10,
        )
        self.http = httpx.Client(base_url=self.url, timeout=CEILING_SECONDS)
        self._sdks: list[openai.OpenAI] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.ready_meant_ready = False
        """Whether the management API answered when readiness first said yes."""

    def start(self) -> "Gateway":
        """Start and wait until the gateway says it is ready."""
        self.layout.run_dir.mkdir(exist_ok=True)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                COMMAND,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            eventually(self.is_ready, "readiness of the gateway", 60)
            self.ready_meant_ready = self.manages()
            eventually(self.manages, "the management API")
        except BaseException:
            print(self.log_text()[-8000:])
            self.stop()
            raise
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the gateway ended: {self.log_text()[-8000:]}"
        try:
            return self.http.get("/health/readiness").status_code == 200
        except httpx.TransportError:
            return False

    def manages(self) -> bool:
        """Whether the management API answers."""
        return self.http.get("/key/list", headers=self.auth()).status_code == 200

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """Send the signal a user's Ctrl-C or a pod's end would send; does not wait."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, ceiling: float = CEILING_SECONDS + 10) -> int:
        """The exit code."""
        assert self.process is not None
        return self.process.wait(ceiling)

    def stop(self) -> None:
        """End everything this gateway started, however it is doing, and its folder."""
        if self.process is not None and self.process.poll() is None:
            children = self.children()
            self.process.terminate()
            try:
                self.process.wait(CEILING_SECONDS + 10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for child in children:
                if child.is_running():
                    child.kill()
        for client in (self._admin, self.http, *self._sdks):
            client.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace")

    # Processes

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        """The ext_proc workers: ours by their command line; their helpers may share it."""
        found = {p.pid: (p, parent) for p in self.children() if (parent := _parent(p))}
        return [p for p, parent in found.values() if parent not in found]

    # Envoy

    def stats(self, pattern: str) -> dict[str, int]:
        """Envoy's counters and gauges whose name matches the expression."""
        answer = self._admin.get("/stats", params={"filter": pattern, "format": "json"})
        rows = answer.json()["stats"]
        return {row["name"]: row["value"] for row in rows if "name" in row}

    def active_upstream_requests(self) -> dict[str, int]:
        """Requests in flight to providers and between the listeners; empty when there are none."""
        stats = self.stats(r"^cluster\..*\.upstream_rq_active$")
        return {name: n for name, n in stats.items() if n and not is_plumbing(name)}

    def worker_tasks(self) -> dict[str, float]:
        """Attempts and late settlements in the workers; empty when there are none."""
        found = {}
        for line in httpx.get(f"{self.url}/metrics", timeout=CEILING_SECONDS).text.splitlines():
            name, _, value = line.rpartition(" ")
            if name in ("litellm_in_flight_requests", "llm_extproc_late_work"):
                found[name] = float(value)
        assert len(found) == 2, f"no such gauges: {found}"
        return {name: value for name, value in found.items() if value}

    # Clients

    def openai(self, key: str | None = None) -> openai.OpenAI:
        """A client of the official SDK, closed when the gateway is."""
        client = openai.OpenAI(
            base_url=f"{self.url}/v1",
            api_key=key or self.master_key,
            max_retries=0,
            timeout=CEILING_SECONDS,
        )
        self._sdks.append(client)
        return client

    def auth(self, key: str | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {key or self.master_key}"}

    def chat(self, body: Mapping[str, Any], key: str | None = None) -> httpx.Response:
        """POST /v1/chat/completions, the whole answer."""
        return self.http.post("/v1/chat/completions", json=body, headers=self.auth(key))

    def raw(self, data: bytes) -> bytes:
        """Send bytes; all that comes back until a JSON body, the connection or patience ends."""
        received = b""
        connection = socket.create_connection(("127.0.0.1", self.port), CEILING_SECONDS)
        with connection, suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
            connection.settimeout(10)
            while piece := connection.recv(65536):
                received += piece
                if b"\r\n\r\n" in received and received.endswith(b"}"):
                    break
        return received

    def manage(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a management route as the admin; it must succeed."""
        answer = self.http.post(path, json=body, headers=self.auth())
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result

    def new_key(self, **fields: Any) -> str:
        return str(self.manage("/key/generate", fields)["key"])

    # Ledger

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The spend rows of a key, as GET /spend/logs shows them now."""
        answer = self.http.get(
            "/spend/logs", params={"api_key": hash_key(key)}, headers=self.auth()
        )
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    def settled_rows(self, key: str, count: int) -> list[dict[str, Any]]:
        """The key's rows once there are at least `count`."""
        rows: list[dict[str, Any]] = []

        def enough() -> bool:
            rows[:] = self.rows(key)
            return len(rows) >= count

        eventually(enough, f"{count} spend rows")
        return rows


def _parent(process: psutil.Process) -> int:
    """The parent of a worker or one of its helpers; 0 for any other process."""
    try:
        line = process.cmdline()
        ours = "extproc" in " ".join(line) and "worker" in line
        return process.ppid() if ours else 0
    except psutil.Error:
        return 0


def is_plumbing(name: str) -> bool:
    """Whether a cluster's stat counts the gateway's own long-lived streams, not calls."""
    return any(part in name for part in ("access_log", "agent", "health"))


def run_id(prefix: str) -> str:
    """A name for one test's requests, unique in this session."""
    return f"{prefix}-{os.getpid()}-{next(_COUNTER)}"

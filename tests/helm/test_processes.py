"""A pod's containers as plain processes, started and stopped in the kubelet's order."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.helm.chart import ROOT, Json, containers, environment, pod

CEILING_SECONDS = 30.0
KEY = "sk-pod-test"
SECRETS = {"gw-llm-extproc-masterkey": {"masterkey": KEY}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Pod:
    """Paths and ports of the chart are moved to a temporary folder and free ports, nothing else."""

    def __init__(self, folder: Path, values: Json) -> None:
        self.port, self.health_port = free_port(), free_port()
        self._containers = containers(pod(values))
        self._folder = folder
        self._moved = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "HEALTH_PORT": str(self.health_port),
            "RUN_DIR": str(folder / "run"),
            "DATA_DIR": str(folder / "data"),
            "HOME": str(folder),
        }
        for name in ("RUN_DIR", "DATA_DIR"):
            Path(self._moved[name]).mkdir()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """A command of the chart in the environment of its container."""
        environ = environment(self._containers[name], SECRETS) | self._moved
        environ |= {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self._folder),
            "PYTHONPATH": str(ROOT),
        }
        assert command[0] == "extproc"
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environ,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start(self, name: str) -> None:
        self.processes[name] = self.run(name, self._containers[name]["command"])

    def stop(self, name: str) -> int:
        """The hook, the signal, the exit code."""
        hook = self._containers[name].get("lifecycle", {}).get("preStop")
        if hook:
            assert self.run(name, hook["exec"]["command"]).wait(CEILING_SECONDS) == 0
            assert self.processes[name].poll() is None
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(CEILING_SECONDS)

    def probe(self, name: str, kind: str) -> bool:
        probe = self._containers[name][kind]
        return self._serving() if "grpc" in probe else self._get(probe["httpGet"]["path"]) == 200

    def _get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def _serving(self) -> bool:
        with grpc.insecure_channel(f"127.0.0.1:{self.health_port}") as channel:
            try:
                asked = health_pb2.HealthCheckRequest()
                answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=5)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def eventually(self, check: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + CEILING_SECONDS
        while not check():
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not dead, f"{what}: {dead} ended\n{self.logs()}"
            assert time.monotonic() < until, f"{what}\n{self.logs()}"
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-3000:]}" for path in self._folder.glob("*.log")
        )


@pytest.fixture
def a_pod() -> Iterator[Pod]:
    folder = Path(tempfile.mkdtemp(prefix="pod-", dir="/tmp"))
    made = Pod(folder, {"drainSeconds": 1, "envVars": {"OPENAI_BASE_URL": "http://127.0.0.1:9"}})
    try:
        yield made
    finally:
        for process in made.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_pod_starts_survives_restarts_and_stops_in_order(a_pod: Pod) -> None:
    a_pod.start("worker")
    a_pod.eventually(partial(a_pod.probe, "worker", "startupProbe"), "worker startupProbe")
    a_pod.start("admin")
    a_pod.start("envoy")
    every_probe_succeeds(a_pod)
    for name in ("admin", "worker", "envoy"):
        a_pod.processes[name].kill()
        a_pod.processes[name].wait()
        a_pod.start(name)
        every_probe_succeeds(a_pod)
    for name in ("envoy", "admin", "worker"):
        assert a_pod.stop(name) == 0, f"{name}\n{a_pod.logs()}"


def every_probe_succeeds(a_pod: Pod) -> None:
    for name, kind in (
        ("worker", "livenessProbe"),
        ("worker", "readinessProbe"),
        ("envoy", "startupProbe"),
        ("envoy", "livenessProbe"),
        ("envoy", "readinessProbe"),
        ("admin", "livenessProbe"),
    ):
        a_pod.eventually(partial(a_pod.probe, name, kind), f"{name} {kind}")

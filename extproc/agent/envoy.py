"""Envoy as a child: its command line, and the few things that are asked of it.

Its log level is fixed at `warning`: below that Envoy writes headers down, credentials among them.
"""

import asyncio
import json
import os
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from extproc.agent.child import Child
from extproc.agent.wheels import program
from extproc.settings import Layout, Settings

LINGER_SECONDS = 5
"""How long a draining Envoy still takes connections, telling each client to come anew."""
FLUSH_MILLISECONDS = 1000
"""How old a line of its logs may get before it is written; the ledger waits three times that."""
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 2.0
TEXT_LOG = "%l %n: %v"
JSON_LOG = '{"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","logger":"envoy.%n","message":"%j"}'
_LAST_ANSWERS = "/drain_listeners?inboundonly&graceful&skip_exit"
_CLOSE = "/drain_listeners?inboundonly"
_ACTIVE = "/stats?format=json&filter=^http\\..*\\.downstream_rq_active$"


class EnvoyAway(Exception):
    """Envoy's admin socket does not answer."""


def command(settings: Settings, layout: Layout) -> tuple[str, ...]:
    """Raises WheelMissing."""
    return (
        program("envoy"),
        *("-c", str(layout.envoy_bootstrap)),
        *("--concurrency", str(settings.envoy_concurrency or os.cpu_count() or 1)),
        *("--log-level", "warning"),
        *("--log-format", JSON_LOG if settings.json_logs else TEXT_LOG),
        *("--drain-time-s", str(LINGER_SECONDS), "--drain-strategy", "immediate"),
        *("--file-flush-interval-msec", str(FLUSH_MILLISECONDS)),
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


def active_requests(admin_socket: Path) -> int:
    """Client requests in progress; Envoy's own admin requests are not counted."""
    rows = json.loads(ask(admin_socket, "GET", _ACTIVE))["stats"]
    return sum(row["value"] for row in rows if not row["name"].startswith("http.admin."))


async def drain(admin_socket: Path, seconds: float, at_least: float = 0.0) -> None:
    """Wait until the calls in progress are over, but no longer than `seconds`.

    At first answers carry `connection: close`, so that clients come anew, elsewhere; then the
    inbound listener closes. The inner one stays: through it come further attempts of the calls in
    progress. Raises EnvoyAway.
    """
    clock = asyncio.get_running_loop().time
    begun = clock()
    steps = [(0, _LAST_ANSWERS), (LINGER_SECONDS, _CLOSE)]
    while clock() - begun < seconds:
        if steps and clock() - begun >= steps[0][0]:
            await asyncio.to_thread(ask, admin_socket, "POST", steps.pop(0)[1])
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

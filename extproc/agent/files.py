"""Writes the files that Envoy reads."""

import socket
from urllib.parse import urlsplit

import certifi

from extproc.domain.snapshot import Snapshot
from extproc.envoyconfig.bootstrap import bootstrap
from extproc.envoyconfig.files import replace
from extproc.envoyconfig.options import GatewayOptions
from extproc.envoyconfig.upstreams import clusters
from extproc.settings import NONE, Layout, SettingError, Settings


def resolved_proxy(url: str | None) -> str | None:
    """The proxy by its address, which is what Envoy wants. Raises SettingError."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.username is not None:
            raise ValueError("only http://host:port without a password is supported")
        port = parts.port or 80
        host = str(socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, ValueError) as error:
        raise SettingError(f"HTTPS_PROXY: {error}") from None
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
        https_proxy=resolved_proxy(settings.https_proxy),
        passed=tuple((each.path, each.include_subpath) for each in snapshot.passing.endpoints),
        # The ledger reads it and keeps it short: without one nobody would.
        unsent_log=None if settings.database_url == NONE else layout.unsent_log,
    )


def write(settings: Settings, layout: Layout, snapshot: Snapshot) -> None:
    """The bootstrap last: who waits for it finds the other file too."""
    wanted = options(settings, layout, snapshot)
    replace(layout.envoy_clusters, clusters(snapshot.upstreams, wanted))
    replace(layout.envoy_bootstrap, bootstrap(wanted))

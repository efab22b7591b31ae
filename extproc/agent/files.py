"""Writes the files that Envoy reads."""

import certifi

from extproc.domain.snapshot import Snapshot
from extproc.envoyconfig.bootstrap import bootstrap
from extproc.envoyconfig.files import replace
from extproc.envoyconfig.options import GatewayOptions
from extproc.envoyconfig.upstreams import clusters
from extproc.settings import NONE, Layout, Settings


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
        # The ledger reads it and keeps it short: without one nobody would.
        unsent_log=None if settings.database_url == NONE else layout.unsent_log,
    )


def write(settings: Settings, layout: Layout, snapshot: Snapshot) -> None:
    """The bootstrap last: who waits for it finds the other file too."""
    wanted = options(settings, layout, snapshot)
    upstreams = dict.fromkeys(d.upstream for d in snapshot.deployments)
    replace(layout.envoy_clusters, clusters(upstreams, wanted))
    replace(layout.envoy_bootstrap, bootstrap(wanted))

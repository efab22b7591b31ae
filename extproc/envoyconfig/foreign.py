"""Filter, route and clusters for an Envoy that somebody else runs.

There is no outer listener then: nobody repeats an attempt, and the worker is told so by the
absence of `x-envoy-attempt-count`. Headers of ours are removed by a filter of their own, placed
before ext_proc so that on an answer it comes after it.
"""

from collections.abc import Iterable
from datetime import timedelta

from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap, BootstrapStaticResources
from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.core.v3 import Address, SocketAddress
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
)

from extproc.domain.deployment import Upstream
from extproc.domain.headers import ATTEMPT
from extproc.envoyconfig import attempt, upstreams
from extproc.envoyconfig import locals as local
from extproc.envoyconfig.manager import filter_chain, router, websocket
from extproc.envoyconfig.mutations import removing
from extproc.envoyconfig.options import GatewayOptions

OURS = ("x-gateway-",)


def filters() -> list[HttpFilter]:
    """In this order, right before the router."""
    return [removing(request=(*OURS, ATTEMPT), answer=OURS), attempt.filter_()]


def clusters(targets: Iterable[Upstream], options: GatewayOptions) -> list[Cluster]:
    """The workers and the providers' hosts."""
    return [
        local.workers(options.worker_sockets),
        *(each for target in targets for each in upstreams.of_upstream(target, options)),
    ]


def example(targets: Iterable[Upstream], options: GatewayOptions) -> Bootstrap:
    """The smallest Envoy of somebody else with our parts in it."""
    config = HttpConnectionManager(
        stat_prefix="theirs",
        # Silence is the route's business: a model may think longer than Envoy's 5 minutes.
        stream_idle_timeout=timedelta(0),
        upgrade_configs=[websocket()],
        http_filters=[*filters(), router()],
        route_config=attempt.routes(options, attempt.tunnelled()),
    )
    address = SocketAddress(address=options.host, port_value=options.port)
    theirs = Listener(
        name="theirs",
        address=Address(socket_address=address),
        filter_chains=[filter_chain(config)],
        per_connection_buffer_limit_bytes=options.buffer_bytes,
    )
    return Bootstrap(
        static_resources=BootstrapStaticResources(
            listeners=[theirs], clusters=clusters(targets, options)
        )
    )

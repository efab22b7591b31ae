"""The clusters inside the pod: inner listeners, workers, agent, admin application."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    Cluster,
    ClusterCommonLbConfig,
    ClusterDiscoveryType,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    EnvoyInternalAddress,
    HealthCheck,
    HealthCheckGrpcHealthCheck,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    Pipe,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as Protocol,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.v3 import Percent
from envoy_data_plane.google.protobuf import Any

from extproc.envoyconfig import attempt, paths
from extproc.envoyconfig.manager import MAX_HEADERS, MAX_HEADERS_KB
from extproc.envoyconfig.options import GatewayOptions

CONNECT_TIMEOUT = timedelta(seconds=5)
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
NO_CEILING = 1_000_000
"""Envoy's default of 1,024 requests and 3 concurrent retries would starve everyone."""
GRPC_STREAM_WINDOW = 4 * 1024 * 1024
GRPC_CONNECTION_WINDOW = 64 * 1024 * 1024


def clusters(options: GatewayOptions) -> list[Cluster]:
    return [
        local(paths.ATTEMPT, [_inner(attempt.NAME)]),
        local(attempt.TUNNEL, [_inner(attempt.TUNNEL)]),
        workers(options.worker_sockets),
        local(paths.AGENT, [pipe(options.agent_socket)]),
        local(paths.ADMIN, [pipe(options.admin_socket)]),
    ]


def _inner(listener: str) -> Address:
    return Address(envoy_internal_address=EnvoyInternalAddress(server_listener_name=listener))


def local(name: str, addresses: Iterable[Address]) -> Cluster:
    """HTTP/1.1 to something in the same pod."""
    http1 = HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=Http1ProtocolOptions())
    return Cluster(
        name=name,
        type=ClusterDiscoveryType.STATIC,
        connect_timeout=CONNECT_TIMEOUT,
        load_assignment=endpoints(name, addresses),
        circuit_breakers=raised(),
        typed_extension_protocol_options=protocol(Protocol(explicit_http_config=http1)),
    )


def workers(sockets: Iterable[Path]) -> Cluster:
    """gRPC to whichever worker serves; to any of them when none says that it does."""
    http2 = HttpProtocolOptionsExplicitHttpConfig(
        http2_protocol_options=Http2ProtocolOptions(
            initial_stream_window_size=GRPC_STREAM_WINDOW,
            initial_connection_window_size=GRPC_CONNECTION_WINDOW,
        )
    )
    return Cluster(
        name=attempt.WORKERS,
        type=ClusterDiscoveryType.STATIC,
        connect_timeout=CONNECT_TIMEOUT,
        load_assignment=endpoints(attempt.WORKERS, [pipe(path) for path in sockets]),
        circuit_breakers=raised(),
        typed_extension_protocol_options=protocol(Protocol(explicit_http_config=http2)),
        health_checks=[
            HealthCheck(
                timeout=timedelta(seconds=5),
                interval=timedelta(seconds=1),
                no_traffic_interval=timedelta(seconds=1),
                unhealthy_threshold=1,
                healthy_threshold=1,
                grpc_health_check=HealthCheckGrpcHealthCheck(),
            )
        ],
        common_lb_config=ClusterCommonLbConfig(healthy_panic_threshold=Percent(value=1)),
    )


def pipe(path: Path) -> Address:
    return Address(pipe=Pipe(path=str(path)))


def endpoints(name: str, addresses: Iterable[Address]) -> ClusterLoadAssignment:
    hosts = [LbEndpoint(endpoint=Endpoint(address=address)) for address in addresses]
    return ClusterLoadAssignment(
        cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=hosts)]
    )


def raised() -> CircuitBreakers:
    return CircuitBreakers(
        thresholds=[
            CircuitBreakersThresholds(
                max_connections=NO_CEILING,
                max_pending_requests=NO_CEILING,
                max_requests=NO_CEILING,
                max_retries=NO_CEILING,
            )
        ]
    )


def protocol(options: Protocol) -> dict[str, Any]:
    """With room for an answer's headers, if the caller has not set that itself."""
    if options.common_http_protocol_options is None:
        options.common_http_protocol_options = HttpProtocolOptions()
    options.common_http_protocol_options.max_headers_count = MAX_HEADERS
    options.common_http_protocol_options.max_response_headers_kb = MAX_HEADERS_KB
    return {PROTOCOL_OPTIONS: Any.pack(options)}

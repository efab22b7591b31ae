"""The HTTP connection manager that both listeners share: what is the same on either side."""

from datetime import timedelta

import betterproto2
from envoy_data_plane.envoy.config.core.v3 import (
    CidrRange,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    HttpProtocolOptionsHeadersWithUnderscoresAction,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpConnectionManagerInternalAddressConfig,
    HttpConnectionManagerPathWithEscapedSlashesAction,
    HttpConnectionManagerServerHeaderTransformation,
    HttpConnectionManagerUpgradeConfig,
    HttpFilter,
)
from envoy_data_plane.google.protobuf import Any

MAX_HEADERS = 500
MAX_HEADERS_KB = 128
NOBODY = CidrRange(address_prefix="255.255.255.255", prefix_len=32)
"""Envoy takes an empty list for its default: all private networks."""
WEBSOCKET = "websocket"
STREAM_WINDOW = 1024 * 1024
CONNECTION_WINDOW = 16 * 1024 * 1024


def manager(name: str, idle_seconds: float, inner: bool = False) -> HttpConnectionManager:
    """The common ground; the caller adds routes, filters and what else is its own.

    The inner one allows a little more, so that what the outer one let in never fails there.
    """
    extra = 2 if inner else 1
    return HttpConnectionManager(
        stat_prefix=name,
        server_header_transformation=HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
        # No peer is trusted for its address alone: a client in 10/8 may not choose a call's id.
        internal_address_config=HttpConnectionManagerInternalAddressConfig(cidr_ranges=[NOBODY]),
        max_request_headers_kb=MAX_HEADERS_KB * extra,
        common_http_protocol_options=HttpProtocolOptions(
            idle_timeout=timedelta(hours=1),
            max_headers_count=MAX_HEADERS * extra,
            headers_with_underscores_action=HttpProtocolOptionsHeadersWithUnderscoresAction.DROP_HEADER,
        ),
        http_protocol_options=Http1ProtocolOptions(accept_http_10=True),
        http2_protocol_options=Http2ProtocolOptions(
            max_concurrent_streams=1000,
            initial_stream_window_size=STREAM_WINDOW,
            initial_connection_window_size=CONNECTION_WINDOW,
        ),
        stream_idle_timeout=timedelta(seconds=idle_seconds),
        # A model's id in a path may hold an escaped slash.
        path_with_escaped_slashes_action=HttpConnectionManagerPathWithEscapedSlashesAction.KEEP_UNCHANGED,
    )


def http_filter(name: str, config: betterproto2.Message) -> HttpFilter:
    return HttpFilter(name=name, typed_config=Any.pack(config))


def websocket() -> HttpConnectionManagerUpgradeConfig:
    """Lets a request become a WebSocket, on any route that does not say otherwise."""
    return HttpConnectionManagerUpgradeConfig(upgrade_type=WEBSOCKET)


def router() -> HttpFilter:
    """The last filter. It tells neither clients nor providers about Envoy."""
    return http_filter("envoy.filters.http.router", Router(suppress_envoy_headers=True))


def filter_chain(config: HttpConnectionManager) -> FilterChain:
    return FilterChain(
        filters=[
            Filter(
                name="envoy.filters.network.http_connection_manager",
                typed_config=Any.pack(config),
            )
        ]
    )

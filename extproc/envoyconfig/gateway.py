"""The outer listener: clients come in here, are routed by path, and attempts are repeated."""

from datetime import timedelta

from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    SocketAddress,
    TrafficDirection,
    TypedExtensionConfig,
)
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import (
    HeaderMatcher,
    RetryPolicy,
    RetryPolicyRateLimitedRetryBackOff,
    RetryPolicyResetHeader,
    RetryPolicyRetryBackOff,
    Route,
    RouteAction,
    RouteActionUpgradeConfig,
    RouteConfiguration,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    HeaderMutation as EarlyMutation,
)
from envoy_data_plane.google.protobuf import Any

from extproc.domain.headers import RETRY
from extproc.envoyconfig import accesslog, paths, replies
from extproc.envoyconfig.manager import WEBSOCKET, filter_chain, manager, router
from extproc.envoyconfig.mutations import removal, removing
from extproc.envoyconfig.options import GatewayOptions

NAME = "gateway"
ADMIN_IDLE_SECONDS = 300
MOST_ATTEMPTS = 100
"""A ceiling nobody should reach: a worker decides whether there is another attempt."""
OURS = ("x-gateway-", "x-envoy-")
"""What the gateway says to itself is neither for clients nor from them."""
LONGEST_BACK_OFF = timedelta(seconds=60)


def listener(options: GatewayOptions) -> Listener:
    """Listens on `host:port`; LLM paths go to the `attempt` listener in this same process."""
    config = manager(NAME, idle_seconds=ADMIN_IDLE_SECONDS)
    # Forget the client's own forwarding headers and make the call's id anew.
    config.use_remote_address = True
    config.normalize_path = True
    config.merge_slashes = True
    config.request_headers_timeout = timedelta(seconds=30)
    config.access_log = [accesslog.everything()]
    config.local_reply_config = replies.outer()
    config.early_header_mutation_extensions = [_forget_ours()]
    config.http_filters = [removing(answer=OURS), router()]
    config.route_config = RouteConfiguration(
        name=NAME,
        virtual_hosts=[
            VirtualHost(
                name=NAME,
                domains=["*"],
                include_request_attempt_count=True,
                routes=[_route(row, options) for row in paths.table(options.passed)],
            )
        ],
    )
    address = SocketAddress(address=options.host, port_value=options.port)
    return Listener(
        name=NAME,
        address=Address(socket_address=address),
        filter_chains=[filter_chain(config)],
        per_connection_buffer_limit_bytes=1024 * 1024,
        traffic_direction=TrafficDirection.INBOUND,  # what /drain_listeners?inboundonly drains
    )


def _route(row: paths.Row, options: GatewayOptions) -> Route:
    action = RouteAction(cluster=row.target, timeout=timedelta(0))
    if row.target != paths.ATTEMPT:
        return Route(match=paths.match(row), route=action)
    # The inner listener watches for silence: a timer here would run on across attempts.
    action.idle_timeout = timedelta(0)
    action.retry_policy = _retries()
    if row.upgrades:
        action.upgrade_configs = [RouteActionUpgradeConfig(upgrade_type=WEBSOCKET)]
    return Route(
        match=paths.match(row), route=action, request_body_buffer_limit=options.buffer_bytes
    )


def _retries() -> RetryPolicy:
    """Come again whenever the answer says so, after `retry-after` if it says that too."""
    return RetryPolicy(
        retry_on="retriable-headers",
        retriable_headers=[HeaderMatcher(name=RETRY, present_match=True)],
        num_retries=MOST_ATTEMPTS,
        retry_back_off=RetryPolicyRetryBackOff(
            base_interval=timedelta(milliseconds=1), max_interval=timedelta(milliseconds=10)
        ),
        rate_limited_retry_back_off=RetryPolicyRateLimitedRetryBackOff(
            reset_headers=[RetryPolicyResetHeader(name="retry-after")],
            max_interval=LONGEST_BACK_OFF,
        ),
    )


def _forget_ours() -> TypedExtensionConfig:
    """A client may not speak as the gateway or as Envoy."""
    config = EarlyMutation(mutations=[removal(prefix) for prefix in OURS])
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation", typed_config=Any.pack(config)
    )

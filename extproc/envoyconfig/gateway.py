"""The outer listener: clients come in here, are routed by path, and attempts are repeated."""

from datetime import timedelta

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLog
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutation as Mutation,
)
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutationRemoveOnMatch
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    SocketAddress,
    SubstitutionFormatString,
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
    RouteConfiguration,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StdoutAccessLog
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as MutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    HeaderMutation as EarlyMutation,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.google.protobuf import Any, Struct

from extproc.domain.headers import CALL_ID, RETRY
from extproc.envoyconfig import paths, replies
from extproc.envoyconfig.manager import filter_chain, http_filter, manager, router
from extproc.envoyconfig.options import GatewayOptions

NAME = "gateway"
ADMIN_IDLE_SECONDS = 300
MOST_ATTEMPTS = 100
"""A ceiling nobody should reach: a worker decides whether there is another attempt."""
LONGEST_BACK_OFF = timedelta(seconds=60)

ACCESS_LOG = {
    # Neither query strings (`?key=`) nor any header that may hold a credential.
    "time": "%START_TIME%",
    "call_id": f"%REQ({CALL_ID})%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(USER-AGENT)%",
}


def listener(options: GatewayOptions) -> Listener:
    """Listens on `host:port`; LLM paths go to the `attempt` listener in this same process."""
    config = manager(NAME, idle_seconds=ADMIN_IDLE_SECONDS)
    # Forget the client's own forwarding headers and make the call's id anew.
    config.use_remote_address = True
    config.normalize_path = True
    config.merge_slashes = True
    config.request_headers_timeout = timedelta(seconds=30)
    config.access_log = [_access_log()]
    config.local_reply_config = replies.outer()
    config.early_header_mutation_extensions = [_forget_ours()]
    config.http_filters = [_hide_ours(), router()]
    config.route_config = RouteConfiguration(
        name=NAME,
        virtual_hosts=[
            VirtualHost(
                name=NAME,
                domains=["*"],
                include_request_attempt_count=True,
                routes=[_route(row, options) for row in paths.TABLE],
            )
        ],
    )
    address = SocketAddress(address=options.host, port_value=options.port)
    return Listener(
        name=NAME,
        address=Address(socket_address=address),
        filter_chains=[filter_chain(config)],
        per_connection_buffer_limit_bytes=1024 * 1024,
    )


def _route(row: paths.Row, options: GatewayOptions) -> Route:
    action = RouteAction(cluster=row.target, timeout=timedelta(0))
    if row.target != paths.ATTEMPT:
        return Route(match=paths.match(row), route=action)
    # The inner listener watches for silence: a timer here would run on across attempts.
    action.idle_timeout = timedelta(0)
    action.retry_policy = _retries()
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


def _remove(prefix: str) -> Mutation:
    matcher = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(prefix=prefix))
    return Mutation(remove_on_match=matcher)


def _forget_ours() -> TypedExtensionConfig:
    """A client may not speak as the gateway or as Envoy."""
    config = EarlyMutation(mutations=[_remove("x-gateway-"), _remove("x-envoy-")])
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation", typed_config=Any.pack(config)
    )


def _hide_ours() -> HttpFilter:
    """What the gateway says to itself is not for clients."""
    hidden = [_remove("x-gateway-"), _remove("x-envoy-")]
    return http_filter(
        "envoy.filters.http.header_mutation",
        MutationFilter(mutations=Mutations(response_mutations=hidden)),
    )


def _access_log() -> AccessLog:
    log = StdoutAccessLog(
        log_format=SubstitutionFormatString(json_format=Struct.from_dict(ACCESS_LOG))
    )
    return AccessLog(name="envoy.access_loggers.stdout", typed_config=Any.pack(log))

"""The inner listener: one attempt, in the worker's hands from first header to last byte."""

from datetime import timedelta

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutationRules
from envoy_data_plane.envoy.config.core.v3 import (
    BackoffStrategy,
    DataSource,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    RetryPolicyRetryHostPredicate,
)
from envoy_data_plane.envoy.config.core.v3 import RetryPolicy as GrpcRetryPolicy
from envoy_data_plane.envoy.config.listener.v3 import Listener, ListenerInternalListenerConfig
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    RetryPolicy,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import (
    ExternalProcessor,
    ExtProcOverrides,
    ExtProcPerRoute,
    ProcessingMode,
    ProcessingModeBodySendMode,
    ProcessingModeHeaderSendMode,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import PreviousHostsPredicate
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode
from envoy_data_plane.google.protobuf import Any

from extproc.domain.headers import ATTEMPT, CALL_ID, CLUSTER, RETRY
from extproc.envoyconfig import accesslog, replies
from extproc.envoyconfig.manager import (
    WEBSOCKET,
    filter_chain,
    http_filter,
    manager,
    router,
    websocket,
)
from extproc.envoyconfig.options import GatewayOptions

NAME = "attempt"
WORKERS = "extproc"
TUNNEL = "tunnel"
MESSAGE_SECONDS = 30
BACKSTOP_SECONDS = 60
EXT_PROC = "envoy.filters.http.ext_proc"
TUNNEL_IDLE_SECONDS = 3600

NOT_FOR_PROVIDERS = (
    # Between us and the worker, or added by Envoy on the way.
    CLUSTER,
    CALL_ID,
    ATTEMPT,
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-expected-rq-timeout-ms",
    "x-forwarded-for",
    "x-forwarded-proto",
)
NOT_FROM_PROVIDERS = (RETRY, CLUSTER)


def listener(options: GatewayOptions) -> Listener:
    """Reached through the cluster `attempt` alone: it has no socket."""
    idle_seconds = options.first_byte_seconds + BACKSTOP_SECONDS
    config = manager(NAME, idle_seconds=idle_seconds, inner=True)
    config.use_remote_address = False
    config.generate_request_id = False
    # After a break the outer listener needs a moment to read what was said before it, no more.
    config.delayed_close_timeout = timedelta(milliseconds=100)
    config.access_log = [accesslog.failures()]
    config.local_reply_config = replies.inner()
    config.http_filters = [filter_(), router()]
    if options.unsent_log is not None:
        config.access_log.append(accesslog.unsent(options.unsent_log))
        config.http_filters.insert(0, accesslog.remembering())
    config.upgrade_configs = [websocket()]
    config.route_config = routes(options, to_tunnel())
    return Listener(
        name=NAME,
        internal_listener=ListenerInternalListenerConfig(),
        filter_chains=[filter_chain(config)],
        per_connection_buffer_limit_bytes=options.buffer_bytes,
    )


def filter_() -> HttpFilter:
    """The ext_proc filter. Nothing passes when no worker answers."""
    config = ExternalProcessor(
        grpc_service=_workers(),
        failure_mode_allow=False,
        status_on_error=HttpStatus(code=StatusCode.ServiceUnavailable),
        message_timeout=timedelta(seconds=MESSAGE_SECONDS),
        processing_mode=phases(ProcessingModeBodySendMode.BUFFERED),
        # The worker writes :path, :authority and Envoy's own per-request timeout.
        mutation_rules=HeaderMutationRules(allow_all_routing=True, allow_envoy=True),
    )
    return http_filter(EXT_PROC, config)


def phases(request_body: ProcessingModeBodySendMode) -> ProcessingMode:
    """What a worker is shown: of a request that becomes a tunnel, not what the client says in it.

    An upgraded request has no end that could be buffered to.
    """
    send = ProcessingModeHeaderSendMode.SEND
    return ProcessingMode(
        request_header_mode=send,
        request_body_mode=request_body,
        request_trailer_mode=ProcessingModeHeaderSendMode.SKIP,
        response_header_mode=send,
        response_body_mode=ProcessingModeBodySendMode.FULL_DUPLEX_STREAMED,
        response_trailer_mode=send,
    )


def _workers() -> GrpcService:
    """A stream to a worker; to another one, or a little later, when that is not there."""
    others = RetryPolicyRetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts",
        typed_config=Any.pack(PreviousHostsPredicate()),
    )
    return GrpcService(
        envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=WORKERS),
        retry_policy=GrpcRetryPolicy(
            # Nothing has been said to a worker that could not be reached, so nothing is repeated.
            retry_on="connect-failure,refused-stream",
            num_retries=4,
            retry_back_off=BackoffStrategy(
                base_interval=timedelta(milliseconds=25),
                max_interval=timedelta(milliseconds=250),
            ),
            retry_host_predicate=[others],
            host_selection_retry_max_attempts=3,
        ),
    )


def routes(options: GatewayOptions, websockets: Route) -> RouteConfiguration:
    """To the cluster a worker has named, or to nobody."""
    return RouteConfiguration(
        name=NAME,
        virtual_hosts=[
            VirtualHost(
                name=NAME,
                domains=["*"],
                request_body_buffer_limit=options.buffer_bytes,
                routes=[*map(in_tunnel, (websockets, unrouted())), routed(options), unrouted()],
            )
        ],
    )


def routed(options: GatewayOptions) -> Route:
    """What the worker has named a cluster for, without what was said between the two."""
    return Route(
        match=RouteMatch(prefix="/", headers=[HeaderMatcher(name=CLUSTER, present_match=True)]),
        route=RouteAction(
            cluster_header=CLUSTER,
            timeout=timedelta(0),
            # The same silence is judged once per attempt, and a little later as a backstop.
            idle_timeout=timedelta(seconds=options.first_byte_seconds + BACKSTOP_SECONDS),
            retry_policy=RetryPolicy(
                per_try_idle_timeout=timedelta(seconds=options.first_byte_seconds)
            ),
        ),
        request_headers_to_remove=[*NOT_FOR_PROVIDERS],
        response_headers_to_remove=[*NOT_FROM_PROVIDERS],
    )


def to_tunnel() -> Route:
    """The same for what becomes a WebSocket: the innermost listener looks at the cluster's name."""
    return _conversation(RouteAction(cluster=TUNNEL))


def tunnelled() -> Route:
    """A WebSocket's last stretch, without what was said between Envoy and the worker."""
    route = _conversation(RouteAction(cluster_header=CLUSTER))
    route.request_headers_to_remove = [*NOT_FOR_PROVIDERS]
    route.response_headers_to_remove = [*NOT_FROM_PROVIDERS]
    return route


def _conversation(action: RouteAction) -> Route:
    """It has pauses; how long its beginning may take is the worker's to judge."""
    action.timeout = timedelta(0)
    action.idle_timeout = timedelta(seconds=TUNNEL_IDLE_SECONDS)
    named = HeaderMatcher(name=CLUSTER, present_match=True)
    return Route(match=RouteMatch(prefix="/", headers=[named]), route=action)


def in_tunnel(route: Route) -> Route:
    """Of upgraded requests alone; Envoy removes that header from every other one."""
    name = StringMatcher(exact=WEBSOCKET, ignore_case=True)
    assert route.match is not None
    route.match.headers = [HeaderMatcher(name="upgrade", string_match=name), *route.match.headers]
    overrides = ExtProcOverrides(processing_mode=phases(ProcessingModeBodySendMode.NONE))
    route.typed_per_filter_config = {EXT_PROC: Any.pack(ExtProcPerRoute(overrides=overrides))}
    return route


def unrouted() -> Route:
    body = DataSource(inline_string="No worker has routed this request.")
    return Route(
        match=RouteMatch(prefix="/"),
        direct_response=DirectResponseAction(status=503, body=body),
    )

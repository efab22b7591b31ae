"""The innermost listener: a WebSocket's way from an attempt to its provider.

A provider may hang up right after its last words, and Envoy then drops what a worker still has in
hand of them. Between two listeners a hang-up waits a moment, as long as a worker needs.
"""

from datetime import timedelta

from envoy_data_plane.envoy.config.listener.v3 import Listener, ListenerInternalListenerConfig
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration, VirtualHost

from extproc.envoyconfig import attempt, replies
from extproc.envoyconfig.manager import filter_chain, manager, router, websocket

PATIENCE = timedelta(milliseconds=500)


def listener() -> Listener:
    """Reached through the cluster `tunnel` alone; to the cluster that the worker has named."""
    config = manager(attempt.TUNNEL, idle_seconds=attempt.TUNNEL_IDLE_SECONDS, inner=True)
    config.use_remote_address = False
    config.generate_request_id = False
    config.delayed_close_timeout = PATIENCE
    config.local_reply_config = replies.inner()
    config.upgrade_configs = [websocket()]
    config.http_filters = [router()]
    routes = [attempt.tunnelled(), attempt.unrouted()]
    host = VirtualHost(name=attempt.TUNNEL, domains=["*"], routes=routes)
    config.route_config = RouteConfiguration(name=attempt.TUNNEL, virtual_hosts=[host])
    return Listener(
        name=attempt.TUNNEL,
        internal_listener=ListenerInternalListenerConfig(),
        filter_chains=[filter_chain(config)],
        per_connection_buffer_limit_bytes=1024 * 1024,
    )

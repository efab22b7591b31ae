"""The file Envoy starts with: the listeners, the clusters of the pod, and where the rest is."""

from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Admin,
    Bootstrap,
    BootstrapDynamicResources,
    BootstrapStaticResources,
)
from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    ConfigSource,
    Node,
    PathConfigSource,
    TypedExtensionConfig,
    WatchedDirectory,
)
from envoy_data_plane.envoy.extensions.bootstrap.internal_listener.v3 import InternalListener
from envoy_data_plane.google.protobuf import Any

from extproc.envoyconfig import attempt, gateway, tunnel
from extproc.envoyconfig import locals as local
from extproc.envoyconfig.options import GatewayOptions


def bootstrap(options: GatewayOptions) -> str:
    """The whole gateway as JSON. `options.clusters_file` must exist when Envoy reads it."""
    return build(options).to_json(indent=1)


def build(options: GatewayOptions) -> Bootstrap:
    """The same as a message."""
    return Bootstrap(
        node=Node(id="llm-extproc", cluster="llm-extproc"),
        admin=Admin(address=local.pipe(options.envoy_admin_socket)),
        static_resources=BootstrapStaticResources(
            listeners=[gateway.listener(options), attempt.listener(options), tunnel.listener()],
            clusters=local.clusters(options),
        ),
        dynamic_resources=BootstrapDynamicResources(cds_config=_watched(options)),
        bootstrap_extensions=[
            TypedExtensionConfig(
                name="envoy.bootstrap.internal_listener", typed_config=Any.pack(InternalListener())
            )
        ],
    )


def _watched(options: GatewayOptions) -> ConfigSource:
    return ConfigSource(
        resource_api_version=ApiVersion.V3,
        path_config_source=PathConfigSource(
            path=str(options.clusters_file),
            watched_directory=WatchedDirectory(path=str(options.clusters_file.parent)),
        ),
    )

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


def bootstrap(options: GatewayOptions) -> bytes:
    """The whole gateway. `options.clusters_file` must exist when Envoy reads it.

    As protobuf: JSON would take two seconds to write. Envoy's /config_dump shows it to people.
    """
    return bytes(build(options))


def build(options: GatewayOptions) -> Bootstrap:
    """The same, not written yet."""
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

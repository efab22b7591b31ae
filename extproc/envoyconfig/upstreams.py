"""The clusters of the providers' hosts: the file that Envoy watches."""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import betterproto2
from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    UpstreamConnectionOptions,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    DataSource,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    SocketAddress,
    TcpKeepalive,
    TransportSocket,
)
from envoy_data_plane.envoy.extensions.transport_sockets.http_11_proxy.v3 import (
    Http11ProxyUpstreamTransport,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsParameters,
    TlsParametersTlsProtocol,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as Protocol,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptionsAutoHttpConfig,
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryResponse
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.google.protobuf import Any

from extproc.domain.deployment import Upstream
from extproc.envoyconfig import locals as local
from extproc.envoyconfig.options import GatewayOptions

BUFFER_BYTES = 1024 * 1024
IDLE_SECONDS = {"http": 4, "https": 60}
"""Ours must be the shorter: self-hosted servers close an idle connection after 5 s."""


def clusters(upstreams: Iterable[Upstream], options: GatewayOptions) -> bytes:
    """A CDS DiscoveryResponse; the same upstreams give the same bytes."""
    by_name = {upstream.cluster: upstream for upstream in upstreams}
    built = [each for name in sorted(by_name) for each in of_upstream(by_name[name], options)]
    return bytes(DiscoveryResponse(resources=[Any.pack(each) for each in built]))


def of_upstream(upstream: Upstream, options: GatewayOptions) -> list[Cluster]:
    """One provider's host; a second time where it may agree to HTTP/2, which has no Upgrade."""
    usual = cluster(upstream, options)
    if upstream.tunnel_cluster == upstream.cluster:
        return [usual]
    return [usual, cluster(upstream, options, tunnel=True)]


def cluster(upstream: Upstream, options: GatewayOptions, tunnel: bool = False) -> Cluster:
    """For requests, or for WebSockets."""
    address = Address(socket_address=SocketAddress(address=upstream.host, port_value=upstream.port))
    secure = upstream.scheme == "https"
    kind = (
        ClusterDiscoveryType.STATIC if _is_ip(upstream.host) else ClusterDiscoveryType.LOGICAL_DNS
    )
    name = upstream.tunnel_cluster if tunnel else upstream.cluster
    return Cluster(
        name=name,
        type=kind,
        connect_timeout=local.CONNECT_TIMEOUT,
        per_connection_buffer_limit_bytes=BUFFER_BYTES,
        dns_lookup_family=ClusterDnsLookupFamily.ALL,
        load_assignment=local.endpoints(name, [address]),
        circuit_breakers=local.raised(),
        typed_extension_protocol_options=local.protocol(_protocol(upstream.scheme, tunnel)),
        transport_socket=_transport(upstream, options) if secure else None,
        upstream_connection_options=UpstreamConnectionOptions(
            # A model may think for minutes without a byte: keep NAT tables awake.
            tcp_keepalive=TcpKeepalive(keepalive_probes=3, keepalive_time=60, keepalive_interval=20)
        ),
    )


def _protocol(scheme: str, tunnel: bool) -> Protocol:
    common = HttpProtocolOptions(idle_timeout=timedelta(seconds=IDLE_SECONDS[scheme]))
    http1 = Http1ProtocolOptions()
    if tunnel or scheme == "http":
        explicit = HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=http1)
        return Protocol(common_http_protocol_options=common, explicit_http_config=explicit)
    # HTTP/2 where ALPN agrees to it.
    auto = HttpProtocolOptionsAutoHttpConfig(
        http_protocol_options=http1, http2_protocol_options=Http2ProtocolOptions()
    )
    return Protocol(common_http_protocol_options=common, auto_config=auto)


def _transport(upstream: Upstream, options: GatewayOptions) -> TransportSocket:
    tls = _socket("envoy.transport_sockets.tls", _tls(upstream, options.ca_file))
    if options.https_proxy is None:
        return tls
    tunnel = Http11ProxyUpstreamTransport(
        transport_socket=tls, default_proxy_address=proxy_address(options.https_proxy)
    )
    return _socket("envoy.transport_sockets.http_11_proxy", tunnel)


def _tls(upstream: Upstream, default_ca_file: str) -> UpstreamTlsContext:
    common = CommonTlsContext(
        tls_params=TlsParameters(
            tls_minimum_protocol_version=TlsParametersTlsProtocol.TLSv1_2,
            tls_maximum_protocol_version=TlsParametersTlsProtocol.TLSv1_3,
        )
    )
    if upstream.verify:
        common.validation_context = CertificateValidationContext(
            trusted_ca=DataSource(filename=upstream.ca_file or default_ca_file),
            match_typed_subject_alt_names=[_certificate_names(upstream.host)],
        )
    sni = "" if _is_ip(upstream.host) else upstream.host
    return UpstreamTlsContext(common_tls_context=common, sni=sni)


def _certificate_names(host: str) -> SubjectAltNameMatcher:
    """Envoy honours a certificate's wildcards for an exact DNS name."""
    kinds = SubjectAltNameMatcherSanType
    kind = kinds.IP_ADDRESS if _is_ip(host) else kinds.DNS
    return SubjectAltNameMatcher(san_type=kind, matcher=StringMatcher(exact=host))


def proxy_address(url: str) -> Address:
    """Raises ValueError, with advice, for a proxy Envoy cannot use."""
    parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
    if parts.scheme != "http" or not parts.hostname or parts.username or not _is_ip(parts.hostname):
        raise ValueError(
            "HTTPS_PROXY must be http://ADDRESS:PORT with an IP address and no credentials: "
            "Envoy's http_11_proxy speaks nothing else"
        )
    return Address(
        socket_address=SocketAddress(address=parts.hostname, port_value=parts.port or 80)
    )


def _socket(name: str, config: betterproto2.Message) -> TransportSocket:
    return TransportSocket(name=name, typed_config=Any.pack(config))


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

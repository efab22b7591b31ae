"""What the builders need to know about one gateway, as one value."""

from dataclasses import dataclass
from pathlib import Path

BODY_MARGIN = 1024 * 1024
"""Envoy buffers this much more than a request may have, so that the worker can refuse first, with
the exact size in its message."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """Where the parts of one gateway are, and its bounds. Sizes are bytes, times are seconds."""

    host: str
    port: int
    worker_sockets: tuple[Path, ...]
    admin_socket: Path
    agent_socket: Path
    envoy_admin_socket: Path
    clusters_file: Path
    """Envoy watches its folder; replace the file with `extproc.envoyconfig.files.replace`."""
    ca_file: str
    """CA bundle that upstream certificates are verified against."""
    max_request_bytes: int = 32 * 1024 * 1024
    first_byte_seconds: float = 600
    """How long an attempt may show no sign of life. Shorter silences are the worker's to judge."""
    https_proxy: str | None = None
    """`http://host:port` that upstream TLS is tunnelled through."""
    unsent_log: Path | None = None
    """Where Envoy writes the ids of attempts that their clients left before they were sent."""

    passed: tuple[tuple[str, bool], ...] = ()
    """The paths of pass-through endpoints, each with whether what lies below it passes too."""

    @property
    def buffer_bytes(self) -> int:
        """The largest body Envoy keeps, to hand to the worker and to send again on a retry."""
        return self.max_request_bytes + BODY_MARGIN

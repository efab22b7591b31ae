"""A request about to leave, as the one who signs it must see it."""

from collections.abc import Mapping

from extproc.domain.deployment import Deployment
from extproc.domain.value import value


@value
class Departure:
    """All that a signature may cover."""

    deployment: Deployment
    method: str
    path: str
    """As it goes over the wire: base path, escaped, with its query."""
    headers: Mapping[str, str]
    """Those that are set on it, Envoy's own among them."""
    body: bytes

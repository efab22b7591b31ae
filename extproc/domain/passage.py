"""Where one call passes to, and what goes along: decided once, before it leaves."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.domain.value import value


@value
class Passage:
    """One request to one upstream, and how its answer is read."""

    call: Call
    """With the model and the body, where they are known."""
    deployment: Deployment
    path: str
    """As it goes over the wire: base path, escaped, with its query."""
    kept: frozenset[str] = frozenset()
    """The client's headers that go along as they are; all others stay here."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Set on the request; they win over everything else, the credential included."""
    body: bytes | None = None
    """What is sent instead of the client's body."""
    signed: bool = True
    """Whether the deployment's credential is shown."""
    format: tuple[Endpoint, str] | None = None
    """(endpoint, schema) of the translator that can read the answer's usage; None: nobody can."""
    unmetered: bool = False
    """Whether it costs what nobody here can read: not nothing."""
    cost_nanousd: int | None = None
    """What the request costs if it succeeds, whatever it uses."""
    cost_told: bool = False
    """Whether the upstream is believed what its `x-litellm-response-cost` says."""
    rewrite: Callable[[bytes], Awaitable[bytes]] | None = None
    """Makes the client's body of a whole one that the upstream answered with success."""


@value
class Answered:
    """What the gateway answers itself: JSON, with success."""

    call: Call
    body: bytes

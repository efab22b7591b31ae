"""What a provider translator is: four pure functions in a frozen record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from extproc.domain.call import Endpoint, Json
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Usage
from extproc.domain.value import value
from extproc.errors import ProviderError
from extproc.providers.sse import SSEEvent


@value
class Outgoing:
    """A request as the provider wants it: path below the deployment's base, body, headers."""

    path: str
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@value
class Incoming:
    """A whole answer in the client's format, and what it says it used (None: it does not say)."""

    body: Json
    usage: Usage | None
    text: str = ""
    """Everything the model produced, for an estimate where the provider gave no usage."""


class ChunkTranslator(Protocol):
    """One streamed answer. Made per attempt, used once."""

    @property
    def usage(self) -> Usage | None:
        """The last usage the provider stated; cumulative counters are never summed."""
        ...

    @property
    def text(self) -> str:
        """What was produced so far, for an estimate."""
        ...

    @property
    def done(self) -> bool:
        """Whether the provider's own end marker was seen."""
        ...

    def feed(self, event: SSEEvent) -> list[Json]:
        """The client's chunks for one event. Raises ProviderError for an error event."""
        ...


@dataclass(frozen=True, slots=True)
class Translator:
    """One (endpoint, schema) pair, for instance (chat, openai).

    `request` never changes its input: a retry translates the original again.
    """

    request: Callable[[Json, Deployment], Outgoing]
    response: Callable[[Json], Incoming]
    chunks: Callable[[Deployment], ChunkTranslator]
    unstream: Callable[[Json], list[Json]]
    """A whole answer as the chunks of a stream, for a provider that did not stream."""
    error: Callable[[int, Mapping[str, str], bytes, Deployment], ProviderError]


TranslatorTable = Mapping[tuple[Endpoint, str], Translator]

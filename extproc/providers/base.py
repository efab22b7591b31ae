"""What a provider translator is: pure functions in a frozen record.

Request ──request──► Outgoing        what the provider is sent
Incoming ◄─response── its answer      what the client is sent, and what it used
chunks: the same for a stream, frame by frame
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.domain.usage import Usage
from extproc.domain.value import value
from extproc.errors import ProviderError
from extproc.providers.frames import Frame


@value
class Request:
    """One request to one deployment: all that a translator may know. Nothing of it is changed."""

    body: Json
    """In the client's format, without the gateway's own fields."""
    deployment: Deployment
    streaming: bool = False
    call_id: str = ""
    """For ids that the provider does not give."""
    at: float = 0.0
    """When the call came, in epoch seconds: the `created` of answers whose provider has none."""
    drop_params: bool = False
    """Whether a parameter that the provider lacks is left out; else it is refused."""
    dropped: tuple[str, ...] = ()
    """`additional_drop_params`: paths of members that are not sent."""
    allowed: frozenset[str] = frozenset()
    """`allowed_openai_params`: sent as they are, though the provider is not known to take them."""
    optional: frozenset[str] = frozenset()
    """Parameters that are left out, not refused, where the provider lacks them."""
    modify_params: bool = False
    """Whether the messages may be mended where the provider would refuse them as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the client's headers that are about the format: `anthropic-beta`, …"""
    made: list["Request"] = field(default_factory=list, compare=False, repr=False)
    """What a bridge made of it: once for the request, and its answer."""


@value
class Outgoing:
    """A request as the provider wants it: path below the deployment's base, body, headers."""

    path: str
    """With its query, escaped."""
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    """Whether the body travels as multipart/form-data."""


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
        """Whether the answer is complete: nothing that may follow is for the client."""
        ...

    def feed(self, frame: Frame) -> list[Json]:
        """The client's chunks for one frame. Raises ProviderError for an error in it."""
        ...

    def finish(self) -> list[Json]:
        """The provider ended its stream: what is left to say. Not `done` after that: cut short."""
        ...


class Wrapping:
    """A ChunkTranslator over another one, which knows what was used and produced."""

    def __init__(self, inner: ChunkTranslator) -> None:
        self._inner = inner

    @property
    def usage(self) -> Usage | None:
        return self._inner.usage

    @property
    def text(self) -> str:
        return self._inner.text

    @property
    def done(self) -> bool:
        return self._inner.done

    def finish(self) -> list[Json]:
        return self._inner.finish()


@dataclass(frozen=True, slots=True)
class Translator:
    """One (endpoint, schema) pair, for instance (chat, anthropic)."""

    request: Callable[[Request], Outgoing]
    """Raises InvalidRequest, naming the field, or UnsupportedParams."""
    response: Callable[[Json, Request], Incoming]
    """Raises ProviderError for an answer that cannot be used."""
    chunks: Callable[[Request], ChunkTranslator]
    unstream: Callable[[Json, Request], list[Json]]
    """A whole answer, already the client's, as the chunks of a stream: for who did not stream."""
    error: Callable[[int, Mapping[str, str], bytes, Deployment], ProviderError]
    listed: bool = False
    """Whether its answer is a bare JSON list; `response` then gets it as {"list": […]}."""
    raw: Callable[[Request], Usage | None] | None = None
    """What an answer costs that is no JSON (speech, subtitles) and passes as it is."""
    bridged: bool = False
    """Whether it goes over chat."""


TranslatorTable = Mapping[tuple[Endpoint, str], Translator]

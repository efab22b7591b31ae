"""One client format spoken over another: every provider that can chat serves it.

client's body ──Bridge.request──► chat body ──Translator.request──► provider
client's body ◄─Bridge.response── chat answer ◄─Translator.response── provider
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from extproc.domain.call import Json
from extproc.errors import InvalidRequest
from extproc.providers.base import (
    ChunkTranslator,
    Incoming,
    Outgoing,
    Request,
    Translator,
    Wrapping,
)
from extproc.providers.defaults import completed
from extproc.providers.frames import Frame


class Events(Protocol):
    """One stream of chat chunks as the client's events. Made per attempt, used once."""

    def feed(self, chunk: Json) -> list[Json]:
        """The client's events for one chunk; one of the chunks holds the usage, and no choices."""
        ...

    def finish(self) -> list[Json]:
        """The last events. Called once, when the chat stream is complete."""
        ...


@dataclass(frozen=True, slots=True)
class Bridge:
    """How one client format becomes chat, and chat becomes it."""

    request: Callable[[Request], Json]
    """The chat body. Raises InvalidRequest naming the field, in the client's own terms."""
    response: Callable[[Json, Request], Json]
    """The client's answer for a `chat.completion`; the request is the client's."""
    events: Callable[[Request], Events]
    unstream: Callable[[Json, Request], list[Json]]
    """A whole answer, already the client's, as its events: for a provider that did not stream."""
    optional: frozenset[str] = frozenset()
    """Chat parameters that clients of this format send always: left out where one is lacking."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What the client calls the chat members that it does not write itself, for errors."""


def over(bridge: Bridge, inner: Translator) -> Translator:
    """The translator for the bridge's client format and the inner one's schema."""

    def as_chat(asked: Request) -> Request:
        if not asked.made:
            chat = completed(bridge.request(asked), asked.deployment, asked.dropped, "chat")
            asked.made.append(replace(asked, body=chat, optional=bridge.optional, made=[]))
        return asked.made[0]

    def request(asked: Request) -> Outgoing:
        made = as_chat(asked)
        try:
            return inner.request(made)
        except InvalidRequest as error:
            error.error_param = _field(error.error_param, bridge, asked)
            raise

    def response(raw: Json, asked: Request) -> Incoming:
        incoming = inner.response(raw, as_chat(asked))
        return replace(incoming, body=bridge.response(incoming.body, asked))

    def chunks(asked: Request) -> ChunkTranslator:
        return _Bridged(inner.chunks(as_chat(asked)), bridge.events(asked))

    return Translator(request, response, chunks, bridge.unstream, inner.error, bridged=True)


def _field(param: str | None, bridge: Bridge, asked: Request) -> str | None:
    """The client's name of a chat member; what it wrote itself is already called as it calls it."""
    name = (param or "").partition(".")[0]
    return param if name in asked.body else bridge.fields.get(name, param)


class _Bridged(Wrapping):
    """The inner stream's chunks, each turned into the client's events."""

    def __init__(self, inner: ChunkTranslator, events: Events) -> None:
        super().__init__(inner)
        self._events = events
        self._ended = False

    def feed(self, frame: Frame) -> list[Json]:
        return self._translated(self._inner.feed(frame))

    def finish(self) -> list[Json]:
        return self._translated(self._inner.finish())

    def _translated(self, chunks: list[Json]) -> list[Json]:
        events = [event for chunk in chunks for event in self._events.feed(chunk)]
        if self._inner.done and not self._ended:
            self._ended = True
            events += self._events.finish()
        return events

"""The three ways an answer travels: whole, as a stream of events, or as a failure.

All are held until something certain can be said: a whole answer to its end, a stream to its first
event, a failure to the end of its body. While an answer is held, an error in it is raised as
ProviderError, and the flow decides between another attempt and a plain JSON error.
"""

from contextlib import suppress
from typing import Protocol

import orjson

from extproc.domain.call import Json
from extproc.domain.outcome import Outcome
from extproc.errors import GatewayError
from extproc.flow.commands import Pass
from extproc.flow.exchange import EVENT_STREAM, JSON_TYPE, Exchange, Steps
from extproc.providers import sse
from extproc.providers.failures import provider_error, unusable_answer

MAX_WHOLE_BYTES = 64 * 1024 * 1024
MAX_FAILURE_BYTES = 1024 * 1024
MAX_HELD_COMMENTS, MAX_COMMENT_BYTES = 64, 1024
END_OF_EVENTS = sse.encode(b"[DONE]")


class Answer(Protocol):
    """How one answer travels."""

    @property
    def released(self) -> bool:
        """Whether the client has seen its beginning."""
        ...

    def feed(self, piece: bytes, at: float) -> Steps: ...

    def finish(self, at: float) -> Steps:
        """The provider's answer is complete."""
        ...

    def partial(self, at: float, error: str) -> Outcome:
        """What to settle if nothing more comes."""
        ...


class WholeAnswer:
    """A JSON answer, collected to its end; to a streaming request it goes out as events."""

    released = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes, at: float) -> Steps:
        grown = self._exchange.decode(piece)
        self._size += len(grown)
        if self._size > MAX_WHOLE_BYTES:
            raise unusable_answer("its answer is too large", self._exchange.deployment)
        self._pieces.append(grown)
        yield from ()

    def finish(self, at: float) -> Steps:
        exchange = self._exchange
        incoming = exchange.translator.response(self._parsed())
        body = {**incoming.body, "model": exchange.call.model}
        out, content_type = _written(exchange, body)
        response_id = body.get("id")
        receipt = yield from exchange.settle(
            exchange.outcome(
                at,
                ok=True,
                produced=True,
                usage=incoming.usage,
                text=incoming.text,
                response_id=response_id if isinstance(response_id, str) else "",
            )
        )
        yield exchange.whole(at, content_type, out, receipt)

    def _parsed(self) -> Json:
        exchange = self._exchange
        raw = b"".join(self._pieces)
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            reason = "its answer is not JSON" if raw else "its answer is empty"
            raise unusable_answer(reason, exchange.deployment) from None
        if not isinstance(body, dict):
            raise unusable_answer("its answer is not a JSON object", exchange.deployment)
        if body.get("error"):
            raise provider_error(500, exchange.answer, raw, exchange.deployment)
        return body

    def partial(self, at: float, error: str) -> Outcome:
        return self._exchange.outcome(at, ok=False, produced=True, error=error)


def _written(exchange: Exchange, body: Json) -> tuple[bytes, str]:
    """The answer's bytes and content type: JSON, or events where a stream was asked for."""
    if not exchange.call.streaming:
        return _dumped(exchange, body), JSON_TYPE
    chunks = exchange.translator.unstream(body)
    if not exchange.call.usage_asked:
        chunks = [chunk for chunk in chunks if chunk.get("choices")]
    events = [sse.encode(_dumped(exchange, chunk)) for chunk in chunks]
    return b"".join((*events, END_OF_EVENTS)), EVENT_STREAM


def _dumped(exchange: Exchange, value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        reason = "its answer is nested too deeply"
        raise unusable_answer(reason, exchange.deployment) from None


class StreamedAnswer:
    """Server-sent events, passed on as they come."""

    def __init__(self, exchange: Exchange) -> None:
        self.released = False
        self._exchange = exchange
        self._decoder = sse.SSEDecoder()
        self._chunks = exchange.translator.chunks(exchange.deployment)
        self._held: list[bytes] = []
        self._response_id = ""

    def feed(self, piece: bytes, at: float) -> Steps:
        if self._chunks.done:
            return
        try:
            events = self._decoder.feed(self._exchange.decode(piece))
        except sse.EventTooLarge:
            reason = "an event of the stream is too large"
            raise unusable_answer(reason, self._exchange.deployment) from None
        yield from self._forward(events, at)

    def finish(self, at: float) -> Steps:
        yield from self._forward(self._decoder.flush(), at)
        if not self._chunks.done:
            reason = "the stream ended before it was complete"
            raise unusable_answer(reason, self._exchange.deployment)
        yield Pass(b"", end=True)

    def partial(self, at: float, error: str) -> Outcome:
        return self._outcome(at, ok=False, error=error)

    def _forward(self, events: list[sse.SSEEvent], at: float) -> Steps:
        for event in events:
            try:
                yield from self._take(event, at)
            except GatewayError:
                yield from self._flush()
                raise
        yield from self._flush()

    def _flush(self) -> Steps:
        if self.released and self._held:
            ready = b"".join(self._held)
            self._held.clear()
            yield Pass(ready)

    def _take(self, event: sse.SSEEvent, at: float) -> Steps:
        if not event.data:
            self._hold_comment(sse.encode_comment(event.comment))
            return
        was_done = self._chunks.done
        chunks = self._chunks.feed(event)
        if not self.released:
            self.released = True
            yield self._exchange.release(at)
        for chunk in chunks:
            self._held.extend(self._frames(chunk))
        if self._chunks.done and not was_done:
            yield from self._exchange.settle(self._outcome(at, ok=True))
            self._held.append(END_OF_EVENTS)

    def _hold_comment(self, comment: bytes) -> None:
        """Before the first event comments are held, and only so many of them."""
        if len(self._held) >= MAX_HELD_COMMENTS or len(comment) > MAX_COMMENT_BYTES:
            return
        self._held.append(comment)

    def _frames(self, chunk: Json) -> list[bytes]:
        if not self._response_id and isinstance(chunk.get("id"), str):
            self._response_id = chunk["id"]
        if not self._exchange.call.usage_asked and "usage" in chunk:
            usage = chunk.pop("usage")
            if usage and not chunk.get("choices"):
                return []
        chunk["model"] = self._exchange.call.model
        return [sse.encode(_dumped(self._exchange, chunk))]

    def _outcome(self, at: float, *, ok: bool, error: str = "") -> Outcome:
        return self._exchange.outcome(
            at,
            ok=ok,
            produced=True,
            usage=self._chunks.usage,
            text=self._chunks.text,
            error=error,
            response_id=self._response_id,
        )


class FailedAnswer:
    """A provider's error status, collected so that its message can be told to the client."""

    released = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._body = bytearray()

    def feed(self, piece: bytes, at: float) -> Steps:
        with suppress(GatewayError):  # a failure is told even when its text cannot be read
            if len(self._body) < MAX_FAILURE_BYTES:
                self._body += self._exchange.decode(piece)
        yield from ()

    def finish(self, at: float) -> Steps:
        raise self.error()
        yield  # a generator, as the others are

    def error(self) -> GatewayError:
        exchange = self._exchange
        return exchange.translator.error(
            exchange.status, exchange.answer, bytes(self._body), exchange.deployment
        )

    def partial(self, at: float, error: str) -> Outcome:
        produced = self._exchange.abandoned
        return self._exchange.outcome(at, ok=False, produced=produced, error=error)

"""The four ways an answer travels: whole, as a stream of events, as raw bytes, or as a failure.

All are held until something certain can be said: a whole answer to its end, a stream to its first
event, a failure to the end of its body. While an answer is held, an error in it is raised as
ProviderError, and the flow decides between another attempt and a plain JSON error.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import orjson

from extproc.domain.call import Json
from extproc.domain.outcome import Outcome
from extproc.errors import GatewayError
from extproc.flow.commands import Note, Pass
from extproc.flow.exchange import JSON_TYPE, Exchange, Steps
from extproc.providers import lenient
from extproc.providers.decoders import decoder_of
from extproc.providers.failures import unusable_answer
from extproc.providers.frames import BadFrame, Frame

MAX_WHOLE_BYTES = 64 * 1024 * 1024
MAX_FAILURE_BYTES = 1024 * 1024
MAX_HELD_COMMENTS, MAX_COMMENT_BYTES = 64, 1024


class Answer(Protocol):
    """How one answer travels."""

    @property
    def released(self) -> bool:
        """Whether the client has seen its beginning."""
        ...

    @property
    def told(self) -> int:
        """How many events the client has been told."""
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
    told = 0

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
        incoming = exchange.translator.response(self._parsed(), exchange.request)
        out, content_type = _written(exchange, _shown(exchange, incoming.body))
        receipt = yield from exchange.settle(
            exchange.outcome(
                at,
                ok=True,
                produced=True,
                usage=incoming.usage,
                text=incoming.text,
                response_id=_id_of(incoming.body),
            )
        )
        yield from _kept(exchange)
        yield exchange.whole(at, content_type, out, receipt)

    def _parsed(self) -> Json:
        exchange = self._exchange
        raw = b"".join(self._pieces)
        try:
            body = lenient.loads(raw)
        except orjson.JSONDecodeError:
            reason = "its answer is not JSON" if raw else "its answer is empty"
            raise unusable_answer(reason, exchange.deployment) from None
        if isinstance(body, list) and exchange.translator.listed:
            return {"list": body}
        if not isinstance(body, dict):
            raise unusable_answer("its answer is not a JSON object", exchange.deployment)
        return body

    def partial(self, at: float, error: str) -> Outcome:
        return self._exchange.outcome(at, ok=False, produced=True, error=error)


def _shown(exchange: Exchange, body: Json) -> Json:
    return exchange.keeping.shown(body) if exchange.keeping else body


def _kept(exchange: Exchange) -> Steps:
    """Whoever has the whole answer may go on from it."""
    if exchange.keeping:
        yield from exchange.keeping.keep()


def _id_of(body: Json) -> str:
    """The provider's id of an answer, or of the answer that a stream's first event announces."""
    for holder in (body, body.get("message"), body.get("response")):
        if isinstance(holder, dict) and isinstance(holder.get("id"), str):
            return str(holder["id"])
    return ""


def _written(exchange: Exchange, body: Json) -> tuple[bytes, str]:
    """The answer's bytes and content type: JSON, or events where a stream was asked for."""
    dialect = exchange.dialect
    if not exchange.call.streaming:
        return _dumped(exchange, dialect.stamp(body, exchange.call.model)), JSON_TYPE
    frames = _frames(exchange, exchange.translator.unstream(body, exchange.request), 0)
    return b"".join((*frames, dialect.ended(len(frames)))), dialect.content_type


def _frames(exchange: Exchange, chunks: Iterable[Json], told: int) -> list[bytes]:
    """The chunks as the client's format frames them, under the name that the client asked for."""
    call, dialect = exchange.call, exchange.dialect
    shown = (dialect.chunk(chunk, call.model, call.usage_asked) for chunk in chunks)
    try:
        return dialect.frames((chunk for chunk in shown if chunk is not None), told)
    except orjson.JSONEncodeError:
        raise _too_deep(exchange) from None


def _dumped(exchange: Exchange, value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise _too_deep(exchange) from None


def _too_deep(exchange: Exchange) -> GatewayError:
    return unusable_answer("its answer is nested too deeply", exchange.deployment)


class StreamedAnswer:
    """Events, passed on as they come."""

    def __init__(self, exchange: Exchange, content_type: str) -> None:
        self.released = False
        self.told = 0
        self._exchange = exchange
        self._decoder = decoder_of(content_type)
        self._chunks = exchange.translator.chunks(exchange.request)
        self._held: list[bytes] = []
        self._response_id = ""

    def feed(self, piece: bytes, at: float) -> Steps:
        if self._chunks.done:
            return
        yield from self._forward(self._decoded(piece), at)

    def finish(self, at: float) -> Steps:
        if not self._chunks.done:
            yield from self._forward(self._decoded(None), at)
        if not self._chunks.done:
            yield from self._say(self._chunks.finish(), at)
            yield from self._flush()
        if not self._chunks.done:
            reason = "the stream ended before it was complete"
            raise unusable_answer(reason, self._exchange.deployment)
        yield Pass(b"", end=True)

    def partial(self, at: float, error: str) -> Outcome:
        return self._outcome(at, ok=False, error=error)

    def _decoded(self, piece: bytes | None) -> list[Frame]:
        """The frames that a piece completes; without one, what is left."""
        try:
            if piece is None:
                return self._decoder.flush()
            return self._decoder.feed(self._exchange.decode(piece))
        except BadFrame as error:
            raise unusable_answer(str(error), self._exchange.deployment) from None

    def _forward(self, frames: list[Frame], at: float) -> Steps:
        for frame in frames:
            if self._chunks.done:
                break
            try:
                yield from self._take(frame, at)
            except GatewayError:
                yield from self._flush()
                raise
        yield from self._flush()

    def _flush(self) -> Steps:
        if self.released and self._held:
            ready = b"".join(self._held)
            self._held.clear()
            yield Pass(ready)

    def _take(self, frame: Frame, at: float) -> Steps:
        if frame.data or not frame.comment:
            yield from self._say(self._chunks.feed(frame), at)
        else:
            self._hold_comment(self._exchange.dialect.comment(frame.comment))

    def _say(self, chunks: list[Json], at: float) -> Steps:
        """Let the client have these chunks; after the last of all, the attempt is settled."""
        if not self.released and (chunks or self._chunks.done):
            self.released = True
            yield self._exchange.release(at)
        if not self._response_id and chunks:
            self._response_id = _id_of(chunks[0])
            if self._exchange.in_background:
                yield Note(self._outcome(at, ok=False))
        shown = [_shown(self._exchange, chunk) for chunk in chunks]
        frames = _frames(self._exchange, shown, self.told)
        self.told += len(frames)
        self._held.extend(frames)
        if self._chunks.done:
            yield from self._exchange.settle(self._outcome(at, ok=True))
            yield from _kept(self._exchange)
            self._held.append(self._exchange.dialect.ended(self.told))

    def _hold_comment(self, comment: bytes) -> None:
        """Before the first event comments are held, and only so many of them."""
        if len(self._held) >= MAX_HELD_COMMENTS or len(comment) > MAX_COMMENT_BYTES:
            return
        self._held.append(comment)

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


class RawAnswer:
    """Bytes of another kind than JSON (speech, subtitles): they pass as they come."""

    told = 0

    def __init__(self, exchange: Exchange, content_type: str) -> None:
        self.released = False
        self._exchange = exchange
        self._content_type = content_type
        self._last = b""

    def feed(self, piece: bytes, at: float) -> Steps:
        """One piece behind: the last must not go before the attempt is settled."""
        if not self.released:
            self.released = True
            yield self._exchange.release(at, self._content_type)
        ready, self._last = self._last, self._exchange.decode(piece)
        if ready:
            yield Pass(ready)

    def finish(self, at: float) -> Steps:
        exchange = self._exchange
        if not self.released:
            raise unusable_answer("its answer is empty", exchange.deployment)
        yield from exchange.settle(self._outcome(at, ok=True))
        yield Pass(self._last, end=True)

    def partial(self, at: float, error: str) -> Outcome:
        return self._outcome(at, ok=False, error=error)

    def _outcome(self, at: float, *, ok: bool, error: str = "") -> Outcome:
        """What was asked for is paid, whether all of it came or not."""
        exchange = self._exchange
        usage = exchange.translator.raw(exchange.request) if exchange.translator.raw else None
        return exchange.outcome(at, ok=ok, produced=True, usage=usage, error=error)


class FailedAnswer:
    """A provider's error status, collected so that its message can be told to the client."""

    released = False
    told = 0

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

"""The answer of a request that passed: relayed piece by piece, read on its way, settled once.

It is settled before its last byte goes: before the end, before the piece with which the stated
length is reached, or before the one that the answer itself calls its last.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

import orjson

from extproc.domain import headers as names
from extproc.domain.call import Call
from extproc.domain.ledger import INCOMPLETE
from extproc.domain.numbers import whole_number
from extproc.domain.outcome import CLIENT_LEFT, Outcome, Receipt
from extproc.domain.passage import Passage
from extproc.domain.usage import NOTHING, Usage, nanousd
from extproc.errors import GatewayError, ProviderError
from extproc.flow import headers as head
from extproc.flow.commands import (
    Immediate,
    Pass,
    PassTrailers,
    Release,
    Rewrite,
    Settle,
    SettleLate,
    Watch,
)
from extproc.flow.events import ResponseHeaders
from extproc.flow.exchange import Steps
from extproc.flow.reading import Reader, Unread, reader_of
from extproc.providers.answers import text
from extproc.providers.decoders import is_stream
from extproc.providers.encoding import BadEncoding, Inflater
from extproc.providers.failures import unusable_answer

MAX_REWRITTEN_BYTES = 64 * 1024 * 1024
MOST_USD = Decimal(10_000)
ID = re.compile(rb'"id"\s*:\s*"([^"\\]+)"')

ANSWER_KEPT = frozenset(
    {"content-type", "content-length", "content-encoding", "content-disposition"}
    | {"content-range", "content-language", "accept-ranges", "cache-control", "etag"}
    | {"last-modified", "retry-after"}
)
"""What says how the body is to be read keeps its name."""
FRAMED = frozenset({"content-length", "content-encoding"})
"""What is no longer true of a body that was rewritten."""


class Relay:
    """From the departure of the request to its settlement."""

    def __init__(self, passage: Passage, begun_at: float) -> None:
        self.passage = passage
        self.call = passage.call
        self.over = False
        self._begun_at = begun_at
        self._status = 0
        self._answer: Mapping[str, str] = {}
        self._first_byte_at: float | None = None
        self._reader: Reader = Unread(NOTHING if passage.format is None else None)
        self._left: int | None = None
        """How much of the body is to come, where the answer says so."""
        self._held: bytearray | None = None
        self._inflater = Inflater("")
        self._settling = self._settled = False

    @property
    def _accepted(self) -> bool:
        return 200 <= self._status < 300

    def receive(self, event: ResponseHeaders) -> Steps:
        flags = event.headers.get(names.RETRY)
        if flags is not None:  # Envoy's own reply, made to come again
            self._answer = event.headers
            raise _unreached(event.status, flags)
        self._status, self._answer = event.status, event.headers
        self._first_byte_at = event.at
        self._reader = reader_of(self.passage, event.status, event.headers)
        self._left = whole_number(event.headers.get("content-length", ""))
        yield Watch(self.call.snapshot.rules.stall_seconds)
        if self.passage.rewrite is not None and self._accepted and not event.end:
            self._held, self._inflater = bytearray(), self._inflater_of(event.headers)
            return
        if event.end:
            yield from self._end(event.at)
        headers = self._headers(event.at)
        yield Release(headers, head.removed_from_answer(event.headers, headers))

    @property
    def settled(self) -> bool:
        return self._settled

    def feed(self, piece: bytes, at: float, end: bool) -> Steps:
        if self._held is not None:
            yield from self._hold(piece, at, end)
            return
        if not self._settled:
            self._reader.feed(piece)
            if self._left is not None:
                self._left -= len(piece)
        if end or self._reader.done or (self._left is not None and self._left <= 0):
            yield from self._end(at, over=end)
        yield Pass(piece, end)

    def trail(self, at: float) -> Steps:
        if self._held is not None:
            yield from self._hold(b"", at, True)
            return
        yield from self._end(at)
        yield PassTrailers()

    def fail(self, error: GatewayError, at: float) -> Steps:
        outcome = self._outcome(at, ok=False, error=error.message)
        yield from self._settle(replace(outcome, answered=error.status))

    def close(self, at: float) -> Steps:
        if self._settled or self._settling:
            return
        self._settled = True
        outcome = self._outcome(at, ok=False, error=INCOMPLETE)
        yield SettleLate(replace(outcome, answered=CLIENT_LEFT))

    def _hold(self, piece: bytes, at: float, end: bool) -> Steps:
        """A body that is rewritten goes out whole, and as it is."""
        assert self._held is not None and self.passage.rewrite is not None
        try:
            self._held += self._inflater.feed(piece)
        except BadEncoding as error:
            raise unusable_answer(
                f"its compression is broken: {error}", self.passage.deployment
            ) from None
        if len(self._held) > MAX_REWRITTEN_BYTES:
            raise unusable_answer("its answer is too large", self.passage.deployment)
        if end:
            data = bytes(self._held)
            self._reader.feed(data)
            yield from self._end(at)
            body: bytes = yield Rewrite(self.passage, data)
            headers = self._headers(at)
            headers = {name: value for name, value in headers.items() if name not in FRAMED}
            yield Immediate(self._status, body, headers)

    def _inflater_of(self, answer: Mapping[str, str]) -> Inflater:
        """What cannot be read is not shown either: it may list what is another key's."""
        try:
            return Inflater(answer.get("content-encoding", ""))
        except BadEncoding as error:
            raise unusable_answer(str(error), self.passage.deployment) from None

    def _end(self, at: float, *, over: bool = True) -> Steps:
        """All that is needed is known: settle. `over` when nothing follows."""
        if not self._settled:
            self._reader.finish()
            broken = self._reader.broken
            error = "the answer failed, or ended before it was complete" if broken else ""
            if not self._accepted:
                error = f"status {self._status}"
            outcome = self._outcome(at, ok=self._accepted and not broken, error=error)
            yield from self._settle(outcome)
        if over and not self.over:
            self.over = True
            yield Watch(None)

    def _settle(self, outcome: Outcome) -> Steps:
        """Once. A stream that is cancelled while this waits has not settled, and settles late."""
        if self._settled:
            return
        self._settling = True
        try:
            _: Receipt = yield Settle(outcome)
            self._settled = True
        finally:
            self._settling = False

    def _outcome(self, at: float, *, ok: bool, error: str = "") -> Outcome:
        abandoned = self._status == 0 and (
            not self._answer or "UT" in self._answer.get(names.RETRY, "")
        )
        produced = self._accepted or abandoned
        usage = self._usage() if produced else NOTHING
        return Outcome(
            call=self._readable(),
            deployment=self.passage.deployment,
            begun_at=self._begun_at,
            at=at,
            http_status=self._status,
            ok=ok,
            produced=produced,
            usage=usage,
            unmetered=self.passage.unmetered and produced and not usage,
            served_model=self._reader.model,
            text=self._reader.text,
            first_byte_at=self._first_byte_at,
            error=error,
            response_id=_id_of(bytes(self._held)) if self._held else "",
            answered=self._status or None,
        )

    def _readable(self) -> Call:
        """The call as whoever estimates its usage must see it."""
        known = self.passage.format
        return self.call if known is None else self.call.but(endpoint=known[0])

    def _usage(self) -> Usage | None:
        """As the answer says; with what it costs, where that is fixed or told."""
        usage, cost = self._reader.usage, self.passage.cost_nanousd
        if self.passage.cost_told:
            told = _told_nanousd(self._answer.get("x-litellm-response-cost", ""))
            cost = cost if told is None else told
            tokens = whole_number(self._answer.get("x-litellm-total-tokens", ""))
            if tokens is not None and not usage:
                usage = Usage(input=tokens)
        return usage if cost is None else replace(usage or NOTHING, stated_nanousd=cost)

    def _headers(self, at: float) -> dict[str, str]:
        answer = self._answer
        own = {name: answer[name] for name in ANSWER_KEPT if name in answer}
        streamed = {}
        if is_stream(answer.get("content-type", "")):
            streamed = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        deployment = self.passage.deployment
        return {
            **head.provider_headers(answer),
            **head.answer_headers(self.call, deployment, self._begun_at, at, None),
            **own,
            **streamed,
        }


def _id_of(data: bytes) -> str:
    """The provider's id of what it made; of an answer in part the first that it names."""
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = ID.search(data)
        return found[1].decode("utf-8", "replace") if found else ""
    return text(answer.get("id")) if isinstance(answer, dict) else ""


def _unreached(status: int, flags: str) -> ProviderError:
    message = f"litellm.APIConnectionError: the upstream failed ({flags})."
    return ProviderError(message, status, "internal_server_error")


def _told_nanousd(text: str) -> int | None:
    try:
        usd = Decimal(text.strip())
    except InvalidOperation:
        return None
    return nanousd(usd) if usd.is_finite() and 0 <= usd <= MOST_USD else None

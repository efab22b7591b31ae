"""One attempt from its departure to its end: what every way of answering needs to know."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from extproc.domain import headers as names
from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.outcome import Outcome, Receipt
from extproc.domain.usage import Usage
from extproc.errors import GatewayError
from extproc.flow import headers as head
from extproc.flow.commands import Command, Immediate, Release, Settle
from extproc.flow.events import ResponseHeaders
from extproc.flow.keeping import Keeping
from extproc.providers.base import Request, Translator
from extproc.providers.dialects import Dialect, dialect_of
from extproc.providers.encoding import BadEncoding, Inflater
from extproc.providers.failures import unusable_answer
from extproc.providers.responses import ids

Steps: TypeAlias = Generator[Command, Any, None]

JSON_TYPE = "application/json"


@dataclass(slots=True)
class Exchange:
    """Fixed when the request leaves; the answer's part is filled in when its headers come."""

    call: Call
    deployment: Deployment
    translator: Translator
    request: Request
    begun_at: float
    keeping: Keeping | None = None
    """Of an answer that may be asked for again."""
    status: int = 0
    answer: Mapping[str, str] = field(default_factory=dict)
    first_byte_at: float | None = None
    settling: bool = False
    settled: bool = False
    dialect: Dialect = field(init=False)
    _inflater: Inflater | None = None

    def __post_init__(self) -> None:
        self.dialect = dialect_of(self.call.endpoint, self.call.path)

    @property
    def accepted(self) -> bool:
        """Whether the provider answered with success: what it produces will be billed."""
        return 200 <= self.status < 300

    @property
    def abandoned(self) -> bool:
        """Whether it was given up, here or by Envoy's timer, while the provider was at work."""
        return self.status == 0 or "UT" in self.answer.get(names.RETRY, "")

    @property
    def may_come_again(self) -> bool:
        plan = self.call.plan
        return plan is not None and self.call.attempt < plan.attempts

    @property
    def in_background(self) -> bool:
        """Whether the provider goes on when the call is over."""
        return self.keeping is not None and self.keeping.in_background

    @property
    def silence_seconds(self) -> float | None:
        """How long a stream may be silent, where client or operator say so."""
        call, deployment = self.call, self.deployment
        if not call.streaming:
            return None
        stream = call.stream_timeout_seconds or deployment.stream_timeout_seconds
        return stream or call.timeout_seconds or deployment.timeout_seconds

    @property
    def stall_seconds(self) -> float:
        """How long an answer that has begun may be silent."""
        return self.silence_seconds or self.call.snapshot.rules.stall_seconds

    def answered(self, event: ResponseHeaders) -> None:
        """The provider's answer begins. Raises ProviderError for an unknown content-encoding."""
        self.status, self.answer = event.status, event.headers
        self.first_byte_at = event.at
        try:
            self._inflater = Inflater(event.headers.get("content-encoding", ""))
        except BadEncoding as error:
            if self.accepted:
                raise unusable_answer(str(error), self.deployment) from None

    def decode(self, piece: bytes) -> bytes:
        """A piece of the answer, decompressed where the provider compressed it."""
        try:
            return self._inflater.feed(piece) if self._inflater else piece
        except BadEncoding as error:
            raise unusable_answer(f"its compression is broken: {error}", self.deployment) from None

    def outcome(
        self,
        at: float,
        *,
        ok: bool,
        produced: bool,
        usage: Usage | None = None,
        text: str = "",
        error: str = "",
        response_id: str = "",
    ) -> Outcome:
        known = ids.decode(response_id) if self.in_background else None
        return Outcome(
            call=self.call,
            deployment=self.deployment,
            begun_at=self.begun_at,
            at=at,
            http_status=self.status,
            ok=ok,
            produced=produced,
            usage=None if known else usage,
            text=text,
            first_byte_at=self.first_byte_at,
            response_id=known[1] if known else response_id,
            deferred=known is not None,
            error=error,
            answered=200 if ok else None,
        )

    def settle(self, outcome: Outcome) -> Generator[Command, Any, Receipt | None]:
        """Once. A stream that is cancelled while this waits has not settled, and settles late."""
        if self.settled:
            return None
        self.settling = True
        try:
            receipt: Receipt = yield Settle(outcome)
            self.settled = True
        finally:
            self.settling = False
        return receipt

    def release(self, at: float, content_type: str = "") -> Release:
        """The headers of a stream in the client's terms: what it will cost is not known yet."""
        headers = {
            **self._headers(at, None),
            "content-type": content_type or self.dialect.content_type,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
        }
        return Release(headers, head.removed_from_answer(self.answer, headers))

    def whole(
        self, at: float, content_type: str, body: bytes, receipt: Receipt | None
    ) -> Immediate:
        """A whole answer instead of the held one."""
        headers = {**self._headers(at, receipt), "content-type": content_type}
        return Immediate(200, body, headers)

    def refuse(self, error: GatewayError, at: float) -> Immediate:
        """An error instead of the held answer, as plain JSON with its true status."""
        headers = {**self._headers(at, None), **error.headers, "content-type": JSON_TYPE}
        return Immediate(error.status, orjson.dumps(self.dialect.error(error)), headers)

    def _headers(self, at: float, receipt: Receipt | None) -> dict[str, str]:
        return {
            **head.provider_headers(self.answer),
            **head.answer_headers(self.call, self.deployment, self.begun_at, at, receipt),
        }

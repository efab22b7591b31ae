"""One attempt from its departure to its end: what every way of answering needs to know."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.outcome import Outcome, Receipt
from extproc.domain.usage import Usage
from extproc.errors import GatewayError
from extproc.flow import headers as head
from extproc.flow.commands import Command, Pass, Release, Settle
from extproc.providers.base import Translator
from extproc.providers.encoding import BadEncoding, Inflater
from extproc.providers.failures import unusable_answer

Steps: TypeAlias = Generator[Command, Any, None]

JSON_TYPE = "application/json"


@dataclass(slots=True)
class Exchange:
    """Fixed when the request leaves; the answer's part is filled in when its headers come."""

    call: Call
    deployment: Deployment
    translator: Translator
    begun_at: float
    status: int = 0
    answer: Mapping[str, str] = field(default_factory=dict)
    first_byte_at: float | None = None
    settling: bool = False
    settled: bool = False
    _inflater: Inflater | None = None

    def answered(self, status: int, headers: Mapping[str, str], at: float) -> None:
        """The provider's answer begins. Raises ProviderError for an unknown content-encoding."""
        self.status, self.answer, self.first_byte_at = status, headers, at
        try:
            self._inflater = Inflater(headers.get("content-encoding", ""))
        except BadEncoding as error:
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
        return Outcome(
            call=self.call,
            deployment=self.deployment,
            begun_at=self.begun_at,
            at=at,
            http_status=self.status,
            ok=ok,
            produced=produced,
            usage=usage,
            text=text,
            first_byte_at=self.first_byte_at,
            response_id=response_id,
            error=error,
        )

    def settle(self, outcome: Outcome) -> Generator[Command, Any, Receipt]:
        """Once. A stream that is cancelled while this waits has not settled, and settles late."""
        self.settling = True
        try:
            receipt: Receipt = yield Settle(outcome)
            self.settled = True
        finally:
            self.settling = False
        return receipt

    def release(
        self, at: float, content_type: str, receipt: Receipt | None, length: int | None = None
    ) -> Release:
        """The answer's headers in the client's terms; `length` when the whole body is at hand."""
        headers = {
            **head.provider_headers(self.answer),
            **head.answer_headers(self.call, self.deployment, self.begun_at, at, receipt),
            "content-type": content_type,
        }
        if length is not None:
            headers["content-length"] = str(length)
        else:
            headers |= {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return Release(headers, head.removed_from_answer(self.answer, headers), 200)

    def refuse(self, error: GatewayError, at: float) -> Steps:
        """An error instead of the held answer, as plain JSON with its true status."""
        body = orjson.dumps(error.envelope())
        headers = {
            **head.provider_headers(self.answer),
            **head.answer_headers(self.call, self.deployment, self.begun_at, at, None),
            **error.headers,
            "content-type": JSON_TYPE,
            "content-length": str(len(body)),
        }
        yield Release(headers, head.removed_from_answer(self.answer, headers), error.status)
        yield Pass(body, end=True)

"""One attempt against one deployment, as a state machine without I/O.

    START      --RequestHeaders-->   IDENTIFIED   or REFUSED
    IDENTIFIED --RequestBody-->      SENT         or REFUSED
    SENT       --ResponseHeaders-->  HELD         the answer is not yet the client's
    SENT       --Stalled-->          DONE         answered without the provider
    HELD       --ResponseBody-->     HELD, RELEASED or DONE
    RELEASED   --ResponseBody-->     RELEASED or DONE
    START, IDENTIFIED --ResponseHeaders--> ECHOING     Envoy answered by itself
    any        --StreamClosed-->     CLOSED

Whatever happens after an attempt has begun, one Settle or SettleLate leaves this flow, and only
one; on the way to the client it leaves before the last byte does.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto

import orjson

from extproc.domain import headers as names
from extproc.domain.call import Call, Json
from extproc.domain.ledger import INCOMPLETE
from extproc.domain.outcome import CLIENT_LEFT
from extproc.domain.routes import Route
from extproc.errors import GatewayError, Internal, InvalidRequest
from extproc.flow import headers as head
from extproc.flow.answers import (
    Answer,
    FailedAnswer,
    RawAnswer,
    StreamedAnswer,
    WholeAnswer,
)
from extproc.flow.asking import request_of
from extproc.flow.body import as_sent, may_pass_as_sent, parse, written
from extproc.flow.commands import (
    Admit,
    Begin,
    Count,
    Identify,
    Immediate,
    ListModels,
    Pass,
    PassHeaders,
    Refused,
    Remember,
    Send,
    SettleLate,
    Sign,
    Watch,
)
from extproc.flow.echo import echo
from extproc.flow.events import (
    Event,
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
    Stalled,
    StreamClosed,
)
from extproc.flow.exchange import JSON_TYPE, Exchange, Steps
from extproc.flow.keeping import keeping_of
from extproc.flow.retry import wait_seconds, worth_retrying
from extproc.providers import counting, registry
from extproc.providers.base import Request
from extproc.providers.decoders import is_stream
from extproc.providers.dialects import dialect_of
from extproc.providers.failures import stalled, unusable_answer


class State(Enum):
    START = auto()
    IDENTIFIED = auto()
    SENT = auto()
    HELD = auto()
    RELEASED = auto()
    DONE = auto()
    REFUSED = auto()
    ECHOING = auto()
    CLOSED = auto()


ANSWER_EVENTS = (ResponseHeaders, ResponseBody, ResponseTrailers, Stalled)

TRANSITIONS: dict[State, dict[type[Event], State]] = {
    State.START: {RequestHeaders: State.IDENTIFIED, ResponseHeaders: State.ECHOING},
    State.IDENTIFIED: {RequestBody: State.SENT, ResponseHeaders: State.ECHOING},
    State.SENT: {ResponseHeaders: State.HELD, Stalled: State.SENT},
    State.HELD: dict.fromkeys((ResponseBody, ResponseTrailers, Stalled), State.HELD),
    State.RELEASED: dict.fromkeys((ResponseBody, ResponseTrailers, Stalled), State.RELEASED),
    State.DONE: dict.fromkeys(ANSWER_EVENTS, State.DONE),
    State.REFUSED: dict.fromkeys(ANSWER_EVENTS, State.REFUSED),
    State.ECHOING: dict.fromkeys(ANSWER_EVENTS, State.ECHOING),
    State.CLOSED: {},
}


class AttemptFlow:
    def __init__(self, route: Route) -> None:
        self.state = State.START
        self._route = route
        self._call: Call | None = None
        self._client_headers: dict[str, str] = {}
        self._exchange: Exchange | None = None
        self._answer: Answer | None = None

    def handle(self, event: Event) -> Steps:
        if isinstance(event, StreamClosed):
            yield from self._close(event)
            return
        try:
            self.state = TRANSITIONS[self.state][type(event)]
        except KeyError:
            raise Internal(f"{type(event).__name__} in state {self.state.name}") from None
        try:
            yield from self._step(event)
        except GatewayError as error:
            yield from self._fail(error, event.at)

    def _step(self, event: Event) -> Steps:
        match event:
            case RequestHeaders():
                yield from self._identify(event)
            case RequestBody():
                yield from self._send(event)
            case _ if self.state is State.ECHOING:
                yield from echo(event)
            case ResponseHeaders() if self.state is State.HELD:
                yield from self._receive(event)
            case ResponseBody() if self.state in (State.HELD, State.RELEASED):
                yield from self._feed(event.data, event.at, event.end)
            case ResponseTrailers() if self.state in (State.HELD, State.RELEASED):
                yield from self._feed(b"", event.at, True)
            case Stalled() if self._exchange is not None and self._exchange.settled:
                self.state = State.DONE
                yield Pass(b"", end=True)
            case Stalled() if isinstance(self._answer, FailedAnswer):
                raise self._answer.error()
            case Stalled() if self._exchange is not None:
                raise stalled(self._exchange.stall_seconds, self._exchange.deployment)

    def _identify(self, event: RequestHeaders) -> Steps:
        self._client_headers = dict(event.headers)
        call: Call = yield Identify(self._route, event.headers, event.at)
        self._call = call
        if self._route.served in ("models", "model"):
            listing: bytes = yield ListModels(call, self._route.path_model)
            self.state = State.REFUSED
            yield Immediate(200, listing, {"content-type": JSON_TYPE, **head.call_headers(call)})
        elif event.end:
            raise InvalidRequest("Invalid JSON payload: the body is empty.", param="request_body")
        else:
            yield PassHeaders()

    def _send(self, event: RequestBody) -> Steps:
        assert self._call is not None
        call: Call = yield Admit(parse(self._call, event.data))
        self._call = call
        assert call.plan is not None
        deployment = call.plan.deployment(call.attempt)
        if counting.counted_here(call.endpoint, deployment.schema):
            yield from self._count(call, request_of(call, deployment, bridged=True))
            return
        translator = registry.find(call.endpoint, deployment.schema)
        request = request_of(call, deployment, translator.bridged)
        outgoing = translator.request(request)
        same = outgoing.body == call.body and may_pass_as_sent(call, event.data)
        body, content_type = as_sent(call, event.data) if same else written(call, outgoing)
        headers = head.outgoing_headers(call, deployment, outgoing, content_type)
        credentials: Mapping[str, str] = yield Sign(head.departure(deployment, headers, body))
        begun_at: float = yield Begin(call, deployment)
        keeping = keeping_of(call, request)
        self._exchange = Exchange(call, deployment, translator, request, begun_at, keeping)
        headers |= credentials
        if not same:
            headers["content-length"] = str(len(body))  # Envoy refuses a body that contradicts it
        removed = head.removed_from_request(self._client_headers, headers)
        yield Send(headers, removed, None if same else body)
        if call.streaming and (seconds := self._exchange.silence_seconds):
            yield Watch(seconds)

    def _count(self, call: Call, request: Request) -> Steps:
        """Answer a question for a number of tokens here: nothing leaves, nothing is billed."""
        chat = counting.as_chat(call.endpoint, request)
        tokens: int = yield Count(call, request.deployment, chat)
        self.state = State.REFUSED
        body = orjson.dumps(counting.answer(call.endpoint, tokens))
        yield Immediate(200, body, {"content-type": JSON_TYPE, **head.call_headers(call)})

    def _receive(self, event: ResponseHeaders) -> Steps:
        exchange = self._exchange
        assert exchange is not None
        exchange.answered(event)
        content_type = event.headers.get("content-type", "").lower()
        if not exchange.accepted:
            self._answer = FailedAnswer(exchange)
            if worth_retrying(exchange.call, event.status):
                raise self._answer.error()
        elif is_stream(content_type):
            if not exchange.call.streaming:
                reason = "it answered with an event stream to a request that asked for none"
                raise unusable_answer(reason, exchange.deployment)
            self._answer = StreamedAnswer(exchange, content_type)
        elif exchange.translator.raw is not None and not content_type.startswith(JSON_TYPE):
            self._answer = RawAnswer(exchange, content_type)
        else:
            self._answer = WholeAnswer(exchange)
        yield Watch(exchange.stall_seconds)
        if event.end:
            yield from self._feed(b"", event.at, True)

    def _feed(self, piece: bytes, at: float, end: bool) -> Steps:
        answer = self._answer
        assert answer is not None
        if piece:
            yield from self._follow(answer, answer.feed(piece, at))
        if end and self.state in (State.HELD, State.RELEASED):
            yield from answer.finish(at)
            self.state = State.DONE
            yield Watch(None)

    def _follow(self, answer: Answer, steps: Steps) -> Steps:
        """Pass the answer's commands on, and notice when the client has seen its beginning."""
        try:
            yield from steps
        finally:
            if answer.released:
                self.state = State.RELEASED

    def _fail(self, error: GatewayError, at: float) -> Steps:
        """The one place that decides what an error becomes: refusal, retry, JSON or error event."""
        if self.state in (State.START, State.IDENTIFIED, State.SENT) and self._exchange is None:
            yield from self._refuse(error)
            return
        exchange, answer = self._exchange, self._answer
        assert exchange is not None
        released = answer is not None and answer.released
        again = not released and worth_retrying(exchange.call, error.status)
        answered = 200 if released else None if again else error.status
        yield from self._settle_failure(error, at, answered)
        self.state = State.DONE
        yield Watch(None)
        if answer is not None and released:
            yield Pass(exchange.dialect.failure(error, answer.told), end=True)
        elif again:
            yield from self._retry(error)
        else:
            yield exchange.refuse(error, at)

    def _refuse(self, error: GatewayError) -> Steps:
        self.state = State.REFUSED
        known = head.call_headers(self._call) if self._call else {}
        headers = {"content-type": JSON_TYPE, **known, **error.headers}
        yield Immediate(error.status, orjson.dumps(self._envelope(error)), headers)
        yield Refused(self._route.served, error.status, self._call.group if self._call else "")

    def _envelope(self, error: GatewayError) -> Json:
        """The form that the route's clients read."""
        return dialect_of(self._route.served).error(error)

    def _retry(self, error: GatewayError) -> Steps:
        exchange = self._exchange
        assert exchange is not None
        body = orjson.dumps(exchange.dialect.error(error))
        yield Remember(exchange.call, orjson.dumps(error.envelope()), error.status)
        seconds = wait_seconds(exchange.call, exchange.answer)
        headers = {"retry-after": str(seconds)} if seconds else {}
        yield Immediate(503, body, {names.RETRY: "1", "content-type": JSON_TYPE, **headers})

    def _settle_failure(self, error: GatewayError, at: float, answered: int | None) -> Steps:
        exchange = self._exchange
        assert exchange is not None
        if self._answer is not None:
            outcome = self._answer.partial(at, error.message)
        else:
            produced = exchange.accepted or exchange.abandoned
            outcome = exchange.outcome(at, ok=False, produced=produced, error=error.message)
        yield from exchange.settle(replace(outcome, answered=answered))

    def _close(self, event: StreamClosed) -> Steps:
        self.state = State.CLOSED
        exchange = self._exchange
        if exchange is None or exchange.settled or exchange.settling:
            return
        exchange.settled = True
        if self._answer is not None:
            outcome = self._answer.partial(event.at, INCOMPLETE)
        else:
            outcome = exchange.outcome(event.at, ok=False, produced=True, error=INCOMPLETE)
        # Held headers and a broken connection: Envoy may be coming again, and that will be counted.
        again = self._answer is not None and not self._answer.released and exchange.may_come_again
        yield SettleLate(replace(outcome, answered=None if again else CLIENT_LEFT))

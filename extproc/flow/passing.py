"""One call that passes to one upstream as it came, as a state machine without I/O.

    START      --RequestHeaders-->   IDENTIFIED   a body follows; without one SENT; or REFUSED
    IDENTIFIED --RequestBody-->      SENT         or REFUSED
    SENT       --ResponseHeaders-->  PASSING      the answer is the client's, status and all
    PASSING    --ResponseBody-->     PASSING or DONE
    START, IDENTIFIED --ResponseHeaders--> ECHOING     Envoy answered by itself
    any        --StreamClosed-->     CLOSED

There is one attempt. Whatever happens after it has begun, one Settle or SettleLate leaves this
flow, and only one.
"""

from collections.abc import Mapping
from enum import Enum, auto

import orjson

from extproc.domain import headers as names
from extproc.domain.call import Call, Json
from extproc.domain.endpoints import Endpoint
from extproc.domain.passage import Answered, Passage
from extproc.domain.passthrough import prefix_of
from extproc.domain.routes import Route
from extproc.errors import GatewayError, Internal, Unavailable
from extproc.flow import headers as head
from extproc.flow.commands import (
    Begin,
    Identify,
    Immediate,
    Pass,
    PassHeaders,
    Refused,
    Resolve,
    Send,
    SendHeaders,
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
from extproc.flow.exchange import JSON_TYPE, Steps
from extproc.flow.relay import Relay
from extproc.providers.dialects import dialect_of
from extproc.providers.failures import stalled

ERRORS_LIKE: Mapping[str | None, Endpoint] = {
    "anthropic": "messages",
    "gemini": "generate",
    "vertex_ai": "generate",
    "vertex-ai": "generate",
}
"""Prefix -> an endpoint whose clients read the same errors; OpenAI's for every other."""


class State(Enum):
    START = auto()
    IDENTIFIED = auto()
    SENT = auto()
    PASSING = auto()
    DONE = auto()
    REFUSED = auto()
    ECHOING = auto()
    CLOSED = auto()


ANSWER_EVENTS = (ResponseHeaders, ResponseBody, ResponseTrailers, Stalled)

TRANSITIONS: dict[State, dict[type[Event], State]] = {
    State.START: {RequestHeaders: State.IDENTIFIED, ResponseHeaders: State.ECHOING},
    State.IDENTIFIED: {RequestBody: State.SENT, ResponseHeaders: State.ECHOING},
    State.SENT: {ResponseHeaders: State.PASSING, Stalled: State.SENT},
    State.PASSING: dict.fromkeys((ResponseBody, ResponseTrailers, Stalled), State.PASSING),
    State.DONE: dict.fromkeys(ANSWER_EVENTS, State.DONE),
    State.REFUSED: dict.fromkeys(ANSWER_EVENTS, State.REFUSED),
    State.ECHOING: dict.fromkeys(ANSWER_EVENTS, State.ECHOING),
    State.CLOSED: {},
}


class PassFlow:
    def __init__(self, route: Route) -> None:
        self.state = State.START
        self._route = route
        self._prefix: str | None = None
        self._call: Call | None = None
        self._client: Mapping[str, str] = {}
        self._relay: Relay | None = None

    def handle(self, event: Event) -> Steps:
        if isinstance(event, StreamClosed):
            self.state = State.CLOSED
            if self._relay is not None:
                yield from self._relay.close(event.at)
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
                yield from self._send(event.data, body_follows=True)
            case _ if self.state is State.ECHOING:
                yield from echo(event)
            case ResponseHeaders() if self.state is State.PASSING and self._relay:
                yield from self._relay.receive(event)
            case ResponseBody() if self.state is State.PASSING and self._relay:
                yield from self._relay.feed(event.data, event.at, event.end)
            case ResponseTrailers() if self.state is State.PASSING and self._relay:
                yield from self._relay.trail(event.at)
            case Stalled() if self._relay and self._relay.settled:
                self.state = State.DONE
                yield Pass(b"", end=True)
            case Stalled() if self._relay:
                seconds = self._relay.call.snapshot.rules.stall_seconds
                raise stalled(seconds, self._relay.passage.deployment)
        if self._relay is not None and self._relay.over:
            self.state = State.DONE

    def _identify(self, event: RequestHeaders) -> Steps:
        self._client = event.headers
        target = event.headers.get(":path", "")
        self._prefix = prefix_of(target.partition("?")[0])
        self._call = yield Identify(self._route, event.headers, event.at)
        assert self._call is not None
        if self._call.attempt > 1:
            raise Unavailable(
                "litellm.APIConnectionError: the connection to the provider broke, and what passes "
                "through is not sent twice."
            )
        if event.end:
            yield from self._send(b"", body_follows=False)
        else:
            yield PassHeaders()

    def _send(self, data: bytes, *, body_follows: bool) -> Steps:
        assert self._call is not None
        self._call.snapshot.rules.check_size(len(data))
        passage: Passage | Answered = yield Resolve(self._call, data)
        call = self._call = passage.call
        if isinstance(passage, Answered):
            self.state = State.REFUSED
            yield Immediate(
                200, passage.body, {"content-type": JSON_TYPE, **head.call_headers(call)}
            )
            return
        body = data if passage.body is None else passage.body
        headers = _outgoing(passage)
        kept = {name: self._client[name] for name in passage.kept if name in self._client}
        if passage.signed:
            seen = {**kept, **headers, **passage.headers}
            method = call.headers.get(":method", "")
            headers |= yield Sign(head.departure(passage.deployment, seen, body, method))
        headers |= passage.headers
        begun_at: float = yield Begin(call, passage.deployment, passage)
        self._relay = Relay(passage, begun_at)
        self.state = State.SENT
        if passage.body is not None:
            headers["content-length"] = str(len(body))  # Envoy refuses a body that contradicts it
        kept_names = head.REQUEST_KEPT | passage.kept
        removed = head.removed_from_request(self._client, headers, kept_names)
        if body_follows:
            yield Send(headers, removed, passage.body)
        else:
            yield SendHeaders(headers, removed)

    def _fail(self, error: GatewayError, at: float) -> Steps:
        """A refusal before the request has left; after that the end of the answer, clean or not."""
        known = head.call_headers(self._call) if self._call else {}
        headers = {"content-type": JSON_TYPE, **known, **error.headers}
        refusal = Immediate(error.status, orjson.dumps(self._envelope(error)), headers)
        if self._relay is None:
            self.state = State.REFUSED
            yield refusal
            group = self._call.group if self._call else ""
            yield Refused(self._route.served, error.status, group)
            return
        yield from self._relay.fail(error, at)
        self.state = State.DONE
        yield Watch(None)
        # Envoy breaks off an answer that has begun: nobody shall take it for whole.
        yield refusal

    def _envelope(self, error: GatewayError) -> Json:
        return dialect_of(ERRORS_LIKE.get(self._prefix, "chat")).error(error)


def _outgoing(passage: Passage) -> dict[str, str]:
    deployment = passage.deployment
    headers = {
        ":path": passage.path,
        ":authority": deployment.upstream.authority,
        names.CLUSTER: deployment.upstream.cluster,
        "accept-encoding": "identity",
        "user-agent": head.USER_AGENT,
        **{name.lower(): value for name, value in deployment.headers.items()},
    }
    if deployment.timeout_seconds:
        headers[names.TIMEOUT_MS] = str(max(1, int(deployment.timeout_seconds * 1000)))
    return headers

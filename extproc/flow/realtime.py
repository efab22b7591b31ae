"""A realtime session: an attempt whose answer is a tunnel for WebSocket frames.

    START      --RequestHeaders-->   SENT         the handshake has left, or REFUSED
    SENT       --101-->              RELEASED     the session is open
    SENT       --any other answer--> HELD         as of any attempt: JSON error, or another attempt
    RELEASED   --ResponseBody-->     RELEASED     every piece passes; what it says was used is
                                                  added up, and noted before it passes
    any        --StreamClosed-->     CLOSED

The session is settled before the server's Close frame passes. Envoy cannot tell the end of a
tunnel from its breaking: one that ends without that frame is settled late.
"""

from collections.abc import Mapping
from dataclasses import replace

from extproc.domain import headers as names
from extproc.domain import subprotocols
from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.outcome import Outcome
from extproc.errors import InvalidRequest
from extproc.flow import headers as head
from extproc.flow.asking import request_of
from extproc.flow.attempt import AttemptFlow, State
from extproc.flow.commands import (
    Admit,
    Begin,
    Identify,
    Note,
    Pass,
    Release,
    SendHeaders,
    Sign,
    Watch,
)
from extproc.flow.events import RequestHeaders, ResponseHeaders
from extproc.flow.exchange import Exchange, Steps
from extproc.providers import registry
from extproc.providers.failures import unusable_answer
from extproc.providers.realtime import Tally, asked

SWITCHED = 101
HANDSHAKE = frozenset(
    {"connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "openai-beta"}
    | {"x-forwarded-proto"}
)
"""The client's headers that a provider may see; no `sec-websocket-extensions`: frames that are
compressed could not be read."""
ACCEPTED = ("connection", "upgrade", "sec-websocket-accept")
"""The provider's headers that make a handshake."""
UNREADABLE = "the provider's frames cannot be read"


class RealtimeFlow(AttemptFlow):
    _session: "Session"

    def _identify(self, event: RequestHeaders) -> Steps:
        self._client_headers = dict(event.headers)
        self._call = yield Identify(self._route, event.headers, event.at)
        if event.headers.get("upgrade", "").lower() != "websocket":
            raise InvalidRequest("/realtime: open a WebSocket, with `Upgrade: websocket`.")
        yield from self._open(asked(event.headers.get(":path", "")))

    def _open(self, body: dict[str, object]) -> Steps:
        assert self._call is not None
        call: Call = yield Admit(self._call.but(body=body))
        self._call = call
        assert call.plan is not None
        deployment = call.plan.deployment(call.attempt)
        request = request_of(call, deployment, bridged=False)
        translator = registry.find(call.endpoint, deployment.schema)
        path = deployment.base_path + translator.request(request).path
        headers = _outgoing_headers(call, deployment, path)
        departure = head.departure(deployment, headers, b"", "GET")
        credentials: Mapping[str, str] = yield Sign(departure)
        begun_at: float = yield Begin(call, deployment)
        exchange = self._exchange = Exchange(call, deployment, translator, request, begun_at)
        self._answer = self._session = Session(exchange)
        self.state = State.SENT
        headers |= credentials
        removed = head.removed_from_request(self._client_headers, headers, HANDSHAKE)
        yield SendHeaders(headers, removed)
        yield Watch(exchange.stall_seconds)

    def _receive(self, event: ResponseHeaders) -> Steps:
        exchange = self._exchange
        assert exchange is not None
        exchange.answered(event)
        if event.status == SWITCHED:
            yield from self._follow(self._session, self._session.open(event.at))
            yield Watch(None)
        elif exchange.accepted:
            reason = "it answered a WebSocket's handshake with something else"
            raise unusable_answer(reason, exchange.deployment)
        else:
            yield from super()._receive(event)


class Session:
    """Once it is open bytes pass, and are read on the way; before that it costs nothing."""

    def __init__(self, exchange: Exchange) -> None:
        self.released = False
        self.told = 0
        self._exchange = exchange
        self._tally = Tally()

    def open(self, at: float) -> Steps:
        exchange = self._exchange
        headers = {
            **head.provider_headers(exchange.answer),
            **head.answer_headers(exchange.call, exchange.deployment, exchange.begun_at, at, None),
            **{name: exchange.answer[name] for name in ACCEPTED if name in exchange.answer},
        }
        offered = exchange.call.headers.get(subprotocols.HEADER, "")
        agreed = subprotocols.agreed(offered, exchange.answer.get(subprotocols.HEADER, ""))
        if agreed:
            headers[subprotocols.HEADER] = agreed
        self.released = True
        yield Release(headers, head.removed_from_answer(exchange.answer, headers))

    def feed(self, piece: bytes, at: float) -> Steps:
        used = self._tally.feed(piece)
        if self._tally.closing:
            yield from self._exchange.settle(self._outcome(at, ok=True))
        elif used:
            yield Note(self._outcome(at, ok=False))
        yield Pass(piece)

    def finish(self, at: float) -> Steps:
        yield from self._exchange.settle(self._outcome(at, ok=not self._tally.broken))
        yield Pass(b"", end=True)

    def partial(self, at: float, error: str) -> Outcome:
        return self._outcome(at, ok=False, error=error)

    def _outcome(self, at: float, *, ok: bool, error: str = "") -> Outcome:
        tally = self._tally
        outcome = self._exchange.outcome(
            at,
            ok=ok,
            produced=True,
            usage=tally.usage,
            error=UNREADABLE if tally.broken else error,
            response_id=tally.session_id,
        )
        return replace(outcome, beside=tally.beside, answered=SWITCHED if ok else None)


def _outgoing_headers(call: Call, deployment: Deployment, path: str) -> dict[str, str]:
    """What is set on the handshake that leaves, but for its credential."""
    headers = {
        ":path": path,
        ":authority": deployment.upstream.authority,
        names.CLUSTER: deployment.upstream.tunnel_cluster,
        "user-agent": head.USER_AGENT,
        **deployment.headers,
    }
    if offers := subprotocols.without_key(call.headers.get(subprotocols.HEADER, "")):
        headers[subprotocols.HEADER] = offers
    return headers

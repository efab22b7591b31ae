"""A realtime session's state machine, driven by hand."""

from typing import Any

import orjson
import pytest
from wsproto.frame_protocol import FrameProtocol

from extproc.domain.call import Call
from extproc.domain.outcome import Receipt
from extproc.domain.routes import Route
from extproc.domain.usage import Usage
from extproc.errors import AuthError, InvalidRequest
from extproc.flow.attempt import State
from extproc.flow.commands import (
    Admit,
    Begin,
    Identify,
    Immediate,
    Note,
    Pass,
    Refused,
    Release,
    Remember,
    SendHeaders,
    Settle,
    SettleLate,
    Sign,
    Watch,
)
from extproc.flow.entry import Entry
from extproc.flow.events import (
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
    Stalled,
    StreamClosed,
)
from extproc.flow.realtime import UNREADABLE, RealtimeFlow
from tests.calls import call, deployment, plan
from tests.playbook import Playbook

HEADERS = {
    ":method": "GET",
    ":path": "/v1/realtime?model=gpt&key=sk-hidden",
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-key": "abc",
    "sec-websocket-version": "13",
    "sec-websocket-extensions": "permessage-deflate",
    "sec-websocket-protocol": "realtime, openai-insecure-api-key.sk-client",
    "openai-beta": "realtime=v1",
    "cookie": "session=1",
    "content-length": "5",
    "x-forwarded-proto": "https",
}
SWITCHED = {
    ":status": "101",
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-accept": "def",
    "sec-websocket-protocol": "realtime",
    "set-cookie": "a=b",
    "openai-request": "r1",
}
USED = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
DONE = {"type": "response.done", "response": {"usage": USED}}
RECEIPT = Receipt(1, 1)


def frame(event: Any) -> bytes:
    return bytes(FrameProtocol(client=False, extensions=[]).send_data(orjson.dumps(event).decode()))


def goodbye() -> bytes:
    return bytes(FrameProtocol(client=False, extensions=[]).close(1000))


def asking(**changes: Any) -> Call:
    known = {"endpoint": "realtime", "headers": HEADERS, "body": {}, "plan": plan()}
    return call(**{**known, **changes})


def sent(**changes: Any) -> Playbook:
    """A flow whose handshake has just left."""
    play = Playbook(RealtimeFlow(Route("realtime")))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(asking(**changes)) << Admit
    play.result(asking(body={"model": "gpt"}, **changes)) << Sign
    play.result({"authorization": "Bearer sk-provider"}) << Begin
    play.result(100.2) << SendHeaders << Watch(120.0)
    return play


def opened() -> Playbook:
    return sent() >> ResponseHeaders(100.5, 101, SWITCHED) << Release << Watch(None)


def respond(play: Playbook, at: Usage | None = None) -> None:
    """The provider ends a response, and what the session has come to is noted."""
    play >> ResponseBody(101.0, frame(DONE), False)
    note = play.take()
    assert isinstance(note, Note)
    assert at is None or note.outcome.usage == at
    play.result(None) << Pass(frame(DONE))


def test_the_handshake_leaves_with_the_providers_credential_and_nothing_of_the_client() -> None:
    play = Playbook(RealtimeFlow(Route("realtime")))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    assert play.result(asking()).take().call.body == {"model": "gpt"}
    departure = play.result(asking(body={"model": "gpt"})).take().departure
    assert (departure.method, departure.path) == ("GET", "/v1/realtime?model=gpt-4o")
    play.result({"authorization": "Bearer sk-provider"}) << Begin
    play.result(100.2)
    send = play.take()
    assert send.set_headers[":path"] == "/v1/realtime?model=gpt-4o"
    assert send.set_headers[":authority"] == "d1.example"
    assert send.set_headers["authorization"] == "Bearer sk-provider"
    assert send.set_headers["sec-websocket-protocol"] == "realtime"
    assert send.set_headers["x-gateway-cluster"].endswith("_http1")
    assert "x-envoy-upstream-rq-timeout-ms" not in send.set_headers
    assert set(send.remove_headers) == {"sec-websocket-extensions", "cookie", "content-length"}
    play << Watch(120.0)


def test_its_route_chooses_this_flow() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(asking()) << Admit


def test_an_open_session_shows_the_handshake_and_the_call() -> None:
    release = (sent() >> ResponseHeaders(100.5, 101, SWITCHED)).take()
    for name in ("connection", "upgrade", "sec-websocket-accept", "sec-websocket-protocol"):
        assert release.set_headers[name] == SWITCHED[name]
    assert release.set_headers["x-litellm-model-id"] == "d1"
    assert release.set_headers["llm_provider-openai-request"] == "r1"
    assert set(release.remove_headers) == {"set-cookie", "openai-request"}


def test_responses_add_up_and_are_settled_before_the_servers_goodbye() -> None:
    play = opened()
    for _ in range(2):
        respond(play)
    play >> ResponseBody(102.0, goodbye(), False)
    outcome = play.take().outcome
    assert outcome.usage == Usage(input=10, output=4)
    assert (outcome.ok, outcome.answered) == (True, 101)
    play.result(RECEIPT) << Pass(goodbye())
    play >> ResponseBody(102.1, b"more", False) << Pass(b"more")
    (play >> StreamClosed(103.0)).done()


def test_what_is_used_is_noted_before_the_client_sees_it() -> None:
    play = opened()
    play >> ResponseBody(101.0, frame(DONE)[:9], False) << Pass
    play >> ResponseBody(101.1, frame(DONE)[9:] + frame({"type": "other"}), False)
    assert play.take().outcome.usage == Usage(input=5, output=2)
    play.result(None) << Pass
    play >> ResponseBody(101.2, frame({"type": "other"}), False) << Pass
    respond(play, at=Usage(input=10, output=4))


def test_an_end_of_the_stream_settles_too() -> None:
    play = opened()
    play >> ResponseBody(101.0, frame(DONE), True) << Note
    play.result(None) << Pass(frame(DONE)) << Settle
    play.result(RECEIPT) << Pass(b"", end=True) << Watch(None)


def test_a_cut_session_is_settled_late_with_what_was_read() -> None:
    play = opened()
    play >> ResponseBody(101.0, frame(DONE) + frame(DONE)[:7], False) << Note
    play.result(None) << Pass
    outcome = (play >> StreamClosed(102.0)).take().outcome
    assert outcome.usage == Usage(input=5, output=2)
    assert (outcome.ok, outcome.error) == (False, "incomplete")


def test_a_settlement_that_was_cut_off_is_made_late() -> None:
    play = opened()
    play >> ResponseBody(101.0, frame(DONE) + goodbye(), False) << Settle
    play.steps.close()
    play >> StreamClosed(102.0) << SettleLate


def test_garbage_passes_and_is_told_of_in_the_ledger() -> None:
    play = opened()
    respond(play)
    play >> ResponseBody(101.1, b"\xff" * 50, False) << Pass(b"\xff" * 50)
    play >> ResponseBody(101.2, frame(DONE), False) << Pass(frame(DONE))
    outcome = (play >> StreamClosed(102.0)).take().outcome
    assert (outcome.usage, outcome.error) == (Usage(input=5, output=2), UNREADABLE)


def test_silence_in_an_open_session_is_nobodys_fault() -> None:
    play = sent()
    play >> ResponseHeaders(100.5, 101, SWITCHED)
    assert play.got[-1] == Watch(None)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_handshake_that_nobody_answers_costs_nothing(attempts: int) -> None:
    play = sent(plan=plan(attempts=attempts)) >> Stalled(220.0)
    outcome = play.take().outcome
    assert (outcome.usage, outcome.ok) == (Usage(), False)
    play.result(RECEIPT) << Watch(None)
    if attempts == 2:
        play << Remember
        play.result(None)
    assert play.take().status == (408 if attempts == 1 else 503)


def test_a_client_that_leaves_before_the_answer_costs_nothing() -> None:
    outcome = (sent() >> StreamClosed(101.0)).take().outcome
    assert (outcome.usage, outcome.http_status) == (Usage(), 0)


def test_a_providers_refusal_is_json_with_its_status() -> None:
    play = sent(plan=plan(attempts=1))
    play >> ResponseHeaders(100.5, 400, {"content-type": "application/json"}) << Watch
    play >> ResponseBody(100.6, b'{"error":{"message":"no such voice"}}', True) << Settle
    play.result(RECEIPT) << Watch(None)
    answer = play.take()
    assert answer.status == 400 and b"no such voice" in answer.body


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refused_handshake_goes_to_the_next_deployment(status: int) -> None:
    play = sent() >> ResponseHeaders(100.5, status, {}) << Settle
    play.result(RECEIPT) << Watch(None) << Remember
    play.result(None)
    answer = play.take()
    assert (answer.status, answer.headers["x-gateway-retry"]) == (503, "1")


def test_an_answer_that_opens_no_tunnel_cannot_be_used() -> None:
    play = sent(plan=plan(attempts=1)) >> ResponseHeaders(100.5, 200, {}) << Settle
    play.result(RECEIPT) << Watch(None)
    assert play.take().status == 502


def test_who_may_not_is_told_before_anything_leaves() -> None:
    play = Playbook(RealtimeFlow(Route("realtime")))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.refuse(AuthError("no")) << Immediate << Refused
    play = Playbook(RealtimeFlow(Route("realtime")))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(asking()) << Admit
    play.refuse(InvalidRequest("no")) << Immediate << Refused("realtime", 400, "gpt")


def test_a_plain_get_is_told_to_open_a_websocket() -> None:
    play = Playbook(RealtimeFlow(Route("realtime")))
    plain = {name: HEADERS[name] for name in (":method", ":path")}
    play >> RequestHeaders(100.0, plain, end=True) << Identify
    answer = play.result(asking()).take()
    assert answer.status == 400 and b"WebSocket" in answer.body


def test_a_provider_without_sessions_is_refused() -> None:
    play = Playbook(RealtimeFlow(Route("realtime")))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(asking()) << Admit
    other = deployment("d1", schema="anthropic")
    answer = play.result(asking(plan=plan(other))).take()
    assert answer.status == 400 and b"do not serve 'realtime'" in answer.body
    assert play.flow.state is State.REFUSED

"""Files, batches and responses by id pass with their ids rewritten, or are answered here."""

from typing import Any

import pytest

from extproc.domain.outcome import Receipt
from extproc.domain.passage import Answered, Passage
from extproc.domain.usage import NOTHING
from extproc.flow.commands import (
    Begin,
    Identify,
    Immediate,
    PassHeaders,
    Resolve,
    Rewrite,
    Send,
    SendHeaders,
    Settle,
    SettleLate,
    Sign,
    Watch,
)
from extproc.flow.entry import Entry
from extproc.flow.events import RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.flow.relay import Relay
from tests.calls import call, deployment
from tests.playbook import Playbook

JSON = {"content-type": "application/json"}
KEPT = frozenset({"content-type"})
HEADERS = {":method": "POST", ":path": "/v1/batches", "authorization": "Bearer sk-client", **JSON}


async def nothing(data: bytes) -> bytes:
    return data


def test_what_is_remembered_here_leaves_for_nobody() -> None:
    play = Playbook(Entry())
    headers = {":method": "GET", ":path": "/v1/responses/resp_1"}
    play >> RequestHeaders(100.0, headers, end=True) << Identify
    asked = call(endpoint="resource")
    play.result(asked) << Resolve(asked, b"")
    shown = play.result(Answered(asked, b"{}")).take()
    assert isinstance(shown, Immediate)
    assert (shown.status, shown.body, shown.headers["content-type"]) == (
        200,
        b"{}",
        JSON["content-type"],
    )
    play.done()


def test_a_created_batch_is_settled_under_the_providers_id_and_shown_under_ours() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    asked = call(endpoint="resource")
    play.result(asked) << PassHeaders()
    play >> RequestBody(100.1, b"{}") << Resolve
    made = call(endpoint="batch")

    passage = Passage(made, deployment(), "/v1/batches", KEPT, rewrite=nothing)
    play.result(passage) << Sign
    play.result({"authorization": "Bearer sk-provider"}) << Begin(made, deployment(), passage)
    send: Any = play.result(100.2).take()
    assert isinstance(send, Send)
    assert send.set_headers["authorization"] == "Bearer sk-provider"
    play >> ResponseHeaders(100.5, 200, JSON) << Watch(120.0)
    play >> ResponseBody(101.0, b'{"id":"batch_theirs"}', True)
    outcome = play.take().outcome
    assert (outcome.response_id, outcome.usage, outcome.ok) == ("batch_theirs", NOTHING, True)
    play.result(Receipt(0, 0)) << Watch(None)
    play << Rewrite(passage, b'{"id":"batch_theirs"}')
    assert play.result(b"shown").take().body == b"shown"


@pytest.mark.parametrize(
    ("came", "response_id"),
    [
        ((b'{"id": "batch_1",',), "batch_1"),
        ((b'{"object":"batch","i', b'd":"batch_1","metadata":{"id":"no"}'), "batch_1"),
        ((b'{"id": "bat',), ""),
        ((), ""),
    ],
)
def test_a_client_that_leaves_has_made_what_the_answer_names(came: Any, response_id: str) -> None:
    passage = Passage(call(endpoint="batch"), deployment(), "/v1/batches", KEPT, rewrite=nothing)
    relay = Relay(passage, 100.0)
    list(relay.receive(ResponseHeaders(100.5, 200, JSON)))
    for piece in came:
        list(relay.feed(piece, 101.0, False))
    (late,) = relay.close(102.0)
    assert isinstance(late, SettleLate)
    assert (late.outcome.response_id, late.outcome.ok) == (response_id, False)


def test_a_request_without_a_body_leaves_with_its_headers() -> None:
    play = Playbook(Entry())
    headers = {":method": "GET", ":path": "/v1/files", "authorization": "Bearer sk-client"}
    play >> RequestHeaders(100.0, headers, end=True) << Identify
    asked = call(endpoint="resource")
    play.result(asked) << Resolve(asked, b"")
    play.result(Passage(asked, deployment(), "/v1/files", KEPT)) << Sign
    play.result({}) << Begin
    play.result(100.2) << SendHeaders
    play >> ResponseHeaders(100.5, 200, JSON)
    assert Settle not in map(type, play.got)

"""A call that passes through, driven by hand."""

import gzip
from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.outcome import Outcome, Receipt
from extproc.domain.passage import Passage
from extproc.domain.routes import PASSED, Route
from extproc.domain.usage import NOTHING, Usage
from extproc.errors import AuthError, Internal, InvalidRequest, ModelDenied, NotFound
from extproc.flow.commands import (
    Begin,
    Identify,
    Immediate,
    Pass,
    PassHeaders,
    PassTrailers,
    Refused,
    Release,
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
from extproc.flow.passing import PassFlow
from tests.calls import call, deployment
from tests.playbook import Playbook

HEADERS = {
    ":method": "POST",
    ":path": "/anthropic/v1/messages",
    "authorization": "Bearer sk-client",
    "cookie": "session=1",
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
}
BODY = b'{"model":"claude","messages":[]}'
TARGET = deployment("d1", base_path="", schema="anthropic", provider="anthropic")
JSON = {"content-type": "application/json", "set-cookie": "a=b", "request-id": "r1"}
SSE = {"content-type": "text/event-stream"}
ANSWER = orjson.dumps(
    {"content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 7, "output_tokens": 2}}
)
USAGE = Usage(input=7, output=2)
RECEIPT = Receipt(1, 2)


def passage(**changes: Any) -> Passage:
    made: dict[str, Any] = {
        "call": caller(),
        "deployment": TARGET,
        "path": "/v1/messages",
        "kept": frozenset({"content-type", "anthropic-version"}),
        "format": ("messages", "anthropic"),
    }
    return Passage(**{**made, **changes})


def caller(**changes: Any) -> Call:
    made = {"endpoint": "pass_through", "path": HEADERS[":path"], "headers": HEADERS}
    return call(**{**made, **changes})


def identified(headers: dict[str, str] = HEADERS) -> Playbook:
    play = Playbook(PassFlow(PASSED))
    play >> RequestHeaders(100.0, headers)
    assert isinstance(play.take(), Identify)
    play.result(caller()) << PassHeaders()
    return play


def sent(**changes: Any) -> Playbook:
    play = identified()
    play >> RequestBody(100.1, BODY) << Resolve(caller(), BODY)
    play.result(passage(**changes)) << Sign
    play.result({"x-api-key": "provider"}) << Begin
    play.result(100.2) << Send
    return play


def answered(headers: dict[str, str] = JSON, status: int = 200, **changes: Any) -> Playbook:
    play = sent(**changes) >> ResponseHeaders(100.5, status, headers)
    return play << Watch(120.0) << Release


def event(kind: str, **more: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


EVENTS = (
    event("message_start", message={"usage": {"input_tokens": 7, "output_tokens": 1}}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"}),
    event("message_delta", delta={}, usage={"output_tokens": 2}),
    event("message_stop"),
)


def test_request_leaves_with_the_providers_credential_and_what_is_kept() -> None:
    play = identified()
    play >> RequestBody(100.1, BODY) << Resolve
    play.result(passage(headers={"x-own": "1"}))
    departure = play.take().departure
    assert (departure.method, departure.path, departure.body) == ("POST", "/v1/messages", BODY)
    assert departure.headers["anthropic-version"] == "2023-06-01"
    assert departure.headers.keys().isdisjoint({"authorization", "cookie"})
    play.result({"x-api-key": "provider"}) << Begin(
        caller(), TARGET, passage(headers={"x-own": "1"})
    )
    play.result(100.2)
    send = play.take()
    assert send.body is None
    assert send.set_headers["x-api-key"] == "provider"
    assert send.set_headers["x-own"] == "1"
    assert send.set_headers[":path"] == "/v1/messages"
    assert send.set_headers[":authority"] == "d1.example"
    assert set(send.remove_headers) == {"authorization", "cookie"}
    play.done()


def test_request_without_a_body_leaves_at_its_headers() -> None:
    play = Playbook(PassFlow(PASSED))
    play >> RequestHeaders(100.0, {**HEADERS, ":method": "GET"}, end=True) << Identify
    play.result(caller()) << Resolve(caller(), b"")
    play.result(passage(format=None)) << Sign
    play.result({}) << Begin
    play.result(100.2) << SendHeaders
    play.done()


def test_rewritten_body_has_its_own_length() -> None:
    play = identified()
    play >> RequestBody(100.1, BODY) << Resolve
    play.result(passage(body=b"{}")) << Sign
    play.result({}) << Begin
    send = play.result(100.2).take()
    assert (send.body, send.set_headers["content-length"]) == (b"{}", "2")


def test_unsigned_request_shows_no_credential_of_ours() -> None:
    play = identified()
    play >> RequestBody(100.1, BODY) << Resolve
    play.result(passage(signed=False, kept=frozenset({"authorization"}))) << Begin
    send = play.result(100.2).take()
    assert "authorization" not in send.set_headers
    assert "authorization" not in send.remove_headers


def test_answer_keeps_its_status_and_bytes_and_is_settled_before_its_end() -> None:
    play = sent() >> ResponseHeaders(100.5, 201, JSON) << Watch(120.0)
    release = play.take()
    assert release.set_headers["content-type"] == "application/json"
    assert release.set_headers["llm_provider-request-id"] == "r1"
    assert release.set_headers["x-litellm-model-id"] == "d1"
    assert "llm_provider-set-cookie" not in release.set_headers
    assert {"set-cookie", "request-id"} <= set(release.remove_headers)
    play >> ResponseBody(100.6, ANSWER[:9], end=False) << Pass(ANSWER[:9])
    play >> ResponseBody(100.7, ANSWER[9:], end=True)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.ok, outcome.http_status) == (USAGE, True, 201)
    assert (outcome.call.endpoint, outcome.answered) == ("messages", 201)
    play.result(RECEIPT) << Watch(None) << Pass(ANSWER[9:], end=True)
    play >> StreamClosed(101.0)
    play.done()


def test_answer_of_a_stated_length_is_settled_before_the_piece_that_completes_it() -> None:
    play = answered({**JSON, "content-length": str(len(ANSWER))})
    play >> ResponseBody(100.6, ANSWER, end=False) << Settle
    play.result(RECEIPT) << Pass(ANSWER)
    play >> ResponseBody(100.7, b"", end=True) << Watch(None) << Pass(b"", end=True)
    play >> StreamClosed(101.0)
    play.done()


def test_stream_passes_unheld_and_is_settled_before_its_last_event() -> None:
    play = answered(SSE)
    for piece in EVENTS[:-1]:
        play >> ResponseBody(100.6, piece, end=False) << Pass(piece)
    play >> ResponseBody(100.7, EVENTS[-1], end=False)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.text, outcome.ok) == (USAGE, "Hi", True)
    play.result(RECEIPT) << Pass(EVENTS[-1])
    play >> ResponseBody(100.8, b"", end=True) << Watch(None) << Pass(b"", end=True)
    play.done()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_stream_is_read_wherever_it_is_split(size: int) -> None:
    play = answered(SSE)
    whole = b"".join(EVENTS)
    passed, outcomes = b"", []
    for start in range(0, len(whole), size):
        play >> ResponseBody(100.6, whole[start : start + size], end=False)
        while play.got:
            command = play.take()
            if isinstance(command, Settle):
                outcomes.append(command.outcome)
                play.result(RECEIPT)
            else:
                passed += command.data
    assert passed == whole
    assert [outcome.usage for outcome in outcomes] == [USAGE]


def test_stream_cut_short_is_a_failure_with_what_was_read() -> None:
    play = answered(SSE)
    play >> ResponseBody(100.6, EVENTS[0] + EVENTS[1], end=False) << Pass
    play >> ResponseBody(100.7, b"", end=True)
    outcome: Outcome = play.take().outcome
    assert (outcome.ok, outcome.produced, outcome.text) == (False, True, "Hi")


def test_client_that_leaves_is_settled_late() -> None:
    play = answered(SSE)
    play >> ResponseBody(100.6, EVENTS[0] + EVENTS[1], end=False) << Pass
    play >> StreamClosed(101.0)
    outcome: Outcome = play.take().outcome
    assert (outcome.ok, outcome.text, outcome.answered) == (False, "Hi", 499)
    play.done()


def test_settlement_that_was_cancelled_happens_late() -> None:
    play = answered()
    play >> ResponseBody(100.6, ANSWER, end=True) << Settle
    play.steps.close()
    play >> StreamClosed(101.0) << SettleLate
    play.done()


def test_client_that_leaves_before_an_answer_is_settled_late() -> None:
    play = sent() >> StreamClosed(101.0)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.produced, outcome.http_status) == (None, True, 0)
    play.done()


def test_failure_passes_untouched_and_costs_nothing() -> None:
    play = answered(JSON, status=429, cost_nanousd=5)
    play >> ResponseBody(100.6, b'{"error":1}', end=True)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.ok, outcome.produced) == (NOTHING, False, False)
    play.result(RECEIPT) << Watch(None) << Pass(b'{"error":1}', end=True)


def test_unknown_format_uses_nothing() -> None:
    play = answered({"content-type": "image/png"}, format=None)
    play >> ResponseBody(100.6, b"\x89PNG", end=True)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.ok) == (NOTHING, True)


def test_answer_that_is_not_what_the_format_says_is_estimated() -> None:
    play = answered()
    play >> ResponseBody(100.6, b"<html>", end=True)
    assert play.take().outcome.usage is None


def test_fixed_cost_is_billed_beside_the_usage() -> None:
    play = answered(cost_nanousd=123)
    play >> ResponseBody(100.6, ANSWER, end=True)
    assert play.take().outcome.usage == Usage(input=7, output=2, stated_nanousd=123)


@pytest.mark.parametrize(
    ("told", "trusted", "usage"),
    [
        ("0.5", True, Usage(input=9, stated_nanousd=500_000_000)),
        ("nonsense", True, Usage(input=9, stated_nanousd=7)),
        ("NaN", True, Usage(input=9, stated_nanousd=7)),
        ("-1", True, Usage(input=9, stated_nanousd=7)),
        ("0.5", False, Usage(stated_nanousd=7)),
    ],
)
def test_cost_is_taken_from_an_upstream_that_is_trusted(
    told: str, trusted: bool, usage: Usage
) -> None:
    headers = {**JSON, "x-litellm-response-cost": told, "x-litellm-total-tokens": "9"}
    play = answered(headers, cost_told=trusted, cost_nanousd=7, format=None)
    play >> ResponseBody(100.6, b"{}", end=True)
    assert play.take().outcome.usage == usage


def test_google_stream_without_events_is_read_as_a_list() -> None:
    pieces = [
        {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]}
        | {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": count}}
        for text, count in (("a", 1), ("b", 2))
    ]
    play = answered(format=("generate", "gemini"))
    play >> ResponseBody(100.6, orjson.dumps(pieces), end=True)
    outcome: Outcome = play.take().outcome
    assert outcome.usage is not None
    assert (outcome.usage.input, outcome.usage.output, outcome.text) == (3, 2, "ab")


PIECES = b"[%s]" % b",\r\n".join(
    orjson.dumps(
        {
            "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": count},
            "modelVersion": "gemini-x",
        }
    )
    for text, count in (('a"]}\\', 1), ("b[{", 2))
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_google_list_is_read_as_it_comes_and_settled_before_its_end(size: int) -> None:
    play = answered(format=("generate", "gemini"))
    outcomes = []
    for start in range(0, len(PIECES), size):
        play >> ResponseBody(100.6, PIECES[start : start + size], end=False)
        command = play.take()
        if isinstance(command, Settle):
            outcomes.append(command.outcome)
            play.result(RECEIPT) << Pass
    (outcome,) = outcomes
    assert (outcome.usage, outcome.text, outcome.ok) == (
        Usage(input=3, output=2),
        'a"]}\\b[{',
        True,
    )
    assert outcome.served_model == "gemini-x"


def test_client_that_leaves_a_google_list_is_billed_for_what_it_saw() -> None:
    play = answered(format=("generate", "gemini"))
    play >> ResponseBody(100.6, PIECES[:-1], end=False) << Pass
    play >> StreamClosed(101.0)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.ok) == (Usage(input=3, output=2), False)


def test_google_list_without_its_end_is_a_failure() -> None:
    play = answered(format=("generate", "gemini"))
    play >> ResponseBody(100.6, PIECES[:-1], end=True)
    outcome: Outcome = play.take().outcome
    assert (outcome.usage, outcome.ok) == (Usage(input=3, output=2), False)


@pytest.mark.parametrize(
    ("changes", "status", "headers", "unmetered"),
    [
        ({}, 200, {}, True),
        ({}, 400, {}, False),
        ({"cost_nanousd": 0}, 200, {}, False),
        ({"cost_told": True}, 200, {"x-litellm-response-cost": "0"}, False),
        ({"format": ("messages", "anthropic")}, 200, {}, False),
    ],
)
def test_what_nobody_could_read_is_not_settled_as_nothing(
    changes: dict[str, Any], status: int, headers: dict[str, str], unmetered: bool
) -> None:
    play = answered({**JSON, **headers}, status, **{"format": None, "unmetered": True, **changes})
    play >> ResponseBody(100.6, ANSWER, end=True)
    outcome: Outcome = play.take().outcome
    assert outcome.unmetered is unmetered


def test_client_that_leaves_what_nobody_could_read_is_not_settled_as_nothing() -> None:
    play = sent(format=None, unmetered=True) >> StreamClosed(101.0)
    assert play.take().outcome.unmetered


def test_answer_names_the_model_that_made_it() -> None:
    play = answered(SSE)
    start = event("message_start", message={"model": "claude-9", "usage": {"input_tokens": 7}})
    play >> ResponseBody(100.6, start + b"".join(EVENTS[1:]), end=False)
    assert play.take().outcome.served_model == "claude-9"


def test_answer_without_a_body_is_settled_at_its_headers() -> None:
    play = sent(format=None) >> ResponseHeaders(100.5, 204, {}, end=True) << Watch(120.0)
    play << Settle
    play.result(RECEIPT) << Watch(None) << Release
    play.done()


def test_trailers_end_the_answer() -> None:
    play = answered()
    play >> ResponseBody(100.6, ANSWER, end=False) << Pass(ANSWER)
    play >> ResponseTrailers(100.7) << Settle
    play.result(RECEIPT) << Watch(None) << PassTrailers()


async def sleepless(data: bytes) -> bytes:
    return data


def test_rewritten_answer_goes_out_whole() -> None:
    play = sent(rewrite=sleepless) >> ResponseHeaders(100.5, 200, JSON)
    play << Watch(120.0)
    play >> ResponseBody(100.6, ANSWER[:5], end=False)
    play >> ResponseBody(100.7, ANSWER[5:], end=True) << Settle
    play.result(RECEIPT) << Watch(None) << Rewrite
    whole = play.result(ANSWER + b"!").take()
    assert (whole.status, whole.body) == (200, ANSWER + b"!")
    assert "content-length" not in whole.headers


def test_compressed_answer_is_rewritten_plain() -> None:
    squeezed = gzip.compress(ANSWER)
    play = sent(rewrite=sleepless)
    play >> ResponseHeaders(100.5, 200, {**JSON, "content-encoding": "gzip"}) << Watch(120.0)
    play >> ResponseBody(100.6, squeezed[:9], end=False)
    play >> ResponseBody(100.7, squeezed[9:], end=True) << Settle
    assert play.result(RECEIPT).got[-1].data == ANSWER
    play << Watch(None) << Rewrite
    whole = play.result(ANSWER).take()
    assert (whole.status, "content-encoding" in whole.headers) == (200, False)


@pytest.mark.parametrize(("encoding", "data"), [("br", b"\x0b"), ("gzip", b"no gzip at all")])
def test_answer_to_be_rewritten_that_nobody_can_read_is_not_shown(
    encoding: str, data: bytes
) -> None:
    play = sent(rewrite=sleepless)
    play >> ResponseHeaders(100.5, 200, {**JSON, "content-encoding": encoding})
    if play.got == [Watch(120.0)]:
        play << Watch(120.0)
        play >> ResponseBody(100.6, data, end=True)
    while play.got[-1:] and isinstance(play.got[-1], Settle):
        play.result(RECEIPT)
    assert (play.got[-1].status, data in play.got[-1].body) == (502, False)


def test_silence_breaks_the_answer_off() -> None:
    play = answered(SSE)
    play >> ResponseBody(100.6, EVENTS[1], end=False) << Pass
    play >> Stalled(300.0)
    outcome: Outcome = play.take().outcome
    assert (outcome.ok, outcome.answered) == (False, 408)
    play.result(RECEIPT) << Watch(None) << Immediate
    play >> StreamClosed(301.0)
    play.done()


def test_silence_after_the_last_event_ends_the_answer() -> None:
    play = answered(SSE)
    play >> ResponseBody(100.6, b"".join(EVENTS), end=False) << Settle
    play.result(RECEIPT) << Pass
    play >> Stalled(300.0) << Pass(b"", end=True)
    play >> StreamClosed(301.0)
    play.done()


@pytest.mark.parametrize(("flags", "produced"), [("UF", False), ("UT", True)])
def test_upstream_that_is_away_is_not_asked_again(flags: str, produced: bool) -> None:
    reply = {**JSON, "x-gateway-retry": flags}
    play = sent() >> ResponseHeaders(100.5, 504, reply)
    outcome: Outcome = play.take().outcome
    assert (outcome.ok, outcome.produced, outcome.http_status) == (False, produced, 0)
    play.result(RECEIPT) << Watch(None)
    refusal = play.take()
    assert refusal.status == 504
    assert "x-gateway-retry" not in refusal.headers
    assert orjson.loads(refusal.body)["type"] == "error"  # as an Anthropic client reads it


def test_second_attempt_is_refused() -> None:
    play = Playbook(PassFlow(PASSED))
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(caller(attempt=2))
    assert play.take().status == 503
    play << Refused


@pytest.mark.parametrize("error", [AuthError("no"), ModelDenied("no")])
def test_who_may_not_call_is_told_so_in_the_providers_form(error: Any) -> None:
    play = Playbook(PassFlow(PASSED)) >> RequestHeaders(100.0, HEADERS) << Identify
    refusal = play.refuse(error).take()
    assert (refusal.status, orjson.loads(refusal.body)) == (
        error.status,
        error.anthropic_envelope(),
    )
    play << Refused("pass_through", error.status)


def test_refused_passage_is_told_in_the_providers_form() -> None:
    play = identified()
    play >> RequestBody(100.1, BODY) << Resolve
    refusal = play.refuse(InvalidRequest("no")).take()
    assert orjson.loads(refusal.body)["error"]["type"] == "invalid_request_error"
    play << Refused
    play >> StreamClosed(101.0)
    play.done()


def test_envoys_own_answer_passes_as_it_is() -> None:
    play = identified() >> ResponseHeaders(100.5, 413, JSON) << Release({}, ())
    play >> ResponseBody(100.6, b"{}", end=True) << Pass(b"{}", end=True)
    play >> StreamClosed(101.0)
    play.done()


def test_event_out_of_turn_is_a_bug() -> None:
    play = Playbook(PassFlow(PASSED))
    with pytest.raises(Internal):
        play >> RequestBody(100.0, b"")


@pytest.mark.parametrize(
    ("method", "path", "passes"),
    [
        ("GET", "/anthropic/v1/models", True),
        ("PATCH", "/nobody/knows", True),
        ("POST", "/v1/messages", False),
        ("POST", "/openai/deployments/a/chat/completions", False),
    ],
)
def test_unknown_paths_and_providers_prefixes_pass(method: str, path: str, passes: bool) -> None:
    play = Playbook(Entry()) >> RequestHeaders(100.0, {":method": method, ":path": path})
    route: Route = play.take().route
    assert (route.served == "pass_through") is passes
    play.refuse(NotFound("no")) << Immediate << Refused


def test_events_of_another_kind_are_not_for_it() -> None:
    flow: Any = PassFlow(PASSED)
    with pytest.raises(Internal):
        list(flow.handle(Event(1.0)))

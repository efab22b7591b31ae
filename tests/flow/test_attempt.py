"""The attempt's state machine, driven by hand."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import orjson
import pytest

from extproc.domain.outcome import Receipt
from extproc.domain.routes import Route
from extproc.domain.usage import Usage
from extproc.errors import AuthError, Internal, ModelDenied
from extproc.flow.attempt import TRANSITIONS, AttemptFlow, State
from extproc.flow.commands import (
    Admit,
    Begin,
    Identify,
    Immediate,
    Pass,
    PassHeaders,
    Refused,
    Release,
    Remember,
    Send,
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
from tests.calls import call, deployment, plan
from tests.playbook import Playbook

HEADERS = {
    ":method": "POST",
    ":path": "/v1/chat/completions",
    "authorization": "Bearer sk-client",
    "cookie": "session=1",
    "content-type": "application/json",
}
BODY = b'{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}'
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream; charset=utf-8", "set-cookie": "a=b", "x-extra": "1"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
WHOLE = orjson.dumps(
    {
        "id": "r1",
        "model": "gpt-4o-2024",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello you"}}],
        "usage": USAGE,
    }
)
RECEIPT = Receipt(1_500_000_000, 2_500_000_000)


def chunk(content: str = "", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {"id": "r1", "model": "gpt-4o-2024", "choices": [choice], **more}


def frames(*events: Any) -> bytes:
    lines = (e if isinstance(e, bytes) else orjson.dumps(e) for e in events)
    return b"".join(b"data: " + line + b"\n\n" for line in lines)


USAGE_CHUNK = {"id": "r1", "model": "gpt-4o-2024", "choices": [], "usage": USAGE}
LAST = {"index": 0, "delta": {}, "finish_reason": "stop"}
STREAM = frames(chunk("Hel"), chunk("lo"), chunk(choices=[LAST]), USAGE_CHUNK, b"[DONE]")


def sent(body: bytes = BODY, **changes: Any) -> Playbook:
    """A flow whose request has just left."""
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    admitted = call(plan=plan(), **changes)
    play.result(admitted) << PassHeaders()
    play >> RequestBody(100.1, body) << Admit
    play.result(replace(admitted, body=orjson.loads(body))) << Sign
    play.result({"authorization": "Bearer sk-provider"}) << Begin
    play.result(100.2) << Send
    return play


def streaming(**changes: Any) -> Playbook:
    body = BODY[:-1] + b',"stream":true}'
    play = sent(body, streaming=True, **changes)
    return play >> ResponseHeaders(100.5, 200, SSE) << Watch(120.0)


def passed(play: Playbook) -> bytes:
    """Everything passed to the client by the commands that wait."""
    out = b"".join(c.data for c in play.got if isinstance(c, Pass))
    play.got.clear()
    return out


def test_request_leaves_with_provider_credentials_and_nothing_of_the_client() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    admitted = call(plan=plan())
    play.result(admitted) << PassHeaders()
    play >> RequestBody(100.1, BODY) << Admit
    departure = play.result(admitted).take().departure
    assert (departure.deployment, departure.path) == (deployment("d1"), "/v1/chat/completions")
    assert orjson.loads(departure.body)["model"] == "gpt-4o"
    assert departure.headers.keys().isdisjoint({"authorization", "cookie"})
    play.result({"authorization": "Bearer sk-provider"}) << Begin(admitted, deployment("d1"))
    play.result(100.2)
    send = play.take()
    assert send.set_headers["authorization"] == "Bearer sk-provider"
    assert send.set_headers[":path"] == "/v1/chat/completions"
    assert send.set_headers[":authority"] == "d1.example"
    assert "cookie" in send.remove_headers and "authorization" not in send.remove_headers
    assert orjson.loads(send.body)["model"] == "gpt-4o"


def test_body_that_needs_no_change_is_not_sent_back() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    same_name = deployment("d1", model="gpt")
    play.result(call(plan=plan(same_name))) << PassHeaders()
    play >> RequestBody(100.1, BODY) << Admit
    play.result(call(plan=plan(same_name))) << Sign
    play.result({}) << Begin
    play.result(100.2)
    assert play.take().body is None


def test_whole_answer_is_settled_before_it_is_released() -> None:
    play = sent()
    play >> ResponseHeaders(100.5, 200, JSON) << Watch(120.0)
    play >> ResponseBody(100.6, WHOLE[:20], False)
    play >> ResponseBody(100.7, WHOLE[20:], True)
    settle = play.take()
    assert settle.outcome.usage == Usage(input=5, output=2) and settle.outcome.ok
    play.result(RECEIPT)
    answer = play.take()
    assert answer.headers["x-litellm-response-cost"] == "1.5"
    assert answer.headers["x-litellm-key-spend"] == "2.5"
    assert answer.headers["x-litellm-model-id"] == "d1"
    assert answer.status == 200 and orjson.loads(answer.body)["model"] == "gpt"
    play << Watch(None)
    play.done()
    assert list(play.flow.handle(StreamClosed(101.0))) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_stream_split_anywhere_hides_usage_that_was_not_asked(size: int) -> None:
    play = streaming()
    out = b""
    for start in range(0, len(STREAM), size):
        play >> ResponseBody(101.0, STREAM[start : start + size], False)
        while any(isinstance(c, Settle) for c in play.got):
            out += b"".join(c.data for c in play.got if isinstance(c, Pass))
            assert play.got[-1].outcome.usage == Usage(input=5, output=2)
            play.got.clear()
            play.result(RECEIPT)
        out += passed(play)
    play >> ResponseBody(102.0, b"", True) << Pass(b"", end=True) << Watch(None)
    restamped = [{**c, "model": "gpt"} for c in (chunk("Hel"), chunk("lo"), chunk(choices=[LAST]))]
    restamped[0]["choices"][0]["delta"]["role"] = "assistant"
    assert out == frames(*restamped, b"[DONE]")


def test_usage_chunk_reaches_a_client_that_asked() -> None:
    play = streaming(usage_asked=True)
    play >> ResponseBody(101.0, STREAM, False)
    play.result(RECEIPT)
    assert b'"total_tokens":7' in passed(play)


def test_provider_headers_are_renamed_and_cookies_dropped() -> None:
    play = streaming()
    play >> ResponseBody(101.0, frames(chunk("Hel")), False)
    release = play.take()
    assert release.set_headers["llm_provider-x-extra"] == "1"
    assert "llm_provider-set-cookie" not in release.set_headers
    assert "set-cookie" in release.remove_headers
    assert "x-litellm-response-cost" not in release.set_headers


def test_stream_without_done_ends_in_an_error_event() -> None:
    play = streaming()
    play >> ResponseBody(101.0, frames(chunk("Hel")), False)
    play.got.clear()
    play >> ResponseBody(102.0, b"", True)
    outcome = play.take().outcome
    assert not outcome.ok and outcome.text == "Hel" and outcome.usage is None
    play.result(RECEIPT) << Watch(None)
    last = play.take()
    assert last.end and b'"error"' in last.data and b"[DONE]" not in last.data


def test_silent_stream_ends_in_an_error_event() -> None:
    play = streaming()
    play >> ResponseBody(101.0, frames(chunk("Hel")), False)
    play.got.clear()
    play >> Stalled(221.0) << Settle
    play.result(RECEIPT) << Watch(None)
    assert b"no data for 120 seconds" in play.take().data


def test_events_before_an_error_event_still_reach_the_client() -> None:
    play = streaming()
    error = {"error": {"message": "overloaded", "code": 529}}
    play >> ResponseBody(101.0, frames(chunk("Hel"), error), False)
    play << Release
    assert b"Hel" in play.take().data
    play << Settle
    play.result(RECEIPT) << Watch(None)
    assert b"overloaded" in play.take().data


def test_error_as_first_event_is_plain_json_with_its_status() -> None:
    play = streaming(attempt=3)
    error = {"error": {"message": "slow down", "code": "429"}}
    play >> ResponseBody(101.0, frames(error), False) << Settle
    play.result(RECEIPT) << Watch(None)
    answer = play.take()
    assert answer.status == 429 and answer.headers["content-type"] == "application/json"
    assert "slow down" in orjson.loads(answer.body)["error"]["message"]


def test_json_answer_to_a_streaming_request_becomes_events() -> None:
    play = sent(BODY[:-1] + b',"stream":true}', streaming=True)
    play >> ResponseHeaders(100.5, 200, JSON) << Watch
    play >> ResponseBody(100.7, WHOLE, True) << Settle
    data = play.result(RECEIPT).take().body
    assert b'"delta":{"role":"assistant","content":"Hello you"}' in data
    assert data.endswith(b"data: [DONE]\n\n") and b"total_tokens" not in data


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529, 401])
def test_failure_of_one_deployment_goes_to_the_next(status: int) -> None:
    play = sent()
    play >> ResponseHeaders(100.5, status, {**JSON, "retry-after": "30"})
    outcome = play.take().outcome
    assert not outcome.produced and outcome.http_status == status
    play.result(RECEIPT) << Watch(None) << Remember
    answer = play.result(None).take()
    assert answer.headers["x-gateway-retry"] == "1" and "retry-after" not in answer.headers
    play >> ResponseBody(100.6, b"{}", False)
    play.done()


@pytest.mark.parametrize("status", [400, 404, 422])
def test_client_error_is_not_retried(status: int) -> None:
    play = sent()
    play >> ResponseHeaders(100.5, status, JSON) << Watch(120.0)
    play >> ResponseBody(100.6, b'{"error":{"message":"no","type":"t","param":"p"}}', True)
    play << Settle
    play.result(RECEIPT) << Watch(None)
    error = orjson.loads(play.take().body)["error"]
    assert error["param"] == "p" and "OpenAIException - no" in error["message"]


def test_same_deployment_again_waits_as_the_provider_says() -> None:
    only = plan(deployment("d1"))
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(call(plan=only)) << PassHeaders()
    play >> RequestBody(100.1, BODY) << Admit
    play.result(call(plan=only)) << Sign
    play.result({}) << Begin
    play.result(100.2) << Send
    play >> ResponseHeaders(100.5, 429, {"retry-after": "7"}) << Settle
    play.result(RECEIPT) << Watch(None) << Remember
    assert play.result(None).take().headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("body", "reason"), [(b"", "empty"), (b"<html>", "not JSON"), (b"[1]", "not a JSON object")]
)
def test_unusable_answer_is_a_502(body: bytes, reason: str) -> None:
    play = sent(attempt=3)
    play >> ResponseHeaders(100.5, 200, JSON) << Watch
    play >> ResponseBody(100.6, body, True) << Settle
    play.result(RECEIPT) << Watch(None)
    answer = play.take()
    assert answer.status == 502 and reason in orjson.loads(answer.body)["error"]["message"]


def test_an_answer_that_is_nearly_json_is_not_lost() -> None:
    play = sent()
    play >> ResponseHeaders(100.5, 200, JSON) << Watch
    told = rb'{"choices":[{"index":0,"message":{"content":"Hi \ud83d"},"logprobs":NaN}]}'
    play >> ResponseBody(100.7, told, True) << Settle
    [choice] = orjson.loads(play.result(RECEIPT).take().body)["choices"]
    assert choice["message"]["content"] == "Hi \ufffd" and choice["logprobs"] is None


def test_stream_that_never_begins_goes_to_the_next_deployment() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    impatient = call(plan=plan(), streaming=True, stream_timeout_seconds=2.0)
    play.result(impatient) << PassHeaders()
    play >> RequestBody(100.1, BODY) << Admit
    play.result(impatient) << Sign
    play.result({}) << Begin
    play.result(100.2) << Send << Watch(2.0)
    play >> Stalled(102.2) << Settle
    play.result(RECEIPT) << Watch(None) << Remember
    assert play.result(None).take().headers["x-gateway-retry"] == "1"


def test_refusal_of_the_key_answers_before_the_body() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.refuse(AuthError("no"))
    answer = play.take()
    assert isinstance(answer, Immediate) and answer.status == 401
    play << Refused("chat", 401)
    play.done()
    assert list(play.flow.handle(StreamClosed(101.0))) == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1beta/models/g:generateContent"])
def test_refusal_of_the_key_is_told_as_the_paths_clients_read_it(path: str) -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, {**HEADERS, ":path": path}) << Identify
    body = orjson.loads(play.refuse(AuthError("no")).take().body)
    if path == "/v1/messages":
        assert body == {"type": "error", "error": {"type": "authentication_error", "message": "no"}}
    else:
        assert body["error"]["status"] == "UNAUTHENTICATED"
    play << Refused


def test_refusal_at_admission_begins_nothing() -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(call()) << PassHeaders()
    play >> RequestBody(100.1, BODY) << Admit
    play.refuse(ModelDenied("not yours"))
    assert play.take().status == 403
    play << Refused
    assert list(play.flow.handle(StreamClosed(101.0))) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"nul"])
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(call()) << PassHeaders()
    play >> RequestBody(100.1, body)
    answer = play.take()
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"]["param"] == "request_body"


def test_cancelled_stream_settles_late_with_what_was_produced() -> None:
    play = streaming()
    play >> ResponseBody(101.0, frames(chunk("Hel")), False)
    play.got.clear()
    (late,) = list(play.flow.handle(StreamClosed(102.0)))
    assert isinstance(late, SettleLate)
    assert late.outcome.text == "Hel" and late.outcome.produced and not late.outcome.ok


def test_stream_cancelled_while_settling_settles_late() -> None:
    play = sent()
    play >> ResponseHeaders(100.5, 200, JSON) << Watch
    play >> ResponseBody(100.7, WHOLE, True) << Settle
    play.steps.close()
    assert [type(c) for c in play.flow.handle(StreamClosed(101.0))] == [SettleLate]


def test_envoys_own_answer_passes_as_it_is() -> None:
    play = Playbook(Entry())
    play >> ResponseHeaders(100.0, 413, JSON) << Release({}, ())
    play >> ResponseBody(100.0, b"{}", True) << Pass(b"{}", True)
    play.done()


def _events() -> Iterable[Event]:
    yield RequestHeaders(1.0, HEADERS)
    yield RequestBody(1.0, BODY)
    yield ResponseHeaders(1.0, 200, JSON)
    yield ResponseBody(1.0, b"", False)
    yield ResponseTrailers(1.0)
    yield Stalled(1.0)


@pytest.mark.parametrize(("state", "event"), list(product(State, _events())))
def test_every_pair_is_in_the_table_or_refused(state: State, event: Event) -> None:
    flow = AttemptFlow(Route("chat"))
    flow.state = state
    if type(event) in TRANSITIONS[state]:
        assert isinstance(TRANSITIONS[state][type(event)], State)
    else:
        with pytest.raises(Internal):
            list(flow.handle(event))


def test_settlement_in_progress_is_never_doubled() -> None:
    play = streaming()
    play >> ResponseBody(101.0, frames(chunk("Hel")), False)
    play.got.clear()
    play >> Stalled(221.0) << Settle
    waiting = play.steps
    assert list(play.flow.handle(StreamClosed(222.0))) == []
    waiting.close()


def test_bytes_after_done_change_nothing() -> None:
    play = streaming()
    play >> ResponseBody(101.0, STREAM, False)
    play.result(RECEIPT)
    play.got.clear()
    play >> ResponseBody(101.5, frames({"error": {"message": "late"}}), False)
    play >> ResponseBody(102.0, b"", True) << Pass(b"", end=True) << Watch(None)
    play.done()


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"other","messages":[{"role":"user","content":"Hi"}],"model":"gpt"}',
        b'{"model":"gpt","messages":[{"role":"user","content":"H\\u0069"}]}',
    ],
)
def test_body_that_another_parser_may_read_otherwise_is_written_anew(body: bytes) -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    same = call(plan=plan(deployment("d1", model="gpt")))
    play.result(same) << PassHeaders()
    play >> RequestBody(100.1, body) << Admit
    play.result(same) << Sign
    play.result({}) << Begin
    sent_body = play.result(100.2).take().body
    assert sent_body is not None and orjson.loads(sent_body)["model"] == "gpt"


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_nesting_deeper_than_can_be_written_is_refused(opening: bytes) -> None:
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(call()) << PassHeaders()
    closing = b"}" if opening.startswith(b"{") else b"]"
    nested = opening * 300 + b"1" + closing * 300
    play >> RequestBody(100.1, b'{"model":"gpt","x":' + nested + b"}")
    answer = play.take()
    assert answer.status == 400 and b"nested too deeply" in answer.body


def test_provider_answer_too_deep_to_write_is_settled_as_a_failure() -> None:
    play = sent(attempt=3)
    play >> ResponseHeaders(100.5, 200, JSON) << Watch
    deep = b'{"x":' * 300 + b"1" + b"}" * 300
    play >> ResponseBody(100.6, deep, True)
    settle = play.take()
    assert not settle.outcome.ok
    play.result(RECEIPT) << Watch(None)
    assert play.take().status == 502


def test_unreadable_text_of_a_failure_does_not_hide_its_status() -> None:
    play = sent()
    play >> ResponseHeaders(100.5, 400, {**JSON, "content-encoding": "br"}) << Watch(120.0)
    play >> ResponseBody(100.6, b"\x8b\x02", True) << Settle
    play.result(RECEIPT) << Watch(None)
    assert play.take().status == 400


def test_success_in_an_encoding_nobody_asked_for_is_billed_by_estimate() -> None:
    play = sent(attempt=3)
    play >> ResponseHeaders(100.5, 200, {**JSON, "content-encoding": "br"})
    assert play.take().outcome.produced


def test_attempt_given_up_while_the_provider_worked_is_billed_by_estimate() -> None:
    play = sent(attempt=3)
    timed_out = {**JSON, "x-gateway-retry": "UT"}
    play >> ResponseHeaders(100.5, 504, timed_out) << Watch(120.0)
    play >> ResponseBody(100.6, b"{}", True)
    assert play.take().outcome.produced


def test_content_type_is_read_in_any_case() -> None:
    play = sent(BODY[:-1] + b',"stream":true}', streaming=True)
    play >> ResponseHeaders(100.5, 200, {"content-type": "Text/Event-Stream"}) << Watch
    play >> ResponseBody(101.0, frames(chunk("Hel")), False) << Release


def test_a_form_that_needs_no_change_keeps_its_boundary() -> None:
    headers = {"content-type": "multipart/form-data; boundary=b1", ":method": "POST"}
    form = (
        b'--b1\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n'
        b'--b1\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
        b"--b1--\r\n"
    )
    asked = call(endpoint="transcriptions", headers=headers, plan=plan())
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, {**headers, ":path": "/v1/audio/transcriptions"}) << Identify
    play.result(asked) << PassHeaders()
    play >> RequestBody(100.1, form)
    admit = play.take()
    departure = play.result(admit.call).take().departure
    assert departure.headers["content-type"] == "multipart/form-data; boundary=b1"
    assert departure.body == form


def test_a_compressed_request_is_told_so() -> None:
    headers = {**HEADERS, "content-encoding": "gzip"}
    play = Playbook(Entry())
    play >> RequestHeaders(100.0, headers) << Identify
    play.result(call(headers=headers)) << PassHeaders()
    play >> RequestBody(100.1, b"\x1f\x8b")
    refusal = play.take()
    assert refusal.status == 400 and b"content-encoding" in refusal.body

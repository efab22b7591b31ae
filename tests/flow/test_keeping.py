"""A Responses answer is remembered before its last byte, and only if its client wants it."""

from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.conversation import Remembered
from extproc.domain.key import Key
from extproc.domain.outcome import Receipt
from extproc.flow.commands import (
    Admit,
    Begin,
    Identify,
    Immediate,
    Keep,
    Note,
    Pass,
    PassHeaders,
    Release,
    Send,
    Settle,
    SettleLate,
    Sign,
    Watch,
)
from extproc.flow.entry import Entry
from extproc.flow.events import (
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
    StreamClosed,
)
from extproc.providers.responses import ids
from tests.calls import call, deployment, plan
from tests.playbook import Playbook

HEADERS = {":method": "POST", ":path": "/v1/responses", "content-type": "application/json"}
CHAT = deployment("d1", schema="openai_chat")
NATIVE = deployment("d1")
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}
RECEIPT = Receipt(0, 0)
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
ANSWERED = {
    "id": "r1",
    "model": "gpt-4o-2024",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}],
    "usage": USAGE,
}
OWN = {"id": "resp_theirs", "object": "response", "status": "completed", "output": []}
KEY_ID = ids.encode("d1", "c1")


def asked(home: Any = CHAT, key: Key | None = None, **body: Any) -> tuple[Playbook, Call]:
    """A flow whose request has just left."""
    body = {"model": "gpt", "input": "Hi", **body}
    play = Playbook(Entry())
    admitted = call(
        endpoint="responses",
        path="/v1/responses",
        plan=plan(home),
        key=key or Key("hash-of-key"),
        body={name: each for name, each in body.items() if name != "previous_response_id"},
        asked=body,
        streaming=body.get("stream", False),
    )
    play >> RequestHeaders(100.0, HEADERS) << Identify
    play.result(admitted) << PassHeaders()
    play >> RequestBody(100.1, orjson.dumps(body)) << Admit
    play.result(admitted) << Sign
    play.result({}) << Begin
    play.result(100.2) << Send
    return play, admitted


def whole(play: Playbook, answer: Any) -> Playbook:
    play >> ResponseHeaders(100.5, 200, JSON) << Watch(120.0)
    return play >> ResponseBody(101.0, orjson.dumps(answer), True) << Settle


def test_a_whole_answer_is_kept_before_it_goes() -> None:
    play, _ = asked()
    kept = whole(play, ANSWERED).result(RECEIPT).take()
    assert isinstance(kept, Keep)
    said = kept.said
    assert (said.id, said.owner, said.deployment_id) == (KEY_ID, "hash-of-key", "d1")
    assert [item.get("role") for item in said.items] == ["user", "assistant"]
    play.result(None)
    shown = play.take()
    assert isinstance(shown, Immediate)
    assert orjson.loads(shown.body) == said.response


def test_an_answer_names_what_it_continues() -> None:
    play, _ = asked(previous_response_id="resp_before")
    said = whole(play, ANSWERED).result(RECEIPT).take().said
    assert said.response["previous_response_id"] == "resp_before"


def test_a_stream_is_kept_before_its_last_event_goes() -> None:
    play, _ = asked(stream=True)
    play >> ResponseHeaders(100.5, 200, SSE) << Watch(120.0)
    head = {"id": "r1", "model": "m"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": "Hello"}}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": USAGE},
    ]
    data = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks)
    play >> ResponseBody(101.0, data + b"data: [DONE]\n\n", True) << Release << Settle
    kept = play.result(RECEIPT).take()
    assert kept.said.response["status"] == "completed"
    assert kept.said.response["output"][0]["content"][0]["text"] == "Hello"
    play.result(None)
    passed = play.take()
    assert isinstance(passed, Pass) and b"response.completed" in passed.data


@pytest.mark.parametrize("home", [CHAT, NATIVE])
def test_nothing_is_kept_that_is_not_to_be_stored(home: Any) -> None:
    play, _ = asked(home, store=False)
    whole(play, ANSWERED if home is CHAT else OWN).result(RECEIPT) << Immediate


def test_of_a_providers_own_answer_only_whose_it_is() -> None:
    play, _ = asked(NATIVE)
    shown = ids.encode("d1", "resp_theirs")
    kept = whole(play, OWN).result(RECEIPT).take()
    assert kept == Keep(Remembered(shown, "hash-of-key", "d1", 100.0))
    play.result(None) << Immediate


def test_what_goes_on_in_the_background_is_billed_later_by_its_id() -> None:
    play, _ = asked(NATIVE, background=True)
    play >> ResponseHeaders(100.5, 200, JSON) << Watch(120.0)
    queued = {**OWN, "status": "queued", "usage": None}
    play >> ResponseBody(101.0, orjson.dumps(queued), True)
    outcome = play.take().outcome
    assert (outcome.deferred, outcome.response_id, outcome.usage) == (True, "resp_theirs", None)
    kept = play.result(RECEIPT).take()
    assert kept.said.background
    play.result(None) << Immediate


def event(kind: str, **response: Any) -> bytes:
    told = {"type": kind, "response": {**OWN, **response}}
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(told) + b"\n\n"


def test_a_background_stream_is_noted_with_its_first_event_and_billed_later() -> None:
    play, _ = asked(NATIVE, background=True, stream=True)
    play >> ResponseHeaders(100.5, 200, SSE) << Watch(120.0)
    play >> ResponseBody(101.0, event("response.created", status="queued"), False) << Release
    noted = play.take()
    assert isinstance(noted, Note) and noted.outcome.deferred
    assert noted.outcome.response_id == "resp_theirs"
    play.result(None) << Pass
    usage = {"input_tokens": 5, "output_tokens": 2}
    play >> ResponseBody(102.0, event("response.completed", usage=usage), True)
    settled = play.take()
    assert isinstance(settled, Settle)
    assert (settled.outcome.deferred, settled.outcome.usage) == (True, None)


def test_a_background_stream_whose_client_leaves_is_billed_later() -> None:
    play, _ = asked(NATIVE, background=True, stream=True)
    play >> ResponseHeaders(100.5, 200, SSE) << Watch(120.0)
    play >> ResponseBody(101.0, event("response.created", status="queued"), False)
    play << Release << Note
    play.result(None) << Pass
    play >> StreamClosed(103.0)
    late = play.take()
    assert isinstance(late, SettleLate) and late.outcome.deferred


def test_what_the_master_key_made_at_a_provider_needs_no_owner() -> None:
    play, _ = asked(NATIVE, Key("master", is_master=True))
    whole(play, OWN).result(RECEIPT) << Immediate


def test_a_refused_answer_is_not_kept() -> None:
    play, _ = asked()
    play >> ResponseHeaders(100.5, 400, JSON) << Watch(120.0)
    play >> ResponseBody(101.0, b'{"error":{"message":"no"}}', True) << Settle
    play.result(RECEIPT) << Watch(None) << Immediate
    play.done()

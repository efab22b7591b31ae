"""Every reviewed exchange, carried through a whole attempt: the client gets the same bytes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.outcome import Receipt
from extproc.flow.commands import (
    Admit,
    Begin,
    Command,
    Identify,
    Immediate,
    Pass,
    Settle,
    Sign,
)
from extproc.flow.entry import Entry
from extproc.flow.events import Event, RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from tests.calls import call, plan
from tests.providers import cases

FOUND = [case for case in cases.found() if any(case.glob("upstream.*"))]
TYPES = {
    "json": "application/json",
    "txt": "text/plain",
    "html": "text/html",
    "raw": "audio/mpeg",
    **cases.STREAMS,
}


class Carried:
    """One case's attempt: its effects answered as a worker would, what the client gets kept."""

    def __init__(self, case: Path, target: str = "/x?alt=sse") -> None:
        self.request, self.about = cases.request_of(case)
        self.endpoint: Any = case.parts[-3]
        self.target = target
        self.body = b""
        self.status = 0
        self.settled: list[Settle] = []
        self._flow = Entry()

    def run(self, kind: str, raw: bytes) -> None:
        path = {":method": "POST", ":path": "/v1/chat/completions"}
        self._feed(RequestHeaders(1.0, path))
        self._feed(RequestBody(1.0, b"{}"))
        status = self.about["status"]
        headers = {"content-type": TYPES[kind], **self.about["headers"]}
        self._feed(ResponseHeaders(2.0, status, headers))
        self._feed(ResponseBody(3.0, raw, True))

    def _feed(self, event: Event) -> None:
        steps, result = self._flow.handle(event), None
        try:
            while True:
                result = self._do(steps.send(result))
        except StopIteration:
            return

    def _do(self, command: Command) -> Any:
        match command:
            case Identify() | Admit():
                return self._call()
            case Sign():
                return {}
            case Begin():
                return 1.5
            case Settle():
                self.settled.append(command)
                return Receipt(0, 0)
            case Immediate():
                self.status, self.body = command.status, command.body
            case Pass():
                self.status, self.body = 200, self.body + command.data
        return None

    def _call(self) -> Call:
        request = self.request
        deployment = replace(
            request.deployment,
            additional_drop_params=(),
            allowed_params=request.allowed,
            modify_params=request.modify_params,
            drop_params=request.drop_params,
        )
        return call(
            id=request.call_id,
            endpoint=self.endpoint,
            path=self.target,
            headers=dict(request.headers),
            received_at=request.at,
            body=request.body,
            model=cases.CLIENT_MODEL,
            streaming=request.streaming,
            usage_asked=True,
            plan=plan(deployment, attempts=1),
        )


@pytest.mark.parametrize("case", FOUND, ids=lambda case: "/".join(case.parts[-3:]))
def test_a_whole_attempt_gives_the_client_what_was_reviewed(case: Path) -> None:
    carried = Carried(case)
    carried.run(*cases.upstream(case))
    assert len(carried.settled) == 1
    whole, stream, raw = (case / f"client.{kind}" for kind in ("json", "sse", "raw"))
    if raw.exists():
        assert carried.body == raw.read_bytes()
    elif stream.exists() and carried.status == 200:
        assert carried.body.decode() == stream.read_text()
    elif stream.exists():  # the stream began with its failure: the client gets a plain one
        assert message_of(orjson.loads(carried.body)) in stream.read_text()
    else:
        shown = orjson.loads(whole.read_bytes())
        if carried.status != 200:
            assert shown["status"] == carried.status
            shown = shown["body"]
        assert orjson.loads(carried.body) == shown


GOOGLES = [
    case for case in FOUND if case.parts[-3] == "generate" and (case / "client.sse").exists()
]


@pytest.mark.parametrize("case", GOOGLES, ids=lambda case: "/".join(case.parts[-2:]))
def test_google_s_clients_that_do_not_ask_for_events_get_them_as_one_array(case: Path) -> None:
    events, array = Carried(case), Carried(case, "/v1beta/models/m:streamGenerateContent?alt=json")
    for each in (events, array):
        each.run(*cases.upstream(case))
    assert array.status == events.status
    if events.status == 200:
        lines = events.body.decode().splitlines()
        told = [orjson.loads(line[6:]) for line in lines if line.startswith("data: ")]
        assert orjson.loads(array.body) == told


def message_of(envelope: dict[str, Any]) -> str:
    """As it is written in JSON."""
    return orjson.dumps(envelope["error"]["message"]).decode()

"""What all processes write becomes one readable stream."""

import json
from io import StringIO

from extproc.agent.console import Console

CALL = {
    "log": "call",
    "time": "2026-01-01T00:00:00Z",
    "method": "POST",
    "path": "/v1/chat/completions",
    "status": 200,
    "duration_ms": 12,
    "flags": "-",
    "attempts": 2,
    "call_id": "c1",
}


def shown(name: str, *lines: str, as_json: bool = False) -> list[str]:
    out = StringIO()
    Console(out, as_json=as_json).show(name, lines)
    return out.getvalue().splitlines()


def test_each_line_names_its_process() -> None:
    assert shown("worker-0", "one", "two") == ["worker-0   one", "worker-0   two"]


def test_an_access_log_line_reads_like_a_sentence() -> None:
    line = "envoy      POST /v1/chat/completions 200 12 ms attempts=2 call_id=c1"
    assert shown("envoy", json.dumps(CALL)) == [line]


def test_other_records_are_pairs() -> None:
    assert shown("envoy", '{"log": "attempt", "time": "t", "status": 503, "upstream": "-"}') == [
        "envoy      log=attempt status=503"
    ]


def test_what_only_looks_like_json_is_shown_as_it_is() -> None:
    assert shown("admin", "{not json", "{1: 2}") == ["admin      {not json", "admin      {1: 2}"]


def test_json_passes_through_and_the_rest_is_wrapped() -> None:
    first, second = shown("postgres", json.dumps(CALL), 'FATAL: "x"', as_json=True)
    assert first == json.dumps(CALL)
    assert json.loads(second) == {"process": "postgres", "message": 'FATAL: "x"'}

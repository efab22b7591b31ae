import json
from pathlib import Path

import pytest

from bench.load import WORKLOADS, CannotRun, Shot, Wrk, autocannon_shot, output, wrk_shot

WRK = """Running 2s test @ http://127.0.0.1:9911/v1/chat/completions
  1 threads and 16 connections
Requests/sec:   1500.00
{"requests":3000,"microseconds":2000000,"p50":1500,"p99":12000,"errors":2}
"""
AUTOCANNON = {
    "duration": 2.5,
    "errors": 1,
    "timeouts": 3,
    "non2xx": 2,
    "latency": {"p50": 4, "p99": 21},
    "requests": {"total": 500},
}


def test_wrk_s_last_line_has_the_figures() -> None:
    assert wrk_shot(WRK) == Shot(3000, 2.0, 1.5, 12.0, 2)


def test_autocannon_s_errors_timeouts_and_refusals_are_one_number() -> None:
    assert autocannon_shot(json.dumps(AUTOCANNON)) == Shot(500, 2.5, 4, 21, 6)


def test_a_rate_is_answers_per_second() -> None:
    assert Shot(500, 2.5, 0, 0, 0).rate == 200


def test_only_streaming_workloads_ask_for_streams() -> None:
    asked = {each.name: json.loads(each.body).get("stream", False) for each in WORKLOADS}
    assert asked == {"c1": False, "c16": False, "c64": False, "streams": True}


def test_a_failing_tool_says_its_last_line() -> None:
    with pytest.raises(CannotRun, match="sh failed: no such host"):
        output(["sh", "-c", "echo first >&2; echo no such host >&2; exit 1"], 10)


def test_a_silent_tool_says_that_it_failed() -> None:
    with pytest.raises(CannotRun, match="false failed"):
        output(["false"], 10)


def test_the_whole_request_reaches_wrk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "wrk"
    figures = '{"requests":1,"microseconds":1,"p50":1,"p99":1,"errors":0}'
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/seen\necho '{figures}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    stream = WORKLOADS[-1]
    Wrk().fire("http://127.0.0.1:1/v1", {"authorization": "Bearer k"}, stream, 3)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {f"-c{stream.connections}", "-d3s", "http://127.0.0.1:1/v1"} <= set(seen)
    assert seen[seen.index("--") + 1 :] == [stream.body, "authorization", "Bearer k"]

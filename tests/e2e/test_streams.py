"""Every way a provider's stream can be odd, and what the client may then see."""

from typing import Any

import httpx
import pytest

from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.upstream import Upstream
from tests.e2e.words import errors, events, is_envelope, text_of

MESSAGES = [{"role": "user", "content": "please count for me"}]
SIX = "one two three four five six"


def stream(gateway: Gateway, orders: dict[str, Any], group: str = "solo") -> httpx.Response:
    body = {
        "model": group,
        "messages": MESSAGES,
        "stream": True,
        "x_demo": {"words": 6, **orders},
    }
    return gateway.chat(body)


def broken_stream(gateway: Gateway, orders: dict[str, Any], group: str = "solo") -> str:
    """What arrived before the transfer broke; fails when it ended cleanly."""
    body = {"model": group, "messages": MESSAGES, "stream": True, "x_demo": orders}
    received = ""
    with (
        pytest.raises(httpx.TransportError),
        gateway.http.stream(
            "POST", "/v1/chat/completions", json=body, headers=gateway.auth()
        ) as answer,
    ):
        assert answer.status_code == 200
        for piece in answer.iter_text():
            received += piece
    return received


@pytest.mark.parametrize(
    "orders",
    [
        {},
        {"split": 1},
        {"split": 7},
        {"crlf": True},
        {"comments": True},
        {"no_last_newline": True},
        {"gzip": "streamed"},
        {"gzip": "whole"},
        {"gzip": "streamed", "split": 3, "crlf": True, "comments": True},
        {"crlf": True, "split": 1, "no_last_newline": True},
        {"usage": "none"},
        {"usage": "odd"},
        {"content_length": 0},
    ],
    ids=str,
)
def test_odd_but_whole_streams_arrive_whole(gateway: Gateway, orders: dict[str, Any]) -> None:
    answer = stream(gateway, orders)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text_of(answer.text) == SIX
    assert events(answer.text)[-1] == "[DONE]"
    assert events(answer.text).count("[DONE]") == 1
    assert not errors(answer.text)


def test_events_pass_as_they_come(gateway: Gateway) -> None:
    """The provider falls silent for far longer than the client waits for the first words."""
    orders = {"words": 6, "stall_at": 3, "stall": 20}
    body = {"model": "solo", "messages": MESSAGES, "stream": True, "x_demo": orders}
    received = ""
    with gateway.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=gateway.auth(), timeout=10
    ) as answer:
        for piece in answer.iter_text():
            received += piece
            if text_of(received) == "one two":
                break
    assert text_of(received) == "one two"


def test_an_end_without_done_becomes_an_error_event(gateway: Gateway) -> None:
    answer = stream(gateway, {"no_done": True})
    assert answer.status_code == 200
    assert text_of(answer.text) == SIX
    assert len(errors(answer.text)) == 1
    assert "[DONE]" not in answer.text


def test_an_error_event_in_the_middle_reaches_the_client(gateway: Gateway) -> None:
    answer = stream(gateway, {"error_at": 3})
    assert answer.status_code == 200
    assert text_of(answer.text) == "one two"
    assert len(errors(answer.text)) == 1
    assert {"message", "type", "param", "code"} <= set(errors(answer.text)[0])
    assert "[DONE]" not in answer.text


def test_an_error_as_first_event_is_plain_json_with_its_status(gateway: Gateway) -> None:
    answer = stream(gateway, {"error_at": 0}, "pair")
    assert answer.status_code == 500
    assert is_envelope(answer), answer.text


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refused_stream_is_plain_json_with_its_status(gateway: Gateway, status: int) -> None:
    answer = stream(gateway, {"status": status})
    assert answer.status_code in ({400, 422} if status == 422 else {status})
    assert is_envelope(answer), answer.text


def test_silence_past_the_limit_becomes_an_error_event(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("stall")
    answer = stream(gateway, {"run": run, "stall_at": 3, "stall": 300}, "hasty")
    assert answer.status_code == 200, answer.text
    assert text_of(answer.text) == "one two"
    assert len(errors(answer.text)) == 1
    assert "[DONE]" not in answer.text
    eventually(lambda: upstream.seen(run)[0]["outcome"] == "left", "the upstream is let go")


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("place", [1, 3])
def test_a_cut_in_the_middle_is_never_a_clean_end(gateway: Gateway, how: str, place: int) -> None:
    received = broken_stream(gateway, {"words": 6, "cut_at": place, "cut_how": how})
    assert "[DONE]" not in received
    assert len(text_of(received).split()) <= place - 1


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("place", ["headers", 0])
@pytest.mark.parametrize("streaming", [True, False])
def test_a_cut_before_the_first_event_is_retried(
    gateway: Gateway, upstream: Upstream, how: str, place: str | int, streaming: bool
) -> None:
    run = run_id("early-cut")
    fault = {"at": "a", "run": run, "cut_at": place, "cut_how": how}
    answer = gateway.chat(
        {
            "model": "pair",
            "messages": MESSAGES,
            "stream": streaming,
            "x_demo": [fault, {"run": run, "words": 6}],
        }
    )
    assert answer.status_code == 200, answer.text
    assert SIX in (text_of(answer.text) if streaming else answer.text)
    assert [row["outcome"] for row in upstream.seen(run)] == ["cut", "answered"]


def test_a_json_answer_to_a_streaming_request_arrives(gateway: Gateway) -> None:
    answer = stream(gateway, {"json_answer": True})
    assert answer.status_code == 200
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert text_of(answer.text) == SIX
        assert events(answer.text)[-1] == "[DONE]"
    else:
        assert answer.json()["choices"][0]["message"]["content"] == SIX


def test_a_stream_shorter_than_declared_is_whole_or_no_answer(gateway: Gateway) -> None:
    """The provider declared ten bytes more than it sends; every event did arrive."""
    try:
        answer = stream(gateway, {"content_length": 10})
    except httpx.TransportError:
        return
    if answer.status_code == 200:
        assert text_of(answer.text) == SIX
        assert events(answer.text)[-1] == "[DONE]"
    else:
        assert answer.status_code >= 500
        assert is_envelope(answer), answer.text


def test_a_stream_longer_than_declared_is_not_a_clean_partial_answer(gateway: Gateway) -> None:
    """The last ten bytes, and so [DONE], lie beyond the declared length."""
    answer = stream(gateway, {"content_length": -10})
    assert text_of(answer.text) == SIX
    assert len(errors(answer.text)) == 1
    assert "[DONE]" not in answer.text


@pytest.mark.parametrize("offset", [10, -10])
def test_a_json_answer_of_wrong_length_is_never_passed_half(gateway: Gateway, offset: int) -> None:
    body = {
        "model": "pair",
        "messages": MESSAGES,
        "x_demo": [{"at": "a", "content_length": offset}, {"words": 6}],
    }
    answer = gateway.chat(body)
    if answer.status_code == 200:
        assert answer.json()["choices"][0]["message"]["content"] == SIX
    else:
        assert answer.status_code >= 500
        assert is_envelope(answer)


@pytest.mark.parametrize("gzip", ["", "whole"])
def test_a_whole_answer_in_odd_bytes(gateway: Gateway, gzip: str) -> None:
    orders = {"words": 6, "gzip": gzip, "split": 5}
    answer = gateway.chat({"model": "solo", "messages": MESSAGES, "x_demo": orders})
    assert answer.json()["choices"][0]["message"]["content"] == SIX
    if "content-length" in answer.headers and "content-encoding" not in answer.headers:
        assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("body", ["<html>oops</html>", "", "[]", "{", '"text"'])
def test_a_success_that_is_no_answer_is_an_error(gateway: Gateway, body: str) -> None:
    answer = gateway.chat(
        {"model": "pair", "messages": MESSAGES, "x_demo": {"status": 200, "body": body}}
    )
    assert answer.status_code >= 500
    assert is_envelope(answer), answer.text


def test_five_megabytes_of_events(gateway: Gateway) -> None:
    answer = stream(gateway, {"words": 1000, "event_bytes": 5000})
    assert len(answer.content) > 5_000_000
    assert len(text_of(answer.text).split()) == 1000
    assert events(answer.text)[-1] == "[DONE]"

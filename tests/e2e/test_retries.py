"""A failed deployment is followed by the next, and never by more attempts than configured."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.gateway import Gateway, run_id
from tests.e2e.upstream import Upstream
from tests.e2e.words import is_envelope, text_of

MESSAGES = [{"role": "user", "content": "please count for me"}]
TRANSIENT = [408, 409, 429, 500, 502, 503, 504, 529]
FINAL = [400, 404, 413, 422]


def ask(gateway: Gateway, group: str, orders: list[dict[str, Any]], **more: Any) -> httpx.Response:
    return gateway.chat({"model": group, "messages": MESSAGES, "x_demo": orders, **more})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", TRANSIENT)
def test_transient_failures_go_to_the_next_deployment(
    gateway: Gateway, upstream: Upstream, status: int, stream: bool
) -> None:
    run = run_id("transient")
    orders = [{"at": "a", "run": run, "status": status}, {"run": run, "words": 2}]
    answer = ask(gateway, "pair", orders, stream=stream)
    assert answer.status_code == 200, answer.text
    assert "one two" in (text_of(answer.text) if stream else answer.text)
    assert answer.headers["x-litellm-attempted-retries"] == "1"
    assert answer.headers["x-litellm-model-id"] == "pair-b"
    assert [row["status"] for row in upstream.seen(run)] == [status, 200]


@pytest.mark.parametrize("status", FINAL)
def test_a_clients_own_mistake_is_not_retried(
    gateway: Gateway, upstream: Upstream, status: int
) -> None:
    run = run_id("final")
    answer = ask(gateway, "pair", [{"run": run, "status": status}])
    assert 400 <= answer.status_code < 500
    assert is_envelope(answer), answer.text
    assert len(upstream.seen(run)) == 1


@pytest.mark.parametrize("group", ["solo", "pair", "trio"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"cut_at": "headers"}])
def test_attempts_never_exceed_the_configured_total(
    gateway: Gateway, upstream: Upstream, group: str, fault: dict[str, Any]
) -> None:
    run = run_id("total")
    answer = ask(gateway, group, [{"run": run, **fault}])
    assert answer.status_code == fault.get("status", answer.status_code)
    assert answer.status_code >= 429
    assert is_envelope(answer), answer.text
    assert len(upstream.seen(run)) == 3


@pytest.mark.parametrize("retries", [0, 1])
def test_a_request_may_ask_for_fewer_retries(
    gateway: Gateway, upstream: Upstream, retries: int
) -> None:
    run = run_id("fewer")
    answer = ask(gateway, "trio", [{"run": run, "status": 500}], num_retries=retries)
    assert answer.status_code == 500
    rows = upstream.seen(run)
    assert len(rows) == 1 + retries
    assert "num_retries" not in rows[0]["body_head"]


def test_a_refused_connection_goes_to_the_next_deployment(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("refused")
    answer = ask(gateway, "refused", [{"run": run, "words": 2}])
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-litellm-attempted-retries"] == "1"
    assert len(upstream.seen(run)) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("place", ["headers", 0])
def test_silence_before_the_first_byte_goes_to_the_next_deployment(
    gateway: Gateway, upstream: Upstream, place: str | int, stream: bool
) -> None:
    run = run_id("silence")
    fault = {"at": "a", "run": run, "stall_at": place, "stall": 60}
    answer = ask(gateway, "hasty", [fault, {"run": run, "words": 2}], stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-litellm-model-id"] == "hasty-b"
    assert [row["produced"] for row in upstream.seen(run)] == [0, 2]


def test_an_error_as_first_event_goes_to_the_next_deployment(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("first-event")
    orders = [{"at": "a", "run": run, "error_at": 0}, {"run": run, "words": 2}]
    answer = ask(gateway, "pair", orders, stream=True)
    assert answer.status_code == 200, answer.text
    assert text_of(answer.text) == "one two"
    assert len(upstream.seen(run)) == 2


def test_a_twenty_megabyte_body_is_carried_and_carried_again(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("large")
    text = "word " * 4_000_000
    orders = [{"at": "a", "run": run, "status": 500}, {"run": run, "words": 2}]
    body = {
        "model": "pair",
        "x_demo": orders,
        "messages": [{"role": "user", "content": text}],
    }
    answer = gateway.chat(body)
    assert answer.status_code == 200, answer.text[:500]
    rows = upstream.seen(run)
    assert [row["status"] for row in rows] == [500, 200]
    assert all(row["body_bytes"] > 20_000_000 for row in rows)
    assert all(row["prompt_tokens"] == 4_000_000 for row in rows)


async def test_forty_calls_that_all_need_a_retry(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("forty")
    orders = [{"at": "a", "run": run, "status": 503}, {"run": run, "words": 2}]
    body = {"model": "pair", "messages": MESSAGES, "x_demo": orders}
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, headers=gateway.auth()) as http:
        answers = await asyncio.gather(
            *(http.post("/v1/chat/completions", json=body) for _ in range(40))
        )
    assert [a.status_code for a in answers] == [200] * 40
    statuses = [row["status"] for row in upstream.seen(run)]
    assert (statuses.count(503), statuses.count(200)) == (40, 40)

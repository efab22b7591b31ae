"""Each attempt a provider saw is exactly one spend row, counted and priced as the provider said."""

from typing import Any

import pytest

from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.upstream import Upstream

MESSAGES = [{"role": "user", "content": "please count for me"}]
PROMPT = 4


def ask(gateway: Gateway, key: str, orders: Any, group: str = "solo", **more: Any) -> None:
    gateway.chat({"model": group, "messages": MESSAGES, "x_demo": orders, **more}, key)


@pytest.mark.parametrize("stream", [False, True])
def test_the_providers_usage_is_billed(gateway: Gateway, stream: bool) -> None:
    key = gateway.new_key()
    ask(gateway, key, {"words": 5, "cached": 2, "reasoning": 3}, stream=stream, user="someone")
    row = gateway.settled_rows(key, 1)[0]
    assert (row["prompt_tokens"], row["completion_tokens"], row["total_tokens"]) == (4, 8, 12)
    assert row["spend"] == pytest.approx(4e-6 + 8 * 2e-6)
    assert row["status"] == "success"
    assert row["model_group"] == "solo"
    assert row["end_user"] == "someone"
    usage = row["metadata"]["usage_object"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 2
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 3


def test_spend_moves_the_key_and_shows_in_the_header(gateway: Gateway) -> None:
    key = gateway.new_key()
    ask(gateway, key, {"words": 5})
    gateway.settled_rows(key, 1)
    cost = 4e-6 + 5 * 2e-6

    def spend() -> float:
        info = gateway.http.get("/key/info", params={"key": key}, headers=gateway.auth())
        return float(info.json()["info"]["spend"])

    eventually(lambda: spend() == pytest.approx(cost), "spend of the key")
    body = {"model": "solo", "messages": MESSAGES, "x_demo": {"words": 5}}

    def shown() -> float:
        return float(gateway.chat(body, key).headers["x-litellm-key-spend"])

    eventually(lambda: shown() >= 2 * cost - 1e-12, "the key's spend in the header")


def test_each_attempt_has_its_row(gateway: Gateway, upstream: Upstream) -> None:
    run, key = run_id("attempt-rows"), gateway.new_key()
    ask(gateway, key, [{"at": "a", "run": run, "status": 500}, {"run": run, "words": 2}], "pair")
    rows = gateway.settled_rows(key, len(upstream.seen(run)))
    assert sorted(row["status"] for row in rows) == ["failure", "success"]
    failed = next(row for row in rows if row["status"] == "failure")
    assert (failed["spend"], failed["completion_tokens"]) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("usage", ["none", "odd"])
def test_usage_that_is_missing_or_odd_is_estimated(
    gateway: Gateway, stream: bool, usage: str
) -> None:
    key = gateway.new_key()
    ask(gateway, key, {"words": 6, "usage": usage}, stream=stream)
    row = gateway.settled_rows(key, 1)[0]
    assert row["completion_tokens"] == 6
    assert row["prompt_tokens"] >= PROMPT
    assert row["metadata"]["estimated"] is True


def test_an_unknown_price_is_visible(gateway: Gateway) -> None:
    key = gateway.new_key()
    ask(gateway, key, {"words": 6}, "unpriced")
    row = gateway.settled_rows(key, 1)[0]
    assert row["completion_tokens"] == 6
    assert row["metadata"]["unknown_price"] is True

    def counted() -> bool:
        lines = gateway.http.get("/metrics").text.splitlines()
        return any(x.startswith("litellm_zero_cost_requests_total{") for x in lines)

    eventually(counted, "the metric of unknown prices")


def test_spend_logs_metadata_is_stored(gateway: Gateway) -> None:
    key = gateway.new_key()
    note = {"spend_logs_metadata": {"hello": "world"}}
    ask(gateway, key, {"words": 1}, metadata=note)
    row = gateway.settled_rows(key, 1)[0]
    assert row["metadata"]["spend_logs_metadata"] == {"hello": "world"}
    found = gateway.http.get(
        "/spend/logs", params={"request_id": row["request_id"]}, headers=gateway.auth()
    ).json()
    assert [each["request_id"] for each in found] == [row["request_id"]]


def test_refused_calls_have_no_row(gateway: Gateway) -> None:
    key = gateway.new_key(models=["pair"])
    ask(gateway, key, {})
    ask(gateway, key, {"words": 1}, "pair")
    assert [row["model_group"] for row in gateway.settled_rows(key, 1)] == ["pair"]

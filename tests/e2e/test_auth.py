"""Who may call what, and how soon a change of a key is felt on every worker."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from extproc.domain.key import hash_key
from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.upstream import Upstream
from tests.e2e.words import is_envelope

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = {"model": "solo", "messages": MESSAGES}
PATH = "/v1/chat/completions"


def refusal(answer: httpx.Response, status: int, kind: str, *wordings: str) -> None:
    assert answer.status_code == status, answer.text
    assert is_envelope(answer), answer.text
    error = answer.json()["error"]
    assert error["type"] == kind
    assert error["code"] == str(status)
    for wording in wordings:
        assert wording in error["message"]


def test_no_key(gateway: Gateway) -> None:
    refusal(
        gateway.http.post(PATH, json=CHAT),
        401,
        "auth_error",
        "Authentication Error, No api key passed in.",
    )


def test_malformed_key(gateway: Gateway) -> None:
    answer = gateway.http.post(PATH, json=CHAT, headers={"authorization": "sk-no-bearer"})
    refusal(answer, 401, "auth_error", "Ensure Key has `Bearer ` prefix.")


def test_key_that_is_not_virtual(gateway: Gateway) -> None:
    answer = gateway.chat(CHAT, "abcd-not-one-of-ours-wxyz")
    refusal(answer, 401, "auth_error", "Received=abcd****wxyz", "expected to start with 'sk-'")


def test_unknown_key(gateway: Gateway) -> None:
    key = "sk-nobody-has-this-one"
    answer = gateway.chat(CHAT, key)
    refusal(
        answer,
        401,
        "token_not_found_in_db",
        "Invalid proxy server token passed",
        "Received API Key = sk-...-one",
        hash_key(key),
        "Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
    )
    assert answer.json()["error"]["param"] == "key"
    assert key not in answer.text


def test_master_key_and_virtual_key(gateway: Gateway) -> None:
    assert gateway.chat(CHAT).status_code == 200
    assert gateway.chat(CHAT, gateway.new_key()).status_code == 200


@pytest.mark.parametrize("carrier", ["x-litellm-api-key", "api-key", "x-api-key"])
def test_other_carriers_of_the_key(gateway: Gateway, carrier: str) -> None:
    key = gateway.new_key()
    assert gateway.http.post(PATH, json=CHAT, headers={carrier: key}).status_code == 200


def test_model_that_the_key_may_not_use(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("model-access")
    key = gateway.new_key(models=["pair"])
    answer = gateway.chat({**CHAT, "x_demo": {"run": run}}, key)
    refusal(answer, 403, "key_model_access_denied", "The requested model 'solo' is not available")
    assert not upstream.seen(run)
    assert gateway.chat({**CHAT, "model": "pair"}, key).status_code == 200
    listed = gateway.http.get("/v1/models", headers=gateway.auth(key)).json()["data"]
    assert [model["id"] for model in listed] == ["pair"]


def test_aliases_of_a_key(gateway: Gateway) -> None:
    key = gateway.new_key(aliases={"mine": "solo"})
    answer = gateway.chat({**CHAT, "model": "mine"}, key)
    assert answer.status_code == 200, answer.text


def test_expired_key(gateway: Gateway) -> None:
    key = gateway.new_key(duration="1s")
    assert gateway.chat(CHAT, key).status_code == 200

    def expired() -> bool:
        return gateway.chat(CHAT, key).status_code == 401

    eventually(expired, "expiry of the key")
    refusal(gateway.chat(CHAT, key), 401, "expired_key", "Authentication Error", "Expired Key")


def all_workers(gateway: Gateway, key: str, model: str = "solo") -> set[int]:
    """The statuses of enough calls, each on a new connection, to meet every worker."""
    statuses = set()
    for _ in range(12):
        with httpx.Client(base_url=gateway.url, timeout=30) as fresh:
            body = {**CHAT, "model": model}
            statuses.add(fresh.post(PATH, json=body, headers=gateway.auth(key)).status_code)
    return statuses


Change = Callable[[Gateway, str], Any]
CHANGES: dict[str, tuple[Change, int]] = {
    "blocked": (lambda g, key: g.manage("/key/block", {"key": key}), 401),
    "deleted": (lambda g, key: g.manage("/key/delete", {"keys": [key]}), 401),
    "narrowed": (lambda g, key: g.manage("/key/update", {"key": key, "models": ["pair"]}), 403),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_change_is_felt_on_every_worker_within_a_second(gateway: Gateway, name: str) -> None:
    change, status = CHANGES[name]
    key = gateway.new_key()
    assert all_workers(gateway, key) == {200}
    change(gateway, key)
    time.sleep(1.0)  # the promise itself
    assert all_workers(gateway, key) == {status}
    if name == "blocked":
        refusal(gateway.chat(CHAT, key), 401, "auth_error", "Key is blocked.")
        gateway.manage("/key/unblock", {"key": key})
        time.sleep(1.0)
        assert all_workers(gateway, key) == {200}


def test_a_new_key_works_although_it_was_refused_before_it_existed(gateway: Gateway) -> None:
    key = f"sk-{run_id('later')}-abcdefgh"
    assert all_workers(gateway, key) == {401}
    gateway.manage("/key/generate", {"key": key})
    time.sleep(1.0)
    assert all_workers(gateway, key) == {200}


def test_management_routes_are_the_admins(gateway: Gateway) -> None:
    key = gateway.new_key()
    for headers, status in (({}, 401), (gateway.auth("sk-unknown-key"), 401)):
        assert gateway.http.post("/key/generate", json={}, headers=headers).status_code == status
    refused = gateway.http.post("/key/generate", json={}, headers=gateway.auth(key))
    assert refused.status_code in (401, 403)
    assert is_envelope(refused), refused.text

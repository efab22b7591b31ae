"""What must stay inside: credentials, the gateway's own headers, and any way round the worker."""

import json
from hashlib import sha256

import pytest

from tests.e2e.gateway import MASTER_KEY, Gateway, run_id
from tests.e2e.upstream import PROVIDER_KEY, Upstream

MESSAGES = [{"role": "user", "content": "prompt-canary-c0ffee"}]
OWN = [
    "x-gateway-cluster",
    "x-gateway-retry",
    "x-gateway-anything",
    "X-Gateway-Cluster",
    "x-envoy-attempt-count",
    "x-envoy-retry-on",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-original-path",
    "x-envoy-decorator-operation",
]
CARRIERS = ["authorization", "x-litellm-api-key", "api-key", "x-api-key", "x-goog-api-key"]


def test_a_provider_sees_its_own_credential_and_nothing_of_the_clients(
    gateway: Gateway, upstream: Upstream
) -> None:
    run = run_id("canary")
    key = gateway.new_key()
    headers = {
        **gateway.auth(key),
        **{name: "header-canary-9d9d" for name in OWN},
        "x-api-key": "carrier-canary-9d9d",
        "api-key": "carrier-canary-9d9d",
        "x-goog-api-key": "carrier-canary-9d9d",
        "cookie": "session=cookie-canary-9d9d",
        "x-forwarded-for": "203.0.113.9",
        "proxy-authorization": "Basic canary-9d9d",
        "x-litellm-call-id": "client-call-id",
        "x-unknown": "unknown-canary-9d9d",
    }
    body = {"model": "solo", "messages": MESSAGES, "x_demo": {"run": run}}
    answer = gateway.http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    row = upstream.seen(run)[0]
    as_text = json.dumps(row)
    assert row["headers"]["authorization"] == sha256(f"Bearer {PROVIDER_KEY}".encode()).hexdigest()
    assert "canary-9d9d" not in as_text
    assert key not in as_text
    assert not [name for name in row["headers"] if name.startswith("x-gateway-")]
    assert not [name for name in CARRIERS[1:] if name in row["headers"]]
    assert "203.0.113.9" not in as_text
    assert not [name for name in answer.headers if name.startswith("x-gateway-")]
    assert answer.headers["x-litellm-call-id"] == "client-call-id"
    assert "canary" not in json.dumps(dict(answer.headers))


def test_an_upstream_cannot_command_a_retry(gateway: Gateway, upstream: Upstream) -> None:
    run = run_id("forged-retry")
    orders = {"run": run, "headers": {"x-gateway-retry": "1", "x-gateway-cluster": "up"}}
    answer = gateway.chat({"model": "pair", "messages": MESSAGES, "x_demo": orders})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("x-gateway-")]
    assert len(upstream.seen(run)) == 1


@pytest.mark.parametrize("name", OWN)
def test_a_client_cannot_choose_its_cluster(
    gateway: Gateway, upstream: Upstream, name: str
) -> None:
    before = upstream.seen_all()["count"]
    clusters = {n.split(".")[1] for n in gateway.stats(r"^cluster\..*\.upstream_rq_active$")}
    for cluster in clusters:
        answer = gateway.http.post("/v1/chat/completions", json={}, headers={name: cluster})
        assert 400 <= answer.status_code < 500, answer.text
    assert upstream.seen_all()["count"] == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/chat/completions",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/V1/chat/completions",
        "/v1/chat%2Fcompletions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1/chat/completions;x=1",
        "/openai/deployments/../../v1/chat/completions",
        "/a/v1/chat/completions",
        "/_demo/requests",
        "/v1/_demo/requests",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "OPTIONS", "HEAD"])
def test_no_path_leads_to_a_provider_without_a_key(
    gateway: Gateway, upstream: Upstream, path: str, method: str
) -> None:
    before = upstream.seen_all()["count"]
    answer = gateway.http.request(method, path, json={"model": "solo", "messages": MESSAGES})
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}"
    assert upstream.seen_all()["count"] == before


def test_logs_hold_no_secret_and_no_prompt(gateway: Gateway, upstream: Upstream) -> None:
    key = gateway.new_key()
    orders = {"run": run_id("logs"), "status": 500}
    gateway.chat({"model": "pair", "messages": MESSAGES, "x_demo": orders}, key)
    gateway.chat({"model": "solo", "messages": MESSAGES}, key)
    gateway.http.get("/key/info", params={"key": key}, headers=gateway.auth())
    gateway.settled_rows(key, 2)
    log = gateway.log_text()
    assert log
    for secret in (key, MASTER_KEY, PROVIDER_KEY, "prompt-canary-c0ffee"):
        assert secret not in log, secret[:12]
    for file in gateway.layout.run_dir.rglob("*.json"):
        assert MASTER_KEY not in file.read_text(errors="replace"), file


def test_info_routes_never_show_a_providers_credential(gateway: Gateway) -> None:
    for path in ("/v1/models", "/model/info", "/health/config", "/health/readiness", "/metrics"):
        answer = gateway.http.get(path, headers=gateway.auth())
        assert PROVIDER_KEY not in answer.text
        assert MASTER_KEY not in answer.text

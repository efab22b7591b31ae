"""What probes and scrapers see of a healthy gateway."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.e2e.gateway import Gateway

CHAT = {"model": "solo", "messages": [{"role": "user", "content": "hi"}]}


def test_liveness_and_readiness_need_no_key(gateway: Gateway) -> None:
    for path in ("/health/liveliness", "/health/liveness", "/health/readiness"):
        assert gateway.http.get(path).status_code == 200, path


def test_the_first_yes_of_readiness_covers_the_management_api(gateway: Gateway) -> None:
    assert gateway.ready_meant_ready


def test_every_replica_serves_the_same_generation(gateway: Gateway) -> None:
    answer = gateway.http.get("/health/config", headers=gateway.auth())
    assert answer.status_code == 200, answer.text
    generations = {r["generation"] for r in answer.json()["replicas"]}
    assert len(generations) == 1
    assert len(answer.json()["replicas"]) == 2


def test_grpc_health_on_its_port(gateway: Gateway) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.health_port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_metrics_of_all_workers_are_open_and_count_calls(gateway: Gateway) -> None:
    assert gateway.chat(CHAT).status_code == 200
    text = gateway.http.get("/metrics").text
    for name in (
        "litellm_proxy_total_requests_metric",
        "litellm_spend_metric",
        "litellm_total_tokens_metric",
        "litellm_overhead_latency_metric",
        "litellm_request_total_latency_metric",
    ):
        assert name in text, name

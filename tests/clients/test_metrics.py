"""What is counted, under which labels."""

from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from extproc.clients.metrics import BacklogMetrics, Metrics
from extproc.domain.ledger import Ended
from extproc.domain.outcome import Outcome
from extproc.domain.usage import Usage
from tests.calls import call, deployment

ATTEMPT = {"model_group": "gpt", "model_id": "d1", "api_provider": "openai"}
PROVIDER = {"model_id": "d1", "api_provider": "openai", "reason": "unknown_price"}
OUTCOME = Outcome(
    call(), deployment(), 100.2, 101.0, 200, ok=True, produced=True, answered=200, first_byte_at=101
)
ENDED = Ended("c1-1", 101.0, "success", 200, Usage(input=5, output=2), cost_nanousd=1_500_000_000)


def counted(outcome: Outcome = OUTCOME, ended: Ended = ENDED) -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.settled(outcome, ended)
    metrics.flush()
    return registry


def value(registry: CollectorRegistry, name: str, **labels: Any) -> float | None:
    return registry.get_sample_value(name, labels)


def test_success_counts_tokens_spend_and_the_answer() -> None:
    registry = counted()
    assert value(registry, "litellm_input_tokens_metric_total", **ATTEMPT) == 5
    assert value(registry, "litellm_spend_metric_total", **ATTEMPT) == 1.5
    assert value(registry, "litellm_deployment_success_responses_total", **ATTEMPT) == 1
    answer = {"requested_model": "gpt", "route": "/chat/completions", "status_code": "200"}
    assert value(registry, "litellm_proxy_total_requests_metric_total", **answer) == 1


def test_attempt_that_another_follows_is_no_answer() -> None:
    registry = counted(replace(OUTCOME, ok=False, answered=None), replace(ENDED, http_status=500))
    failed = {**ATTEMPT, "exception_status": "500"}
    assert value(registry, "litellm_deployment_failure_responses_total", **failed) == 1
    assert not [m for m in registry.collect() if "proxy" in m.name and m.samples]


def test_unknown_price_is_visible() -> None:
    registry = counted(ended=replace(ENDED, cost_nanousd=None))
    assert value(registry, "litellm_zero_cost_requests_total", **PROVIDER) == 1
    assert value(registry, "litellm_spend_metric_total", **ATTEMPT) is None


def test_estimates_and_retries_are_counted() -> None:
    later = replace(OUTCOME, call=replace(OUTCOME.call, attempt=2))
    registry = counted(later, replace(ENDED, estimated=True))
    assert value(registry, "llm_extproc_estimated_usage_total", **ATTEMPT) == 1
    assert value(registry, "llm_extproc_retries_total", model_group="gpt") == 1


def test_labels_never_hold_what_a_client_chose() -> None:
    hostile = replace(OUTCOME, call=replace(OUTCOME.call, path="/x/secret", model="secret"))
    for metric in counted(hostile).collect():
        for sample in metric.samples:
            assert "secret" not in str(sample.labels)


def test_backlog_is_shown() -> None:
    registry = CollectorRegistry()
    BacklogMetrics(registry).show(3, 900, 1.5)
    assert registry.get_sample_value("llm_extproc_journal_backlog_records") == 3
    assert registry.get_sample_value("llm_extproc_journal_backlog_bytes") == 900

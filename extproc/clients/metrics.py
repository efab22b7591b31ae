"""Prometheus metrics under LiteLLM's names, with bounded label values.

Every label comes from the configuration or a fixed set: a model name that nobody configured shows
as `other`. Keys, users and client addresses are not labels: their number has no bound.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from extproc.domain.endpoints import ENDPOINTS
from extproc.domain.ledger import Ended
from extproc.domain.outcome import Outcome

SECONDS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
    *(10, 30, 60, 120, 300, 420, 600),
)
SHORT_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
OTHER = "other"
FLUSH_SECONDS = 1.0

ROUTES: Mapping[str, str] = {
    **{endpoint: facts.path for endpoint, facts in ENDPOINTS.items()},
    "models": "/models",
    "model": "/models/{id}",
}

ATTEMPT = ("model_group", "model_id", "api_provider")

# name -> (what it counts, labels); Prometheus appends _total
COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "litellm_proxy_total_requests_metric": (
        "Answers, by the status the client saw.",
        ("requested_model", "route", "status_code"),
    ),
    "litellm_proxy_failed_requests_metric": (
        "Answers that were errors.",
        ("requested_model", "route", "exception_status"),
    ),
    "litellm_deployment_total_requests": ("Attempts sent to a deployment.", ATTEMPT),
    "litellm_deployment_success_responses": ("Attempts a deployment served.", ATTEMPT),
    "litellm_deployment_failure_responses": (
        "Attempts a deployment failed.",
        (*ATTEMPT, "exception_status"),
    ),
    "litellm_spend_metric": ("USD spent.", ATTEMPT),
    "litellm_input_tokens_metric": ("Prompt tokens.", ATTEMPT),
    "litellm_output_tokens_metric": ("Completion tokens.", ATTEMPT),
    "litellm_total_tokens_metric": ("All tokens.", ATTEMPT),
    "litellm_zero_cost_requests": (
        "Attempts whose price is not known.",
        ("model_id", "api_provider", "reason"),
    ),
    "llm_extproc_retries": ("Attempts after the first of a call.", ("model_group",)),
    "llm_extproc_estimated_usage": ("Attempts billed by an estimate of their tokens.", ATTEMPT),
    "llm_extproc_responses_not_kept": ("Responses that could not be remembered.", ()),
    "llm_extproc_background_failures": ("Settlements and other late work that failed.", ()),
}

# name -> (what it measures, labels, buckets)
HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "litellm_request_total_latency_metric": ("Request to answer.", ATTEMPT, SECONDS),
    "litellm_llm_api_latency_metric": ("The provider's share.", ATTEMPT, SECONDS),
    "litellm_llm_api_time_to_first_token_metric": ("To a stream's start.", ATTEMPT, SECONDS),
    "litellm_overhead_latency_metric": (
        "From a request's arrival to its departure.",
        ("model_group",),
        SHORT_SECONDS,
    ),
    "llm_extproc_loop_lag_seconds": ("How late the event loop woke up.", (), SHORT_SECONDS),
}

BACKLOG: Mapping[str, str] = {
    "records": "Journal records that are not in the database yet, estimated.",
    "bytes": "The same in bytes of journal.",
    "oldest_seconds": "How long the oldest of them has waited.",
}


def share(process: str) -> None:
    """Keep this process's values in PROMETHEUS_MULTIPROC_DIR under the name given.

    Call it before any metric is made. A restarted process goes on where the last one was, and the
    library need not ask for the process id at every step, which costs a system call.
    """
    values.ValueClass = values.MultiProcessValue(lambda: process)


class Metrics:
    """One worker's metrics; the agent adds the workers up."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics: dict[str, Counter | Histogram] = {
            name: Counter(name, text, labels, registry=registry)
            for name, (text, labels) in COUNTERS.items()
        }
        self._metrics |= {
            name: Histogram(name, text, labels, registry=registry, buckets=buckets)
            for name, (text, labels, buckets) in HISTOGRAMS.items()
        }
        self._counted: dict[tuple[str, ...], float] = {}
        self._series: dict[tuple[str, ...], Any] = {}
        """(name, labels) -> the series: the library's own look-up costs more than the step."""
        self.in_flight = 0
        self.late = 0
        self._in_flight = _gauge(registry, "litellm_in_flight_requests", "Attempts in progress.")
        self._late = _gauge(registry, "llm_extproc_late_work", "Settlements that outlive a stream.")

    def count(self, name: str, *labels: str, amount: float = 1) -> None:
        """Add to a counter; it shows after the next `flush`."""
        key = (name, *labels)
        self._counted[key] = self._counted.get(key, 0) + amount

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        self._one((name, *labels)).observe(max(0.0, seconds))

    def moved_late(self, by: int) -> None:
        self.late += by

    def flush(self) -> None:
        """Show what was counted: writing it is the dearer step."""
        self._in_flight.set(self.in_flight)
        self._late.set(self.late)
        counted, self._counted = self._counted, {}
        for key, amount in counted.items():
            self._one(key).inc(amount)

    async def run(self) -> None:
        """Flush every second, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                self.flush()
        finally:
            self.flush()

    def _one(self, key: tuple[str, ...]) -> Any:
        series = self._series.get(key)
        if series is None:
            metric, labels = self._metrics[key[0]], key[1:]
            series = self._series[key] = metric.labels(*labels) if labels else metric
        return series

    def settled(self, outcome: Outcome, ended: Ended) -> None:
        """Count one attempt that is over."""
        call, deployment = outcome.call, outcome.deployment
        labels = (deployment.group, deployment.id, deployment.provider)
        if outcome.ok:
            self.count("litellm_deployment_success_responses", *labels)
        else:
            status = str(ended.http_status)
            self.count("litellm_deployment_failure_responses", *labels, status)
        self.count("litellm_deployment_total_requests", *labels)
        if call.attempt > 1:
            self.count("llm_extproc_retries", deployment.group)
        if outcome.answered is not None:
            self.answered(deployment.group, call.endpoint, outcome.answered)
        self._count_usage(ended, labels)
        self.observe("litellm_request_total_latency_metric", outcome.at - call.received_at, *labels)
        self.observe("litellm_llm_api_latency_metric", outcome.at - outcome.begun_at, *labels)
        if call.streaming and outcome.first_byte_at is not None:
            waited = outcome.first_byte_at - outcome.begun_at
            self.observe("litellm_llm_api_time_to_first_token_metric", waited, *labels)
        overhead = outcome.begun_at - call.received_at
        self.observe("litellm_overhead_latency_metric", overhead, deployment.group)

    def _count_usage(self, ended: Ended, labels: tuple[str, str, str]) -> None:
        usage = ended.usage
        if usage:
            self.count("litellm_input_tokens_metric", *labels, amount=usage.input)
            self.count("litellm_output_tokens_metric", *labels, amount=usage.output)
            self.count("litellm_total_tokens_metric", *labels, amount=usage.total)
        if ended.cost_nanousd is None:
            self.count("litellm_zero_cost_requests", *labels[1:], "unknown_price")
        elif ended.cost_nanousd:
            self.count("litellm_spend_metric", *labels, amount=ended.cost_nanousd / 1e9)
        if ended.estimated:
            self.count("llm_extproc_estimated_usage", *labels)

    def answered(self, model_group: str, served: str, status: int) -> None:
        """Count one answer to a client; `served` is an endpoint or `other`."""
        route = ROUTES.get(served, OTHER)
        self.count("litellm_proxy_total_requests_metric", model_group, route, str(status))
        if status >= 400:
            self.count("litellm_proxy_failed_requests_metric", model_group, route, str(status))


def _gauge(registry: CollectorRegistry, name: str, text: str) -> Gauge:
    """Added up over the workers that live; a restarted worker starts at nothing."""
    gauge = Gauge(name, text, registry=registry, multiprocess_mode="livesum")
    gauge.set(0)
    return gauge


class BacklogMetrics:
    """The ledger process's gauges: what is journaled and not in Postgres yet."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            name: Gauge(
                f"llm_extproc_journal_backlog_{name}",
                text,
                registry=registry,
                multiprocess_mode="mostrecent",
            )
            for name, text in BACKLOG.items()
        }

    def show(self, records: int, size_bytes: int, oldest_seconds: float) -> None:
        self._gauges["records"].set(records)
        self._gauges["bytes"].set(size_bytes)
        self._gauges["oldest_seconds"].set(oldest_seconds)


class BatchMetrics:
    """The admin process's counter of looks at batches."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._looks = Counter(
            "llm_extproc_batch_looks",
            "Batches asked for at their providers: working, billed, failed or lost.",
            ("result",),
            registry=registry,
        )

    def count(self, result: str) -> None:
        self._looks.labels(result).inc()

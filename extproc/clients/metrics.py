"""Prometheus metrics under LiteLLM's names, with bounded label values.

Every label comes from the configuration or a fixed set: a model name that nobody configured shows
as `other`. Keys, users and client addresses are not labels: their number has no bound.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from extproc.domain.ledger import Ended
from extproc.domain.outcome import Outcome

SECONDS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
    *(10, 30, 60, 120, 300, 420, 600),
)
OVERHEAD_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
OTHER = "other"
PROVIDER = ("model_id", "api_provider")


class Metrics:
    """One worker's metrics; the agent adds the workers up."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def histogram(
            name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS
        ) -> Histogram:
            return Histogram(name, text, labels, registry=registry, buckets=buckets)

        model = ("model_group", *PROVIDER)
        self.requests = counter(
            "litellm_proxy_total_requests_metric",
            "Calls answered, by the status the client saw.",
            *("requested_model", "route", "status_code"),
        )
        self.failed_requests = counter(
            "litellm_proxy_failed_requests_metric",
            "Calls answered with an error.",
            *("requested_model", "route", "exception_status"),
        )
        self.attempts = counter(
            "litellm_deployment_total_requests", "Attempts sent to a deployment.", *model
        )
        self.successes = counter(
            "litellm_deployment_success_responses", "Attempts that a deployment served.", *model
        )
        self.failures = counter(
            "litellm_deployment_failure_responses",
            "Attempts that a deployment failed.",
            *(*model, "exception_status"),
        )
        self.retries = counter(
            "llm_extproc_retries", "Attempts after the first of a call.", "model_group"
        )
        self.spend = counter("litellm_spend_metric", "USD spent.", *model)
        self.input_tokens = counter("litellm_input_tokens_metric", "Prompt tokens.", *model)
        self.output_tokens = counter("litellm_output_tokens_metric", "Completion tokens.", *model)
        self.total_tokens = counter("litellm_total_tokens_metric", "All tokens.", *model)
        self.unknown_price = counter(
            "litellm_zero_cost_requests", "Attempts whose price is not known.", *PROVIDER, "reason"
        )
        self.estimated = counter(
            "llm_extproc_estimated_usage", "Attempts billed by an estimate of their tokens.", *model
        )
        self.latency = histogram(
            "litellm_request_total_latency_metric", "Seconds from request to answer.", *model
        )
        self.provider_latency = histogram(
            "litellm_llm_api_latency_metric", "Seconds the provider took.", *model
        )
        self.first_byte = histogram(
            "litellm_llm_api_time_to_first_token_metric",
            "Seconds to a stream's first byte.",
            *model,
        )
        self.overhead = histogram(
            "litellm_overhead_latency_metric",
            "Seconds this gateway took before the request left.",
            "model_group",
            buckets=OVERHEAD_SECONDS,
        )
        self.in_flight = Gauge(
            "litellm_in_flight_requests",
            "Attempts in progress.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.loop_lag = histogram(
            "llm_extproc_loop_lag_seconds",
            "How late the worker's event loop woke up.",
            buckets=OVERHEAD_SECONDS,
        )
        self.background_failures = counter(
            "llm_extproc_background_failures", "Settlements and other late work that failed."
        )

    def settled(self, outcome: Outcome, ended: Ended) -> None:
        """Count one attempt that is over."""
        call, deployment = outcome.call, outcome.deployment
        owner = (deployment.id, deployment.provider)
        labels = (deployment.group, *owner)
        self.attempts.labels(*labels).inc()
        if call.attempt > 1:
            self.retries.labels(deployment.group).inc()
        if outcome.ok:
            self.successes.labels(*labels).inc()
        else:
            self.failures.labels(*labels, str(ended.http_status)).inc()
        usage = ended.usage
        if usage:
            self.input_tokens.labels(*labels).inc(usage.input)
            self.output_tokens.labels(*labels).inc(usage.output)
            self.total_tokens.labels(*labels).inc(usage.total)
        if ended.cost_nanousd is None:
            self.unknown_price.labels(*owner, "unknown_price").inc()
        elif ended.cost_nanousd:
            self.spend.labels(*labels).inc(ended.cost_nanousd / 1e9)
        if ended.estimated:
            self.estimated.labels(*labels).inc()
        self.latency.labels(*labels).observe(max(0.0, outcome.at - call.received_at))
        self.provider_latency.labels(*labels).observe(max(0.0, outcome.at - outcome.begun_at))
        if call.streaming and outcome.first_byte_at is not None:
            waited = max(0.0, outcome.first_byte_at - outcome.begun_at)
            self.first_byte.labels(*labels).observe(waited)
        overhead = max(0.0, outcome.begun_at - call.received_at)
        self.overhead.labels(deployment.group).observe(overhead)

    def answered(self, model_group: str, route: str, status: int) -> None:
        """Count one call's final answer."""
        self.requests.labels(model_group, route, str(status)).inc()
        if status >= 400:
            self.failed_requests.labels(model_group, route, str(status)).inc()

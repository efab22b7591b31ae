"""The header names that Envoy and the workers agree on.

All `x-gateway-*` headers are the gateway's own: Envoy removes them from what clients send and from
what they receive.
"""

CLUSTER = "x-gateway-cluster"
"""Worker -> Envoy, on a request: the cluster that serves this attempt."""

RETRY = "x-gateway-retry"
"""Worker or Envoy -> Envoy's outer listener, on an answer: come again with the next attempt."""

CALL_ID = "x-request-id"
"""Made by Envoy's outer listener: the gateway id of the call, the same on every attempt."""

ATTEMPT = "x-envoy-attempt-count"
"""Set by Envoy's outer listener: 1 on the first attempt."""

TIMEOUT_MS = "x-envoy-upstream-rq-timeout-ms"
"""Worker -> Envoy, on a request: how long this attempt may take in all."""

WORKER_DETAILS = "worker"
"""`details` of every immediate response of a worker: how Envoy tells those replies from its own."""

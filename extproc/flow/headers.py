"""Headers on their way: what a provider may see of a request, and a client of an answer.

Both are allow-lists. No client header reaches a provider unless it is named here, so that no
credential, cookie or address can; no provider header reaches a client under its own name.
"""

from collections.abc import Mapping

from extproc import __version__
from extproc.domain import headers as names
from extproc.domain.call import Call
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment
from extproc.domain.outcome import Receipt
from extproc.domain.usage import usd
from extproc.providers.base import Outgoing

REQUEST_KEPT = frozenset(
    {"content-type", "content-length", "transfer-encoding", "x-forwarded-proto"}
)
"""x-forwarded-proto: without it Envoy finds no route; the route removes it before the provider."""

USER_AGENT = f"llm-extproc/{__version__}"

ANSWER_DROPPED = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "keep-alive"}
    | {"server", "set-cookie", "strict-transport-security", "trailer", "transfer-encoding"}
    | {"alt-svc", "upgrade", "via", "x-envoy-upstream-service-time"}
)
"""Framing, cookies and CORS: about the provider's connection or origin, not about the answer."""

Headers = dict[str, str]


def outgoing_headers(
    call: Call, deployment: Deployment, outgoing: Outgoing, content_type: str
) -> Headers:
    """What is set on the request that leaves, but for its credential."""
    headers = {
        ":path": deployment.base_path + outgoing.path,
        ":authority": deployment.upstream.authority,
        names.CLUSTER: deployment.upstream.cluster,
        "content-type": content_type,
        "accept": "text/event-stream" if call.streaming else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        **deployment.headers,
        **outgoing.headers,
    }
    timeout_seconds = call.timeout_seconds or deployment.timeout_seconds
    if timeout_seconds and not call.streaming:
        headers[names.TIMEOUT_MS] = str(max(1, int(timeout_seconds * 1000)))
    return headers


def departure(
    deployment: Deployment, headers: Mapping[str, str], body: bytes, method: str = "POST"
) -> Departure:
    """The request for who signs it."""
    return Departure(deployment, method, headers[":path"], headers, body)


def removed_from_request(
    client: Mapping[str, str],
    overwritten: Mapping[str, str],
    kept: frozenset[str] = REQUEST_KEPT,
) -> tuple[str, ...]:
    """Every header the client sent that is neither kept nor overwritten."""
    return tuple(
        name for name in client if name[0] != ":" and name not in kept and name not in overwritten
    )


def answer_headers(
    call: Call, deployment: Deployment, begun_at: float, at: float, receipt: Receipt | None
) -> Headers:
    """LiteLLM's headers about the call. Without a receipt (a stream) cost and spend are unknown."""
    headers = {
        **call_headers(call),
        "x-litellm-model-id": deployment.id,
        "x-litellm-model-group": deployment.group if "*" not in deployment.group else call.model,
        "x-litellm-model-api-base": deployment.api_base,
        "x-litellm-attempted-retries": str(call.attempt - 1),
        "x-litellm-attempted-fallbacks": "0",
        "x-litellm-response-duration-ms": _milliseconds(at - call.received_at),
        "x-litellm-overhead-duration-ms": _milliseconds(begun_at - call.received_at),
    }
    if call.applied_guardrails:
        headers["x-litellm-applied-guardrails"] = ",".join(call.applied_guardrails)
    if receipt is not None:
        if receipt.cost_nanousd is not None:
            headers["x-litellm-response-cost"] = repr(usd(receipt.cost_nanousd))
        headers["x-litellm-key-spend"] = repr(usd(receipt.key_spend_nanousd))
    return headers


def call_headers(call: Call) -> Headers:
    """The headers that errors carry too."""
    return {"x-litellm-call-id": call.client_id, "x-litellm-version": __version__}


def provider_headers(answer: Mapping[str, str]) -> Headers:
    """The provider's own headers, each renamed `llm_provider-{name}`."""
    return {
        f"llm_provider-{name}": value for name, value in answer.items() if _about_the_answer(name)
    }


def removed_from_answer(answer: Mapping[str, str], kept: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in answer if name[0] != ":" and name not in kept)


def _about_the_answer(name: str) -> bool:
    foreign = name[0] == ":" or name in ANSWER_DROPPED
    return not foreign and not name.startswith(("access-control-", "x-gateway-", "x-envoy-"))


def _milliseconds(seconds: float) -> str:
    return f"{max(0.0, seconds) * 1000:.3f}"

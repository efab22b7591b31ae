"""The credential a provider is shown: one scheme each, chosen by the deployment's `auth`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment

Scheme = Callable[[Departure], Awaitable[Mapping[str, str]]]
"""Headers to set on a request about to leave. Raises GatewayError when there are none to be had."""

ANTHROPIC_OAUTH = "sk-ant-oat"


def bearer(deployment: Deployment) -> Mapping[str, str]:
    """`Authorization: Bearer`; nothing for a deployment without a key."""
    return {"authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}


def anthropic_key(deployment: Deployment) -> Mapping[str, str]:
    """`x-api-key`; an OAuth token is shown as one. https://platform.claude.com/docs/en/api"""
    key = deployment.api_key or ""
    if key.startswith(ANTHROPIC_OAUTH):
        return bearer(deployment)
    return {"x-api-key": key} if key else {}


def key_in(header: str) -> Callable[[Deployment], Mapping[str, str]]:
    """The bare key in a header of that name."""
    return lambda deployment: {header: deployment.api_key} if deployment.api_key else {}


KEYS: Mapping[str, Callable[[Deployment], Mapping[str, str]]] = {
    "bearer": bearer,
    "anthropic": anthropic_key,
    "api-key": key_in("api-key"),
    "x-api-key": key_in("x-api-key"),
    "x-goog-api-key": key_in("x-goog-api-key"),
}
"""Schemes that need nothing but the deployment's key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Shows each deployment's credential as its provider wants it."""

    schemes: Mapping[str, Scheme]
    """Those that must fetch a token or sign the whole request."""

    async def __call__(self, departure: Departure) -> Mapping[str, str]:
        auth = departure.deployment.auth
        scheme = self.schemes.get(auth)
        return KEYS[auth](departure.deployment) if scheme is None else await scheme(departure)

"""The credential a provider is shown: one function a scheme, chosen by the deployment's schema."""

from collections.abc import Callable, Mapping

from extproc.domain.deployment import Deployment

Scheme = Callable[[Deployment], Mapping[str, str]]


def bearer(deployment: Deployment) -> Mapping[str, str]:
    """`Authorization: Bearer`; nothing for a deployment without a key."""
    return {"authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}


SCHEMES: Mapping[str, Scheme] = {"openai": bearer}


async def sign(deployment: Deployment) -> Mapping[str, str]:
    """Headers to set on a request to `deployment`."""
    return SCHEMES[deployment.schema](deployment)

"""What Bedrock's refusals mean: `{"message": …}`, the kind in a header or in the event's name.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping

from extproc.domain.deployment import Deployment
from extproc.errors import ProviderError
from extproc.providers.failures import provider_error

STATUSES: Mapping[str, int] = {
    "validationexception": 400,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "throttlingexception": 429,
    "servicequotaexceededexception": 429,
    "modelnotreadyexception": 429,
    "internalserverexception": 500,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "serviceunavailableexception": 503,
}
"""By the exception's name; those of a stream have no other."""

MODEL_FAILED = 424
"""The model failed, not the request: that is a failure like any other, worth another attempt."""


def error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    shown = 500 if status == MODEL_FAILED else status
    return provider_error(shown, headers, body, deployment)


def in_stream(kind: str, data: bytes, deployment: Deployment) -> ProviderError:
    """An exception's or an error's frame; `kind` is its name."""
    return error(STATUSES.get(kind.lower(), 500), {}, data, deployment)

"""A SageMaker endpoint: its path, and what its refusals mean.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
"""

from collections.abc import Mapping
from urllib.parse import quote

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.errors import ProviderError
from extproc.providers import answers, lenient
from extproc.providers.base import Outgoing, Request
from extproc.providers.failures import provider_error

COMPONENT = "x-amzn-sagemaker-inference-component"
MODEL_ERROR = 424
"""The container answered with an error of its own, which is told inside."""
KIND = "x-amzn-errortype"
STATUSES: Mapping[str, int] = {"ThrottlingException": 429}
"""By the error's kind, where the answer's own status says something else (400)."""


def addressed(request: Request, body: Json) -> Outgoing:
    """The model's name is the endpoint's; `model_id` names one of several models there."""
    deployment = request.deployment
    operation = "invocations-response-stream" if request.streaming else "invocations"
    component = deployment.options.get("model_id")
    return Outgoing(
        f"/endpoints/{quote(deployment.model, safe='')}/{operation}",
        body,
        {COMPONENT: component} if component else {},
    )


def error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    kind = headers.get(KIND, "").partition(":")[0]
    status = STATUSES.get(kind, status)
    try:
        told = answers.record(lenient.loads(body))
    except orjson.JSONDecodeError:
        return provider_error(status, headers, body, deployment)
    inner = answers.count(told.get("OriginalStatusCode"))
    if status == MODEL_ERROR:
        status = inner if inner is not None and 400 <= inner <= 599 else 500
    text = (
        answers.text(told.get("OriginalMessage"))
        or answers.text(told.get("Message"))
        or answers.text(told.get("message"))
        or kind  # a throttled call's message is null
    )
    plain = orjson.dumps({"message": text}) if text else body
    return provider_error(status, headers, plain, deployment)

"""What a provider's refusal means to the client: LiteLLM's exception classes and wordings.

The class is chosen by status, for 400 also by what the text says. A client written for LiteLLM
reads the class name at the head of the message and the status.
"""

from collections.abc import Mapping

import orjson

from extproc.domain.deployment import Deployment
from extproc.errors import ProviderError
from extproc.providers import lenient
from extproc.providers.wordings import failure_message

MAX_MESSAGE_CHARS = 4096

# status -> (class, `type` of the envelope, the status the client sees)
CLASSES: dict[int, tuple[str, str, int]] = {
    400: ("BadRequestError", "invalid_request_error", 400),
    401: ("AuthenticationError", "authentication_error", 401),
    402: ("PaymentRequiredError", "invalid_request_error", 402),
    403: ("PermissionDeniedError", "permission_error", 403),
    404: ("NotFoundError", "invalid_request_error", 404),
    408: ("Timeout", "invalid_request_error", 408),
    409: ("ConflictError", "invalid_request_error", 409),
    413: ("BadRequestError", "invalid_request_error", 413),
    422: ("BadRequestError", "invalid_request_error", 400),
    424: ("InternalServerError", "internal_server_error", 500),
    429: ("RateLimitError", "rate_limit_error", 429),
    500: ("InternalServerError", "internal_server_error", 500),
    502: ("BadGatewayError", "internal_server_error", 502),
    503: ("ServiceUnavailableError", "internal_server_error", 503),
    504: ("Timeout", "internal_server_error", 504),
}
OTHER_REFUSAL = ("BadRequestError", "invalid_request_error", 400)
OTHER_FAILURE = ("APIError", "internal_server_error", 500)

CONTEXT_WINDOW = (
    "prompt is too long",
    "input is too long",
    "exceed context limit",
    "this model's maximum context length is",
    "string too long. expected a string with maximum length",
    "model's maximum context limit",
    "is longer than the model's context length",
    "input tokens exceed the configured limit",
    "`inputs` tokens + `max_new_tokens` must be",
    "exceeds the available context size",
    "exceeds the maximum number of tokens allowed",
    "but model only supports up to",
    "context_length_exceeded",
    "too many tokens: total number of tokens",
    "too large for model with",
    "input length exceeds the context length",
    "too many input tokens",
    "expected maxlength:",
)
CONTEXT_WINDOW_PAIRS = (
    ("current length is", "while limit is"),
    ("maximum input length is", "tokens"),
)
"""Phrases that mean it together."""
NO_CONTEXT_WINDOW = ("string_above_max_length", "invalid 'user'")
"""What is too long is a member of the request."""
CONTENT_POLICY = (
    "output blocked by content filtering policy",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "safety system",
    "the model produced invalid content",
    "content_filter_policy",
    "content management policy",
    "the response was filtered",
)
BAD_CREDENTIALS = ("the security token included in the request is invalid",)
"""What AWS says with 403, which LiteLLM takes for the 401 that it is."""


def classify(status: int, text: str) -> tuple[str, str, int]:
    """(class name, envelope type, status for the client) of a provider's failure."""
    lowered = text.lower()
    if status == 403 and any(phrase in lowered for phrase in BAD_CREDENTIALS):
        return CLASSES[401]
    if status in (400, 413, 422):
        if _exceeds_context(lowered):
            return "ContextWindowExceededError", "invalid_request_error", 400
        if any(phrase in lowered for phrase in CONTENT_POLICY):
            return "ContentPolicyViolationError", "invalid_request_error", 400
    return CLASSES.get(status) or (OTHER_FAILURE if status >= 500 else OTHER_REFUSAL)


def _exceeds_context(lowered: str) -> bool:
    if any(phrase in lowered for phrase in NO_CONTEXT_WINDOW):
        return False
    pairs = (all(phrase in lowered for phrase in pair) for pair in CONTEXT_WINDOW_PAIRS)
    return any(phrase in lowered for phrase in CONTEXT_WINDOW) or any(pairs)


def provider_error(
    status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment
) -> ProviderError:
    """The client's error for an OpenAI-shaped error body; any other body is quoted, cut short.

    Some of AWS's bodies spell it `Message`.
    """
    detail = _detail(body)
    text = str(detail.get("message") or detail.get("Message") or "")[:MAX_MESSAGE_CHARS]
    quoted = text or body[:MAX_MESSAGE_CHARS].decode("utf-8", "replace").strip()
    name, type_, shown = classify(status, f"{quoted} {detail.get('code') or ''}")
    message = failure_message(name, deployment, quoted or f"answered with status {status}")
    param = detail.get("param")
    kept = {"retry-after": headers["retry-after"]} if "retry-after" in headers else {}
    return ProviderError(
        message,
        shown,
        str(detail.get("type") or type_),
        param=param if isinstance(param, str) else None,
        headers=kept,
    )


def unusable_answer(reason: str, deployment: Deployment) -> ProviderError:
    """The provider answered with success and something that cannot be used: 502."""
    message = failure_message("BadGatewayError", deployment, reason)
    return ProviderError(message, 502, "internal_server_error")


def _detail(body: bytes) -> Mapping[str, object]:
    try:
        parsed = lenient.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed)
    if isinstance(error, str):
        return {"message": error}
    if isinstance(error, dict) and isinstance(error.get("detail"), str):
        return {"message": error["detail"], **error}
    return error if isinstance(error, dict) else {}


def stalled(seconds: float, deployment: Deployment) -> ProviderError:
    """The provider went silent in the middle of its answer: 408, as LiteLLM's time-outs are."""
    text = f"no data for {seconds:g} seconds"
    message = failure_message("Timeout", deployment, text)
    return ProviderError(message, 408, "invalid_request_error")

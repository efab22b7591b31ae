"""What clients are told of a provider's failure."""

import pytest

from extproc.providers.failures import provider_error
from tests.calls import deployment


@pytest.mark.parametrize(
    ("status", "body", "shown", "message"),
    [
        (
            429,
            b'{"error":{"message":"slow down","type":"requests"}}',
            429,
            "litellm.RateLimitError: RateLimitError: OpenAIException - slow down",
        ),
        (
            401,
            b'{"error":"bad key"}',
            401,
            "litellm.AuthenticationError: AuthenticationError: OpenAIException - bad key",
        ),
        (422, b"{}", 400, "litellm.BadRequestError: OpenAIException - {}"),
        (500, b"<html>", 500, "litellm.InternalServerError: InternalServerError: "),
        (529, b"", 500, "litellm.APIError: APIError: OpenAIException - answered with status 529"),
        (418, b"", 400, "litellm.BadRequestError: "),
        (
            400,
            b'{"error":{"message":"This model\'s maximum context length is 8192 tokens"}}',
            400,
            "litellm.ContextWindowExceededError: ",
        ),
        (
            400,
            b'{"error":{"message":"no","code":"content_policy_violation"}}',
            400,
            "litellm.ContentPolicyViolationError: ",
        ),
        (
            400,
            b'{"message":"Current length is 9000 while limit is 8192","code":"x"}',
            400,
            "litellm.ContextWindowExceededError: ",
        ),
        (
            400,
            b'{"error":{"message":"Invalid \'user\': string too long. Expected a string with'
            b' maximum length 64","code":"string_above_max_length"}}',
            400,
            "litellm.BadRequestError: ",
        ),
        (502, b"\xff\xfe", 502, "litellm.BadGatewayError: "),
        (503, b"[]", 503, "litellm.ServiceUnavailableError: "),
        (400, b'[{"error":{"message":"listed"}}]', 400, "litellm.BadRequestError: "),
    ],
)
def test_class_status_and_wording(status: int, body: bytes, shown: int, message: str) -> None:
    error = provider_error(status, {}, body, deployment())
    assert error.status == shown and error.message.startswith(message)


def test_retry_after_is_handed_on() -> None:
    error = provider_error(429, {"retry-after": "7", "x-other": "1"}, b"{}", deployment())
    assert error.headers == {"retry-after": "7"}


def test_long_message_is_cut() -> None:
    assert len(provider_error(500, {}, b"x" * 100_000, deployment()).message) < 5000

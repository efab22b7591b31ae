"""Every error a client can see, and the one place that turns it into an envelope.

GatewayError
├── InvalidRequest        400  the client's body or headers are wrong
│   ├── RequestTooLarge   400  over max_request_size_mb
│   ├── BodyTooLarge      413  a management body over its limit
│   ├── BadRequest        400  a management request that makes no sense
│   ├── UnsupportedParams 400  the provider lacks a parameter, and it may not be left out
│   └── GuardrailRefused  400  a guardrail found what the operator forbids
├── AuthError             401  no key, a malformed one, or one that may not be used
│   ├── UnknownKey        401  a virtual key that is not in the database
│   └── ExpiredKey        401  its duration is over
├── Forbidden             403  a known key asks for what it may not have
│   └── ModelDenied       403  the key's models do not hold the one asked for
├── NotFound              404  no such thing
│   └── WrongMethod       405  there is such a route, for another method
├── KeysUnavailable       503  the database that could tell who is calling is away
├── GuardrailFailed       500  a guardrail could not give its verdict; the call is refused
├── NotImplementedYet     501  a LiteLLM route that this gateway does not serve
├── Unavailable           503  draining, or no upstream to try
├── ProviderError         502  what a provider answered; `status` is the provider's own
└── Internal              500  our bug; the message never carries details

Statuses, types and wordings are LiteLLM's, so that clients written for it keep working.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

Json = dict[str, Any]

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""https://platform.claude.com/docs/en/api/errors"""


def _writable(text: str) -> str:
    """What clients sent may be quoted in a message, in bytes that no JSON can hold."""
    return text.encode("utf-8", "replace").decode()


class GatewayError(Exception):
    """Base class. Subclasses set the class attributes; an instance may override its status."""

    status: int = 500
    type: str = "internal_server_error"
    param: ClassVar[str | None] = None
    integer_code: ClassVar[bool] = False
    """LiteLLM writes `code` as a string, in a few bodies as a number."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = _writable(message)
        shown = self.param if param is None else param
        self.error_param = None if shown is None else _writable(shown)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def envelope(self) -> Json:
        """`{"error": {message, type, param, code}}`, OpenAI's shape with LiteLLM's values."""
        code: int | str = self.status if self.integer_code else str(self.status)
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.error_param,
                "code": code,
                **self.extra,
            }
        }

    def anthropic_envelope(self) -> Json:
        """`{"type": "error", "error": {type, message}}`, for Anthropic's routes."""
        kind = _ANTHROPIC_TYPES.get(self.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": self.message}}


class InvalidRequest(GatewayError):
    status, type = 400, "invalid_request_error"


class RequestTooLarge(InvalidRequest):
    type, param, integer_code = "bad_request_error", "content-length", True

    def __init__(self, size_bytes: int, limit_mb: float) -> None:
        size_mb = size_bytes / 1024**2
        super().__init__(
            f"Request size is too large. Request size is {size_mb} MB. Max size is {limit_mb} MB"
        )


class BodyTooLarge(InvalidRequest):
    status, type, param = 413, "bad_request_error", "content-length"


class BadRequest(InvalidRequest):
    type = "bad_request_error"


class UnsupportedParams(InvalidRequest):
    """`rather` is the advice where there is no word for them, and to allow them does not help."""

    def __init__(
        self, provider: str, model: str, names: Sequence[str], rather: str | None = None
    ) -> None:
        forced = f" To send them all the same, set `allowed_openai_params={list(names)}` there."
        super().__init__(
            f"litellm.UnsupportedParamsError: {provider} does not support parameters: "
            f"{list(names)}, for model={model}. To drop these, set `drop_params: true` in "
            "litellm_settings, on the deployment or in the request."
            + (forced if rather is None else rather),
            param=names[0],
        )


class GuardrailRefused(InvalidRequest):
    """The message is the guardrail's verdict; `extra` may carry provider_specific_fields."""


class AuthError(GatewayError):
    status, type, param = 401, "auth_error", "None"


class UnknownKey(AuthError):
    type, param = "token_not_found_in_db", "key"


class ExpiredKey(AuthError):
    type = "expired_key"


class Forbidden(GatewayError):
    status, type, param = 403, "auth_error", "None"


class ModelDenied(Forbidden):
    type, param = "key_model_access_denied", "model"


class NotFound(GatewayError):
    status, type = 404, "not_found_error"


class WrongMethod(NotFound):
    status, type = 405, "invalid_request_error"


class KeysUnavailable(GatewayError):
    status, type, param = 503, "no_db_connection", "None"


class GuardrailFailed(GatewayError):
    status = 500


class NotImplementedYet(GatewayError):
    status, type = 501, "not_implemented_error"


class Unavailable(GatewayError):
    status = 503


class ProviderError(GatewayError):
    """A provider's refusal or failure, with the class name LiteLLM's clients know."""

    status = 502

    def __init__(
        self,
        message: str,
        status: int,
        type_: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, param=param, headers=headers)
        self.status = status
        self.type = type_


class Internal(GatewayError):
    status = 500

"""What a failure's message says before the provider's own text, as LiteLLM words it.

`litellm.<class>: <who> - <text>`. Who failed is named after the provider, and each family of
providers repeats the class in its own way: measured with LiteLLM 1.106.
"""

from collections.abc import Callable, Mapping

from extproc.domain.deployment import Deployment

NAMES: Mapping[str, str] = {"openai": "OpenAI", "sagemaker_chat": "Sagemaker"}
"""Providers that are not named by their own name with a capital."""

CONTEXT = "ContextWindowExceededError"


def failure_message(name: str, deployment: Deployment, text: str) -> str:
    """The message of a class of failure; `text` is the provider's, or says what is wrong."""
    provider = deployment.provider
    who = f"{NAMES.get(provider) or provider[:1].upper() + provider[1:]}Exception"
    worded = WORDINGS.get(deployment.schema, _plain)
    return f"litellm.{name}: {worded(name, who)} - {text}"


def _plain(name: str, who: str) -> str:
    return f"litellm.BadRequestError: {who}" if name == CONTEXT else who


def _like_openai(name: str, who: str) -> str:
    if name == CONTEXT:
        return f"litellm.BadRequestError: {name}: {who}"
    if name == "Timeout":
        return f"Timeout Error: {who}"
    once = ("BadRequestError", "ContentPolicyViolationError", "PaymentRequiredError")
    return who if name in once else f"{name}: {who}"


def _like_azure(name: str, who: str) -> str:
    if name == CONTEXT:
        return f"litellm.BadRequestError: {who} {name}"
    return who if name == "BadRequestError" else f"{who} {name}"


def _like_google(name: str, who: str) -> str:
    if name == CONTEXT:
        return f"litellm.BadRequestError: {name}: {who}"
    if name == "RateLimitError":
        return f"litellm.{name}: {who}"
    return f"{who} {name}" if name in ("BadRequestError", "InternalServerError") else who


WORDINGS: Mapping[str, Callable[[str, str], str]] = {
    **dict.fromkeys(("openai", "openai_chat", "mistral", "azure_ai"), _like_openai),
    **dict.fromkeys(("gemini", "vertex", "vertex_anthropic"), _like_google),
    "azure": _like_azure,
}
"""By wire format; all others are worded plainly."""

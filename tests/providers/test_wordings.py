"""Messages begin as LiteLLM's do, for each family of providers."""

import pytest

from extproc.providers.wordings import failure_message
from tests.calls import deployment


@pytest.mark.parametrize(
    ("provider", "schema", "name", "message"),
    [
        ("openai", "openai", "RateLimitError", "RateLimitError: OpenAIException"),
        ("openai", "openai", "BadRequestError", "OpenAIException"),
        ("openai", "openai", "Timeout", "Timeout Error: OpenAIException"),
        ("together_ai", "openai_chat", "NotFoundError", "NotFoundError: Together_aiException"),
        ("azure", "azure", "AuthenticationError", "AzureException AuthenticationError"),
        ("azure", "azure", "BadRequestError", "AzureException"),
        ("anthropic", "anthropic", "RateLimitError", "AnthropicException"),
        ("bedrock", "bedrock", "ServiceUnavailableError", "BedrockException"),
        ("sagemaker_chat", "sagemaker_chat", "NotFoundError", "SagemakerException"),
        ("vertex_ai", "vertex", "BadRequestError", "Vertex_aiException BadRequestError"),
        ("gemini", "gemini", "RateLimitError", "litellm.RateLimitError: GeminiException"),
        ("gemini", "gemini", "NotFoundError", "GeminiException"),
    ],
)
def test_who_failed_and_the_class_once_more(
    provider: str, schema: str, name: str, message: str
) -> None:
    target = deployment(provider=provider, schema=schema)
    assert failure_message(name, target, "the text") == f"litellm.{name}: {message} - the text"


@pytest.mark.parametrize(
    ("schema", "middle"),
    [
        ("openai", "litellm.BadRequestError: ContextWindowExceededError: OpenAIException"),
        ("azure", "litellm.BadRequestError: OpenAIException ContextWindowExceededError"),
        ("vertex", "litellm.BadRequestError: ContextWindowExceededError: OpenAIException"),
        ("cohere", "litellm.BadRequestError: OpenAIException"),
    ],
)
def test_a_window_that_is_exceeded_is_a_bad_request_too(schema: str, middle: str) -> None:
    name = "ContextWindowExceededError"
    message = failure_message(name, deployment(schema=schema), "long")
    assert message == f"litellm.{name}: {middle} - long"

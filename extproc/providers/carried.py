"""Which of Anthropic's and Google's own words a deployment's chat format takes.

thinking, output_config, top_k     members of the body, as Anthropic writes them
cache_control                      on parts, messages and tools
thinking_blocks, reasoning_content on assistant messages, is_error on tool messages
unsigned_blocks                    thinking blocks that nobody signed
signed_ids                         tool call ids that carry Gemini's thought signatures
file_urls                          a document's URL as a `file_id`

A word that a deployment does not take is left out, whichever format the client speaks: it leads
the answer or makes it cheaper, and is not what was asked. What was asked and cannot be said (a
picture, a tool, a document) goes through `refuse`.

OpenAI refuses members that it does not know, so its own format carries none of them, but for
providers that document some. `allowed_openai_params` adds to what is carried.
"""

from collections.abc import Mapping

from extproc.domain.value import value
from extproc.errors import InvalidRequest
from extproc.providers.base import Request

_HUB = frozenset({"cache_control", "thinking_blocks", "reasoning_content", "is_error"})
_CLAUDE = _HUB | {"thinking", "output_config", "top_k"}
_GEMINI = _HUB | {"thinking", "top_k", "signed_ids", "file_urls"}

SCHEMAS: Mapping[str, frozenset[str]] = {
    "anthropic": _CLAUDE | {"file_urls"},
    "vertex_anthropic": _CLAUDE,
    "bedrock_invoke": _CLAUDE,
    "bedrock": _HUB,
    "gemini": _GEMINI,
    "vertex": _GEMINI,
    "cohere": frozenset({"reasoning_content", "unsigned_blocks", "thinking", "top_k"}),
    "databricks": frozenset({"thinking_blocks"}),
    "mistral": frozenset({"unsigned_blocks", "file_urls"}),
    "ollama": frozenset({"reasoning_content", "top_k"}),
    "replicate": frozenset({"top_k"}),
    "sagemaker": frozenset({"top_k"}),
    **dict.fromkeys(("azure", "azure_ai", "sagemaker_chat", "watsonx"), frozenset()),
}
"""By the format; one that is missing here takes none."""
CLAUDE: Mapping[str, frozenset[str]] = {
    "bedrock": _CLAUDE,
    # https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models
    "databricks": frozenset({"thinking", "cache_control"}),
}
"""The same, where the model is one of Anthropic's."""
PROVIDERS: Mapping[str, frozenset[str]] = {
    # https://openrouter.ai/docs/features/prompt-caching
    "openrouter": frozenset({"cache_control", "top_k"}),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    "hosted_vllm": frozenset({"top_k"}),
    # https://docs.litellm.ai/docs/providers/gemini
    "litellm_proxy": frozenset({"signed_ids"}),
    # https://api-docs.deepseek.com/guides/thinking_mode
    "deepseek": frozenset({"reasoning_content"}),
    # https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
    "moonshot": frozenset({"reasoning_content"}),
}
"""What these take in OpenAI's format."""


@value
class Carried:
    """The words that one deployment takes, and what happens to what cannot be said in them."""

    words: frozenset[str]
    drop: bool = False
    """Whether what cannot be carried is left out; else it is refused."""

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def refuse(self, where: str, what: str) -> None:
        """Raises InvalidRequest for what has no word, unless it may be left out."""
        if not self.drop:
            raise InvalidRequest(f"{where}: {what} cannot be sent to this model.", param=where)


def carried_by(request: Request) -> Carried:
    deployment = request.deployment
    words = SCHEMAS.get(deployment.schema, frozenset()) | request.allowed
    words |= PROVIDERS.get(deployment.provider, frozenset())
    if "claude" in (deployment.base_model or deployment.model):
        words |= CLAUDE.get(deployment.schema, frozenset())
    return Carried(words, request.drop_params)

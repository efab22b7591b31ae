"""Every translator, in one table: (endpoint, the provider's schema) -> Translator."""

from collections.abc import Mapping

from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest
from extproc.providers import (
    anthropic,
    azure,
    bedrock,
    cohere,
    counters,
    databricks,
    gemini,
    generate,
    jina,
    media,
    messages,
    mistral,
    ollama,
    openai,
    realtime,
    replicate,
    rerank,
    responses,
    sagemaker,
    tei,
    textcompletion,
    voyage,
    watsonx,
)
from extproc.providers.base import Translator, TranslatorTable
from extproc.providers.bridge import Bridge, over

OPENAI: Mapping[Endpoint, Translator] = {
    "chat": openai.CHAT,
    "completions": openai.COMPLETIONS,
    "embeddings": openai.EMBEDDINGS,
    "responses": responses.NATIVE,
    "moderations": media.MODERATIONS,
    "images": media.IMAGES,
    "image_edits": media.IMAGE_EDITS,
    "speech": media.SPEECH,
    "transcriptions": media.TRANSCRIPTIONS,
    "translations": media.TRANSLATIONS,
}
OPENAI_ONLY: frozenset[Endpoint] = frozenset({"responses"})
"""What those who speak OpenAI's format usually lack: it is bridged over chat."""
AZURE_LACKS: frozenset[Endpoint] = frozenset({"moderations"})
"""Azure judges every prompt, and has no endpoint to ask for it in OpenAI's format."""

NATIVE: TranslatorTable = {
    **{(endpoint, "openai"): each for endpoint, each in OPENAI.items()},
    **{
        (endpoint, "openai_chat"): each
        for endpoint, each in OPENAI.items()
        if endpoint not in OPENAI_ONLY
    },
    **{
        (endpoint, "azure"): azure.at(azure.deployed, each)
        for endpoint, each in OPENAI.items()
        if endpoint not in AZURE_LACKS
    },
    ("realtime", "openai"): realtime.OPENAI,
    ("realtime", "openai_chat"): realtime.OPENAI,
    ("realtime", "azure"): realtime.AZURE,
    ("chat", "azure_ai"): azure.at(azure.foundry, openai.CHAT),
    ("embeddings", "azure_ai"): azure.at(azure.foundry, openai.EMBEDDINGS),
    ("chat", "cohere"): cohere.CHAT,
    ("embeddings", "cohere"): cohere.EMBEDDINGS,
    ("chat", "mistral"): mistral.CHAT,
    ("embeddings", "mistral"): mistral.EMBEDDINGS,
    ("chat", "ollama"): ollama.CHAT,
    ("embeddings", "ollama"): ollama.EMBEDDINGS,
    ("chat", "databricks"): databricks.CHAT,
    ("embeddings", "databricks"): databricks.EMBEDDINGS,
    ("chat", "watsonx"): watsonx.CHAT,
    ("embeddings", "watsonx"): watsonx.EMBEDDINGS,
    ("chat", "replicate"): replicate.CHAT,
    ("embeddings", "tei"): tei.EMBEDDINGS,
    ("embeddings", "jina"): jina.EMBEDDINGS,
    ("embeddings", "voyage"): voyage.EMBEDDINGS,
    ("embeddings", "infinity"): openai.EMBEDDINGS,
    ("rerank", "cohere"): rerank.translator(rerank.COHERE),
    ("rerank", "jina"): rerank.translator(rerank.JINA),
    ("rerank", "voyage"): rerank.translator(rerank.VOYAGE),
    ("rerank", "infinity"): rerank.translator(rerank.INFINITY),
    ("rerank", "tei"): rerank.translator(rerank.TEI),
    ("rerank", "openai"): rerank.translator(rerank.LIKE_JINA),
    ("rerank", "openai_chat"): rerank.translator(rerank.LIKE_JINA),
    ("chat", "anthropic"): anthropic.CHAT,
    ("chat", "vertex_anthropic"): anthropic.VERTEX_CHAT,
    ("chat", "bedrock_invoke"): anthropic.BEDROCK_CHAT,
    ("messages", "anthropic"): anthropic.MESSAGES,
    ("messages", "vertex_anthropic"): anthropic.VERTEX_MESSAGES,
    ("messages", "bedrock_invoke"): anthropic.BEDROCK_MESSAGES,
    ("chat", "bedrock"): bedrock.CHAT,
    ("embeddings", "bedrock"): bedrock.EMBEDDINGS,
    ("chat", "sagemaker"): sagemaker.CHAT,
    ("completions", "sagemaker"): sagemaker.COMPLETIONS,
    ("chat", "sagemaker_chat"): sagemaker.OPENAI_CHAT,
    ("chat", "gemini"): gemini.CHAT,
    ("embeddings", "gemini"): gemini.EMBEDDINGS,
    ("generate", "gemini"): gemini.GENERATE,
    ("chat", "vertex"): gemini.CHAT,
    ("embeddings", "vertex"): gemini.EMBEDDINGS,
    ("generate", "vertex"): gemini.GENERATE,
    ("count_tokens", "anthropic"): counters.ANTHROPIC,
    ("count_contents", "gemini"): counters.GOOGLE,
    ("count_contents", "vertex"): counters.GOOGLE,
    ("response_tokens", "openai"): counters.OPENAI,
}
"""Formats that a provider speaks itself."""

BRIDGES: Mapping[Endpoint, Bridge] = {
    "messages": messages.BRIDGE,
    "completions": textcompletion.BRIDGE,
    "generate": generate.BRIDGE,
    "responses": responses.BRIDGE,
}
"""Formats that any provider serves that can chat."""


def _with_bridges(native: TranslatorTable) -> TranslatorTable:
    bridged = {
        (endpoint, schema): over(bridge, translator)
        for endpoint, bridge in BRIDGES.items()
        for (served, schema), translator in native.items()
        if served == "chat"
    }
    return {**bridged, **native}


TRANSLATORS: TranslatorTable = _with_bridges(NATIVE)


def find(endpoint: Endpoint, schema: str) -> Translator:
    try:
        return TRANSLATORS[endpoint, schema]
    except KeyError:
        raise InvalidRequest(f"{schema!r} deployments do not serve {endpoint!r}.") from None


def remembers(schema: str) -> bool:
    """Whether a provider of this format remembers the responses that it made."""
    return ("responses", schema) in NATIVE

"""Every provider by its name, and the names that lead to one."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from extproc.providers.openairows import OPENAI_SPEAKING
from extproc.providers.ownrows import OWN_FORMAT
from extproc.providers.profile import Profile

_ROWS = (*OPENAI_SPEAKING, *OWN_FORMAT)

PROFILES: Mapping[str, Profile] = {row.name: row for row in _ROWS}

_OTHERS = """
a2a aiohttp_openai aleph_alpha amazon_nova anthropic_text assemblyai aws_polly azure_text
bedrock_converse bedrock_mantle black_forest_labs bytez chatgpt custom dashscope_image datarobot
deepgram elevenlabs fal_ai gigachat github_copilot langgraph maritalk milvus nlp_cloud oci
oobabooga palm petals pg_vector predibase ragflow recraft runwayml sap stability tencent
text-completion-codestral topaz triton watsonx_text
"""

UNSUPPORTED = frozenset(_OTHERS.split())
"""LiteLLM's other providers: their names are known, their formats are not spoken yet."""

KNOWN_MODELS: tuple[tuple[str, str], ...] = (
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("ft:gpt-", "openai"),
    ("text-embedding-", "openai"),
    ("dall-e-", "openai"),
    ("whisper-", "openai"),
    ("tts-", "openai"),
    ("omni-moderation-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gemini"),
    ("command-", "cohere"),
    ("embed-english-", "cohere"),
    ("embed-multilingual-", "cohere"),
    ("mistral-", "mistral"),
    ("ministral-", "mistral"),
    ("magistral-", "mistral"),
    ("codestral-", "mistral"),
    ("open-mistral-", "mistral"),
    ("deepseek-", "deepseek"),
    ("grok-", "xai"),
    ("sonar", "perplexity"),
)
"""How a model's bare name begins -> who makes it."""


def provider_of_model(model: str) -> str | None:
    """The provider of a model named without one."""
    return next((name for start, name in KNOWN_MODELS if model.startswith(start)), None)


def provider_at(base_url: str) -> str | None:
    """The provider that is reached at this URL's host."""
    host = urlsplit(base_url).hostname
    local = (None, "localhost", "127.0.0.1")
    return next(
        (
            row.name
            for row in _ROWS
            if host not in local and urlsplit(row.base_url).hostname == host
        ),
        None,
    )


def first_set(names: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The value of the first of these variables that is set."""
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), None)

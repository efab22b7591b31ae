"""Providers that speak OpenAI's format: one row each, and the names that lead to a row.

`{NAME}_API_KEY` and `{NAME}_API_BASE` are read for every provider; a row lists what else is. Where
a provider has a format of its own (Anthropic, Gemini, Cohere, Ollama) the row is its
OpenAI-compatible endpoint. Local servers have no URL of their own and need an `api_base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Profile:
    """How one provider is reached. `base_url` is empty where only the operator knows it."""

    name: str
    base_url: str
    key_env: tuple[str, ...]
    base_env: tuple[str, ...]
    own_root: bool = False
    """Whether an `api_base` that is only a host gets the path of `base_url`."""
    keyless: bool = False
    """Whether it answers without a credential."""
    auth: Literal["bearer"] = "bearer"
    rename: Mapping[str, str] = field(default_factory=dict)
    """OpenAI's parameter -> the provider's."""
    drop: frozenset[str] = frozenset()
    """Parameters it refuses."""
    source: str = ""
    """Where its documentation says so."""

    @property
    def root(self) -> str:
        """The path of `base_url`, without a slash at its end."""
        return urlsplit(self.base_url).path.rstrip("/")


def _row(
    name: str,
    base_url: str,
    source: str = "",
    *,
    keys: str = "",
    bases: str = "",
    own_root: bool = False,
    keyless: bool = False,
    rename: Mapping[str, str] | None = None,
) -> Profile:
    stem = name.upper().replace("-", "_")
    return Profile(
        name=name,
        base_url=base_url,
        key_env=tuple(dict.fromkeys([*keys.split(), f"{stem}_API_KEY"])),
        base_env=tuple(dict.fromkeys([*bases.split(), f"{stem}_API_BASE"])),
        own_root=own_root,
        keyless=keyless,
        rename=rename or {},
        source=source,
    )


_MAX_TOKENS = {"max_completion_tokens": "max_tokens"}

_ROWS = (
    _row(
        "openai",
        "https://api.openai.com/v1",
        "https://platform.openai.com/docs/api-reference",
        bases="OPENAI_BASE_URL",
    ),
    _row(
        "anthropic",
        "https://api.anthropic.com/v1",
        "https://platform.claude.com/docs/en/api/openai-sdk",
        bases="ANTHROPIC_BASE_URL",
        own_root=True,
    ),
    _row(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "https://ai.google.dev/gemini-api/docs/openai",
        keys="GEMINI_API_KEY GOOGLE_API_KEY",
        own_root=True,
    ),
    _row("groq", "https://api.groq.com/openai/v1", "https://console.groq.com/docs/openai"),
    _row("mistral", "https://api.mistral.ai/v1", "https://docs.mistral.ai/api", rename=_MAX_TOKENS),
    _row(
        "codestral",
        "https://codestral.mistral.ai/v1",
        "https://docs.mistral.ai/capabilities/code_generation",
        rename=_MAX_TOKENS,
    ),
    _row(
        "deepseek",
        "https://api.deepseek.com/v1",
        "https://api-docs.deepseek.com",
        rename=_MAX_TOKENS,
    ),
    _row(
        "cohere",
        "https://api.cohere.ai/compatibility/v1",
        "https://docs.cohere.com/docs/compatibility-api",
        keys="COHERE_API_KEY CO_API_KEY",
    ),
    _row(
        "together_ai",
        "https://api.together.xyz/v1",
        "https://docs.together.ai/docs/openai-api-compatibility",
        keys="TOGETHER_API_KEY TOGETHERAI_API_KEY",
    ),
    _row(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        keys="FIREWORKS_API_KEY FIREWORKS_AI_API_KEY FIREWORKSAI_API_KEY",
    ),
    _row("openrouter", "https://openrouter.ai/api/v1", "https://openrouter.ai/docs/quickstart"),
    _row("xai", "https://api.x.ai/v1", "https://docs.x.ai/docs/api-reference"),
    _row(
        "perplexity",
        "https://api.perplexity.ai",
        "https://docs.perplexity.ai",
        keys="PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY",
    ),
    _row(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        "https://deepinfra.com/docs/openai_api",
    ),
    _row("nvidia_nim", "https://integrate.api.nvidia.com/v1", "https://docs.api.nvidia.com/nim"),
    _row(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "https://inference-docs.cerebras.ai/resources/openai",
    ),
    _row("sambanova", "https://api.sambanova.ai/v1", "https://docs.sambanova.ai"),
    _row("ai21", "https://api.ai21.com/studio/v1", "https://docs.ai21.com/reference"),
    _row(
        "meta_llama",
        "https://api.llama.com/compat/v1",
        "https://llama.developer.meta.com/docs",
        keys="LLAMA_API_KEY",
        bases="LLAMA_API_BASE",
    ),
    _row("novita", "https://api.novita.ai/v3/openai", "https://novita.ai/docs"),
    _row(
        "nebius", "https://api.tokenfactory.nebius.com/v1", "https://docs.tokenfactory.nebius.com"
    ),
    _row("nscale", "https://inference.api.nscale.com/v1", "https://docs.nscale.com"),
    _row("hyperbolic", "https://api.hyperbolic.xyz/v1", "https://docs.hyperbolic.xyz"),
    _row(
        "lambda_ai",
        "https://api.lambda.ai/v1",
        "https://docs.lambda.ai",
        keys="LAMBDA_API_KEY",
        bases="LAMBDA_API_BASE",
    ),
    _row("featherless_ai", "https://api.featherless.ai/v1", "https://featherless.ai/docs"),
    _row(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        "https://friendli.ai/docs",
        keys="FRIENDLIAI_API_KEY FRIENDLI_TOKEN",
        bases="FRIENDLI_API_BASE",
    ),
    _row("inception", "https://api.inceptionlabs.ai/v1", "https://docs.inceptionlabs.ai"),
    _row(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "https://www.alibabacloud.com/help/en/model-studio",
    ),
    _row("moonshot", "https://api.moonshot.ai/v1", "https://platform.moonshot.ai/docs"),
    _row("zai", "https://api.z.ai/api/paas/v4", "https://docs.z.ai"),
    _row("minimax", "https://api.minimax.io/v1", "https://platform.minimax.io/docs"),
    _row(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        "https://www.volcengine.com/docs/82379",
        keys="VOLCENGINE_API_KEY ARK_API_KEY",
    ),
    _row(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        "https://vercel.com/docs/ai-gateway/openai-compat",
        keys="VERCEL_AI_GATEWAY_API_KEY AI_GATEWAY_API_KEY",
    ),
    _row("aiml", "https://api.aimlapi.com/v1", "https://docs.aimlapi.com", keys="AIML_API_KEY"),
    _row("wandb", "https://api.inference.wandb.ai/v1", "https://docs.wandb.ai/inference"),
    _row("baseten", "https://inference.baseten.co/v1", "https://docs.baseten.co/inference"),
    _row(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "https://endpoints.ai.cloud.ovh.net",
    ),
    _row(
        "scaleway",
        "https://api.scaleway.ai/v1",
        "https://www.scaleway.com/en/docs/generative-apis",
        keys="SCW_SECRET_KEY",
    ),
    _row("github", "https://models.github.ai/inference", "https://docs.github.com/github-models"),
    _row(
        "ollama",
        "http://localhost:11434/v1",
        "https://docs.ollama.com/openai",
        own_root=True,
        keyless=True,
    ),
    _row(
        "ollama_chat",
        "http://localhost:11434/v1",
        "https://docs.ollama.com/openai",
        keys="OLLAMA_API_KEY",
        bases="OLLAMA_API_BASE",
        own_root=True,
        keyless=True,
    ),
    _row("lm_studio", "http://localhost:1234/v1", "https://lmstudio.ai/docs", keyless=True),
    _row(
        "llamafile",
        "http://localhost:8080/v1",
        "https://github.com/mozilla-ai/llamafile",
        keyless=True,
    ),
    _row("hosted_vllm", "", "https://docs.vllm.ai", keyless=True),
    _row("xinference", "", "https://inference.readthedocs.io", keyless=True),
    _row("litellm_proxy", "", "https://docs.litellm.ai", keyless=True),
    _row("openai_like", "", keyless=True),
    _row("custom_openai", "", keyless=True),
    _row(
        "text-completion-openai",
        "https://api.openai.com/v1",
        "https://platform.openai.com/docs/api-reference",
        keys="OPENAI_API_KEY",
        bases="OPENAI_BASE_URL OPENAI_API_BASE",
    ),
)

PROFILES: Mapping[str, Profile] = {row.name: row for row in _ROWS}

_OTHERS = """
a2a ai21_chat aiohttp_openai aleph_alpha amazon_nova anthropic_text anyscale assemblyai
aws_polly azure azure_ai azure_text bedrock bedrock_converse bedrock_mantle black_forest_labs
bytez chatgpt clarifai cloudflare cohere_chat cometapi compactifai custom dashscope_image
databricks datarobot deepgram docker_model_runner elevenlabs empower fal_ai galadriel gigachat
github_copilot gradient_ai heroku huggingface infinity jina_ai langgraph maritalk milvus
modelscope morph nlp_cloud oci oobabooga palm petals pg_vector predibase publicai ragflow
recraft replicate runwayml sagemaker sagemaker_chat sap snowflake stability tencent
text-completion-codestral topaz triton v0 vertex_ai vertex_ai_beta vllm voyage watsonx
watsonx_text
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

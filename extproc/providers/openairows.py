"""Providers that speak OpenAI's format: one row each.

A row lists what is not `{NAME}_API_KEY` and `{NAME}_API_BASE`. Local servers have no URL of their
own and need an `api_base`.
"""

from extproc.providers.profile import row

MAX_TOKENS = {"max_completion_tokens": "max_tokens"}

OPENAI_SPEAKING = (
    row(
        "openai",
        "https://api.openai.com/v1",
        "https://platform.openai.com/docs/api-reference",
        bases="OPENAI_BASE_URL",
        schema="openai",
    ),
    row("groq", "https://api.groq.com/openai/v1", "https://console.groq.com/docs/openai"),
    row(
        "deepseek",
        "https://api.deepseek.com/v1",
        "https://api-docs.deepseek.com",
        rename=MAX_TOKENS,
    ),
    row(
        "together_ai",
        "https://api.together.xyz/v1",
        "https://docs.together.ai/docs/openai-api-compatibility",
        keys="TOGETHER_API_KEY TOGETHERAI_API_KEY",
    ),
    row(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        keys="FIREWORKS_API_KEY FIREWORKS_AI_API_KEY FIREWORKSAI_API_KEY",
    ),
    row("openrouter", "https://openrouter.ai/api/v1", "https://openrouter.ai/docs/quickstart"),
    row("xai", "https://api.x.ai/v1", "https://docs.x.ai/docs/api-reference"),
    row(
        "perplexity",
        "https://api.perplexity.ai",
        "https://docs.perplexity.ai",
        keys="PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY",
    ),
    row(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        "https://deepinfra.com/docs/openai_api",
    ),
    row("nvidia_nim", "https://integrate.api.nvidia.com/v1", "https://docs.api.nvidia.com/nim"),
    row(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "https://inference-docs.cerebras.ai/resources/openai",
    ),
    row("sambanova", "https://api.sambanova.ai/v1", "https://docs.sambanova.ai"),
    row("ai21", "https://api.ai21.com/studio/v1", "https://docs.ai21.com/reference"),
    row(
        "meta_llama",
        "https://api.llama.com/compat/v1",
        "https://llama.developer.meta.com/docs",
        keys="LLAMA_API_KEY",
        bases="LLAMA_API_BASE",
    ),
    row("novita", "https://api.novita.ai/v3/openai", "https://novita.ai/docs"),
    row("nebius", "https://api.tokenfactory.nebius.com/v1", "https://docs.tokenfactory.nebius.com"),
    row("nscale", "https://inference.api.nscale.com/v1", "https://docs.nscale.com"),
    row("hyperbolic", "https://api.hyperbolic.xyz/v1", "https://docs.hyperbolic.xyz"),
    row(
        "lambda_ai",
        "https://api.lambda.ai/v1",
        "https://docs.lambda.ai",
        keys="LAMBDA_API_KEY",
        bases="LAMBDA_API_BASE",
    ),
    row("featherless_ai", "https://api.featherless.ai/v1", "https://featherless.ai/docs"),
    row(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        "https://friendli.ai/docs",
        keys="FRIENDLIAI_API_KEY FRIENDLI_TOKEN",
        bases="FRIENDLI_API_BASE",
    ),
    row("inception", "https://api.inceptionlabs.ai/v1", "https://docs.inceptionlabs.ai"),
    row(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "https://www.alibabacloud.com/help/en/model-studio",
    ),
    row("moonshot", "https://api.moonshot.ai/v1", "https://platform.moonshot.ai/docs"),
    row("zai", "https://api.z.ai/api/paas/v4", "https://docs.z.ai"),
    row("minimax", "https://api.minimax.io/v1", "https://platform.minimax.io/docs"),
    row(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        "https://www.volcengine.com/docs/82379",
        keys="VOLCENGINE_API_KEY ARK_API_KEY",
    ),
    row(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        "https://vercel.com/docs/ai-gateway/openai-compat",
        keys="VERCEL_AI_GATEWAY_API_KEY AI_GATEWAY_API_KEY",
    ),
    row("aiml", "https://api.aimlapi.com/v1", "https://docs.aimlapi.com", keys="AIML_API_KEY"),
    row("wandb", "https://api.inference.wandb.ai/v1", "https://docs.wandb.ai/inference"),
    row("baseten", "https://inference.baseten.co/v1", "https://docs.baseten.co/inference"),
    row(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "https://endpoints.ai.cloud.ovh.net",
    ),
    row(
        "scaleway",
        "https://api.scaleway.ai/v1",
        "https://www.scaleway.com/en/docs/generative-apis",
        keys="SCW_SECRET_KEY",
    ),
    row("github", "https://models.github.ai/inference", "https://docs.github.com/github-models"),
    row("lm_studio", "http://localhost:1234/v1", "https://lmstudio.ai/docs", keyless=True),
    row(
        "llamafile",
        "http://localhost:8080/v1",
        "https://github.com/mozilla-ai/llamafile",
        keyless=True,
    ),
    row("hosted_vllm", "", "https://docs.vllm.ai", keyless=True),
    row("xinference", "", "https://inference.readthedocs.io", keyless=True),
    row("litellm_proxy", "", "https://docs.litellm.ai", keyless=True),
    row("openai_like", "", keyless=True),
    row("custom_openai", "", keyless=True),
    row(
        "text-completion-openai",
        "https://api.openai.com/v1",
        "https://platform.openai.com/docs/api-reference",
        keys="OPENAI_API_KEY",
        bases="OPENAI_BASE_URL OPENAI_API_BASE",
    ),
    row("anyscale", "https://api.endpoints.anyscale.com/v1", "https://docs.anyscale.com"),
    row("vllm", "", "https://docs.vllm.ai", keyless=True),
    row(
        "huggingface",
        "https://router.huggingface.co/v1",
        "https://huggingface.co/docs/inference-providers",
        keys="HF_TOKEN HUGGINGFACE_API_KEY",
        bases="HF_API_BASE HUGGINGFACE_API_BASE",
    ),
)

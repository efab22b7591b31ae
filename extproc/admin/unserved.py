"""LiteLLM's routes that this gateway does not serve yet: they answer 501 and say so, not 404.

One pattern a line, whatever the method: `{name}` stands for one part of a path, a `*` at the end
for anything. What is served is matched before this table is read.
"""

import re

_LLM = """
/queue/chat/completions /cursor/chat/completions /cursor/*
/v1/messages/* /claude_code_gateway/* /v1/skills /v1/skills/*
/responses/compact /v1/responses/compact /openai/v1/responses/compact
/images/variations /v1/images/variations /engines/*
/{provider}/v1/files /{provider}/v1/files/* /{provider}/v1/batches /{provider}/v1/batches/*
/fine_tuning/checkpoints/* /v1/fine_tuning/checkpoints/*
/assistants /assistants/* /v1/assistants /v1/assistants/*
/threads /threads/* /v1/threads /v1/threads/*
/vector_stores /vector_stores/* /v1/vector_stores /v1/vector_stores/* /vector_store/*
/v1beta/* /models/{model}:{action} /interactions /interactions/*
/realtime/* /v1/realtime/* /openai/v1/realtime/*
/mcp /mcp/* /{server}/mcp /v1/mcp/* /a2a/* /v1/a2a/* /agents /agents/* /v1/agents /v1/agents/*
/containers /containers/* /v1/containers /v1/containers/* /videos /videos/* /v1/videos /v1/videos/*
/evals /evals/* /v1/evals /v1/evals/* /rag/* /v1/rag/* /ocr /v1/ocr
/search /search/* /v1/search /v1/search/* /search_tools/* /v1/tool/* /v1/traces /v1/traces/*
/utils/*
"""

_PASS_THROUGH = """
/openai/deployments/* /langfuse/* /milvus/* /gigachat/* /azure_speech/*
"""

_ENTITIES = """
/key/service-account/generate /key/bulk_update /key/regenerate /key/{key}/regenerate
/key/{key}/reset_spend /key/aliases /key/spend/report /v2/key/info
/user/* /v2/user/* /invitation/* /onboarding/* /session/logout
/team/* /v2/team/* /organization/* /v2/organization/* /project/* /customer/* /end_user/*
/budget/* /tag/* /management/v1/*
/model/* /v1/model/* /v2/model/* /model_group/* /model_hub/* /access_group/*
/v1/access_group /v1/access_group/* /credentials /credentials/*
/guardrails /guardrails/* /v2/guardrails/* /apply_guardrail /policies /policies/* /policy/*
/prompts /prompts/* /prompt/* /jwt/* /scim/v2 /scim/v2/*
"""

_SPEND = """
/spend/tags /spend/logs/* /spend/keys /spend/users /spend/calculate /spend/capture_rate
/cost/* /global/* /provider/budgets /gateway/daily/activity /cloudzero/* /vantage/*
"""

_OPERATIONS = """
/audit /audit/* /config/* /config_overrides/* /get/* /add/allowed_ip /delete/allowed_ip /update/*
/callbacks/* /active/callbacks /alerting/* /router/* /fallback /fallback/* /cache/*
/coordination_redis/* /upload/logo /get_image /get_logo_url /get_favicon /email/*
/health /health/services /health/history /health/latest /health/shared-status /health/backlog
/health/license /health/drain /health/test_connection /health/readiness/details
/settings /test /reload/* /schedule/* /public/* /sso/* /login /v2/login /v3/login /v3/login/*
/ui /ui/* /.well-known/litellm-ui-config /litellm/.well-known/litellm-ui-config /robots.txt
/claude-code/* /v1/memory /v1/memory/* /v1/workflows /v1/workflows/* /lens/* /auto_router/*
/usage/* /debug/* /memory-usage /memory-usage-in-mem-cache /memory-usage-in-mem-cache-items
/compliance/* /moyai/* /liteadmin/* /logs
"""

PATTERNS = tuple(f"{_LLM}{_PASS_THROUGH}{_ENTITIES}{_SPEND}{_OPERATIONS}".split())

_ANTHROPIC = ("/v1/messages", "/claude_code_gateway/")


def _regex(pattern: str) -> str:
    parts = re.split(r"(\{[a-z_]+\}|\*$)", pattern)
    return "".join(
        "[^/]+" if part.startswith("{") else ".*" if part == "*" else re.escape(part)
        for part in parts
    )


_MATCHER = re.compile("|".join(_regex(pattern) for pattern in PATTERNS), re.DOTALL)


def is_unserved(path: str) -> bool:
    """Whether LiteLLM has this route; asked only about paths that nothing here serves."""
    return _MATCHER.fullmatch(path) is not None


def speaks_anthropic(path: str) -> bool:
    """Whether the route's errors have Anthropic's envelope."""
    return path.startswith(_ANTHROPIC)

"""The guardrails a config switches on, in their order: callbacks first, then `guardrails:`."""

from pathlib import Path
from typing import Any

from extproc.config.check import rows, section
from extproc.config.documentkeys import GUARDRAILS
from extproc.config.problems import ConfigError, Warnings
from extproc.config.rows import words
from extproc.config.yamlfile import Node
from extproc.domain.snapshot import GuardrailRule

KINDS = {
    "hide_secrets": "hide_secrets",
    "hide-secrets": "hide_secrets",
    "banned_keywords": "banned_keywords",
}
"""What a config calls a guardrail -> the code that runs it."""

_HIDE_SECRETS = ("max_characters", "deadline_seconds", "detect_secrets_config")

ALWAYS_ON = frozenset({"prometheus"})
"""Callbacks that need no switching on."""

CALLBACKS = frozenset(
    words(
        """
    aim aporia argilla arize arize_phoenix athina aws_sqs azure_content_safety azure_sentinel
    azure_storage bedrock blocked_user_check braintrust cloudzero custom_guardrail datadog
    datadog_cost_management datadog_llm_observability datadog_metrics deepeval
    detect_prompt_injection dynamic_rate_limiter dynamic_rate_limiter_v3 dynamodb email galileo
    gcs_bucket gcs_pubsub generic_api google_text_moderation greenscale guardrails_ai helicone
    humanloop lago lakera
    lakera_prompt_injection lakera_v2 langfuse langfuse_otel langsmith langtrace literalai
    llamaguard_moderations llmguard_moderations logfire lunary mlflow model_armor newrelic
    openai_moderation openai_moderations openmeter opik otel pagerduty pangea posthog presidio
    promptlayer resend_email s3 s3_v2 sentry signoz slack smtp_email supabase tool_permission
    traceloop vector_store_pre_call_hook wandb weave_otel webhook
    """
    )
)
"""LiteLLM's other callbacks and guardrails: known by name, without effect yet."""


def callback_rules(
    settings: dict[str, Any], folder: Path, warnings: Warnings
) -> list[GuardrailRule]:
    """The rules of `litellm_settings.callbacks`; they run on every request."""
    given = settings.get("callbacks", [])
    names = [given] if isinstance(given, str) else given
    found = []
    for name in dict.fromkeys(names):
        if name in KINDS:
            path = "litellm_settings"
            options = _options(KINDS[name], settings, path, folder)
            found.append(GuardrailRule(KINDS[name], KINDS[name], options))
        elif name not in ALWAYS_ON:
            _not_run("litellm_settings.callbacks", name, warnings)
    if "banned_keywords_list" in settings and "banned_keywords" not in names:
        warnings.add(
            "litellm_settings.banned_keywords_list: has no effect without "
            'callbacks: ["banned_keywords"]'
        )
    return found


def listed_rules(nodes: list[Node], folder: Path, warnings: Warnings) -> list[GuardrailRule]:
    """The rules of the `guardrails:` list."""
    found = []
    for path, node in rows(nodes, "guardrails"):
        row = section(node, GUARDRAILS, path, warnings)
        params = row.get("litellm_params", {})
        kind = params.get("guardrail")
        if not row.get("guardrail_name") or not kind:
            raise ConfigError(
                f"{node.where}: {path}: needs guardrail_name and litellm_params.guardrail"
            )
        if kind not in KINDS:
            _not_run(f"{path}.litellm_params.guardrail", kind, warnings)
        elif not _before_call(params.get("mode")):
            warnings.add(
                f"{path}: {row['guardrail_name']}: runs in no mode but pre_call yet; left out"
            )
        elif not params.get("default_on", False):
            warnings.add(
                f"{path}: {row['guardrail_name']}: guardrails that a request or a key switches on "
                "have no effect yet; it runs with default_on: true"
            )
        else:
            options = _options(KINDS[kind], params, f"{path}.litellm_params", folder)
            found.append(GuardrailRule(row["guardrail_name"], KINDS[kind], options))
    return found


def _before_call(mode: Any) -> bool:
    """`mode` is a name, a list of names, or a mapping with a `default`."""
    given = mode.get("default") if isinstance(mode, dict) else mode
    return given is None or "pre_call" in (given if isinstance(given, list) else [given])


def _not_run(path: str, name: str, warnings: Warnings) -> None:
    if name in CALLBACKS or "." in name:
        warnings.add(f"{path}: {name}: recognised, has no effect yet")
    else:
        warnings.unknown(f"{path}: {name}", name, CALLBACKS | KINDS.keys() | ALWAYS_ON)


def _options(kind: str, given: dict[str, Any], path: str, folder: Path) -> dict[str, object]:
    """The settings of one guardrail; a keyword file is replaced by its words."""
    if kind == "banned_keywords":
        words = _keywords(given.get("banned_keywords_list"), path, folder)
        return {"banned_keywords_list": words}
    return {name: given[name] for name in _HIDE_SECRETS if name in given}


def _keywords(given: list[str] | str | None, path: str, folder: Path) -> tuple[str, ...]:
    """A guardrail that cannot be read must not be switched off by that: it stops the start."""
    if given is None:
        raise ConfigError(f"{path}: banned_keywords needs banned_keywords_list")
    if isinstance(given, list):
        lines = given
    else:
        try:
            lines = (folder / given).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text in UTF-8"
            raise ConfigError(
                f"{path}.banned_keywords_list: {folder / given}: cannot be read: {reason}"
            ) from None
    return tuple(dict.fromkeys(word.strip() for word in lines if word.strip()))

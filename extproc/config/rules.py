"""The settings that the data path obeys, as Rules."""

import math
from collections.abc import Mapping
from typing import Any

from extproc.domain.endpoints import Endpoint
from extproc.domain.snapshot import GuardrailRule, Rules

_MB = 1024 * 1024

USUAL: Mapping[str, tuple[Endpoint, ...]] = {
    "completion_model": ("chat", "completions", "messages", "responses"),
    "moderation_model": ("moderations",),
}
FORCED: Mapping[str, tuple[Endpoint, ...]] = {
    "embedding_model": ("embeddings",),
    "image_generation_model": ("images",),
}
"""`general_settings` -> the endpoints whose model they name."""


def _models(
    general: Mapping[str, Any], table: Mapping[str, tuple[Endpoint, ...]]
) -> dict[Endpoint, str]:
    return {
        endpoint: general[name]
        for name, endpoints in table.items()
        if general.get(name)
        for endpoint in endpoints
    }


def rules(
    litellm: Mapping[str, Any],
    general: Mapping[str, Any],
    router: Mapping[str, Any],
    guardrails: tuple[GuardrailRule, ...],
) -> Rules:
    """From the checked sections; `litellm_settings` wins over `router_settings`."""
    usual = Rules()
    timeout = litellm.get("request_timeout", router.get("timeout", usual.request_timeout_seconds))
    silence = litellm.get("stream_timeout", router.get("stream_timeout"))
    limit_mb = general.get("max_request_size_mb")
    return Rules(
        num_retries=litellm.get("num_retries", router.get("num_retries", usual.num_retries)),
        max_request_bytes=usual.max_request_bytes if limit_mb is None else _bytes(limit_mb),
        max_request_mb_shown=limit_mb,
        request_timeout_seconds=timeout,
        first_byte_seconds=silence or min(usual.first_byte_seconds, timeout),
        stall_seconds=silence or usual.stall_seconds,
        key_header=general.get("litellm_key_header_name"),
        usual_models=_models(general, USUAL),
        forced_models=_models(general, FORCED),
        always_include_stream_usage=general.get("always_include_stream_usage"),
        allow_client_side_credentials=general.get("allow_client_side_credentials", False),
        guardrails=guardrails,
    )


def _bytes(megabytes: float) -> int:
    """Whole bytes; a limit below one byte, or below zero, refuses everything."""
    return max(0, math.floor(megabytes * _MB))

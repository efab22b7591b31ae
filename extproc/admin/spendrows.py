"""A ledger row as LiteLLM's `/spend/logs` shows it, and rows summed up by day."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from extproc.admin.keyrows import iso
from extproc.domain.ledger import Ended, SpendRow
from extproc.domain.usage import Usage, usd


def row(spent: SpendRow) -> dict[str, Any]:
    """Every column LiteLLM has; what only this gateway knows is in `metadata`."""
    begun, ended = spent.begun, spent.ended
    known = {**begun.metadata, **ended.metadata}
    return {
        "request_id": begun.call_id,
        "call_type": begun.call_type,
        "api_key": begun.key_hash,
        "spend": usd(ended.cost_nanousd or 0),
        "total_tokens": ended.usage.total,
        "prompt_tokens": ended.usage.input,
        "completion_tokens": ended.usage.output,
        "startTime": iso(begun.at),
        "endTime": iso(ended.at),
        "completionStartTime": iso(ended.first_byte_at),
        "request_duration_ms": max(0, round((ended.at - begun.at) * 1000)),
        "model": begun.model,
        "model_id": begun.deployment_id,
        "model_group": begun.model_group,
        "custom_llm_provider": begun.provider,
        "api_base": begun.api_base,
        "user": known.get("user") or "",
        "metadata": _metadata(spent, known),
        "cache_hit": "False",
        "cache_key": "Cache OFF",
        "request_tags": list(known.get("tags") or ()),
        "team_id": known.get("team_id"),
        "organization_id": known.get("organization_id"),
        "end_user": known.get("end_user") or "",
        "requester_ip_address": known.get("requester_ip_address"),
        "messages": {},
        "response": {},
        "proxy_server_request": {},
        "session_id": begun.call_id,
        "status": ended.status,
        "agent_id": None,
    }


KNOWN_AS = {
    "user_api_key_alias": "key_alias",
    "user_api_key_user_id": "user",
    "user_api_key_team_id": "team_id",
    "user_api_key_org_id": "organization_id",
    "spend_logs_metadata": "spend_logs_metadata",
    "requester_ip_address": "requester_ip_address",
    "applied_guardrails": "applied_guardrails",
    "requested_model": "requested_model",
    "response_id": "response_id",
    "litellm_call_id": "gateway_id",
}
"""LiteLLM's name -> the ledger's."""


def _metadata(spent: SpendRow, known: dict[str, Any]) -> dict[str, Any]:
    begun, ended = spent.begun, spent.ended
    failed = ended.status != "success"
    return {
        **{shown: known.get(name) for shown, name in KNOWN_AS.items()},
        "user_api_key": begun.key_hash,
        "status": ended.status,
        "usage_object": _usage(ended.usage),
        "error_information": (
            {"error_code": _code(ended), "error_message": ended.error} if failed else None
        ),
        "attempt": begun.number,
        "attempt_id": begun.attempt_id,
        "estimated": ended.estimated,
        "unpriced": known.get("unpriced"),
        "interrupted": spent.interrupted,
        "unknown_price": ended.cost_nanousd is None,
    }


def _code(ended: Ended) -> str:
    """The provider's status, unless that was a good one: then the answer broke off."""
    return str(502 if 200 <= ended.http_status < 300 else ended.http_status)


def _usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's usage object."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_creation_tokens": usage.cache_written,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        },
    }


def by_day(rows: Iterable[SpendRow]) -> list[dict[str, Any]]:
    """`{startTime, spend, users, models}` of each UTC day, the earliest first."""
    days: dict[str, list[SpendRow]] = defaultdict(list)
    for spent in rows:
        days[datetime.fromtimestamp(spent.begun.at, UTC).date().isoformat()].append(spent)
    return [_day(date, days[date]) for date in sorted(days)]


def _day(date: str, rows: list[SpendRow]) -> dict[str, Any]:
    """Summed in nano-USD, so that the parts add up."""
    users: dict[str, int] = defaultdict(int)
    models: dict[str, int] = defaultdict(int)
    for spent in rows:
        cost = spent.ended.cost_nanousd or 0
        users[str(spent.begun.metadata.get("user") or "")] += cost
        models[spent.begun.model] += cost
    return {
        "startTime": date,
        "spend": usd(sum(models.values())),
        "users": {name: usd(cost) for name, cost in users.items()},
        "models": {name: usd(cost) for name, cost in models.items()},
    }

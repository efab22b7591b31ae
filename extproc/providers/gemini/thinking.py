"""How much a model thinks: a level from Gemini 3 on, a budget of tokens before.

https://ai.google.dev/gemini-api/docs/thinking
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.providers import chat
from extproc.providers.gemini.sites import generation, model_name

FIRST_WITH_LEVELS = 3

LEVELS: Mapping[str, str] = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
LACKING: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("gemini-3-pro", {"minimal": "low", "medium": "high"}),
    ("-pro", {"minimal": "low"}),
)
"""Levels that a model lacks, and the nearest that it has: the first row whose name fits."""

BUDGETS: tuple[tuple[str, int, int], ...] = (
    ("2.5-pro", 128, 32_768),
    ("2.5-flash-lite", 512, 24_576),
    ("2.5-flash", 1, 24_576),
)
ANY_BUDGET = (1, 24_576)
"""The least and the most that a model may think, when it does."""
ALWAYS_THINKS = "2.5-pro"
DYNAMIC = -1
EQUAL: tuple[tuple[int, str], ...] = ((1024, "low"), (8192, "medium"))
"""Up to how many tokens a level stands for; above, it is high.
https://ai.google.dev/gemini-api/docs/openai#thinking"""


def thinking_config(asked: Json, deployment: Deployment) -> Json:
    """`thinkingConfig` for Anthropic's `thinking`, or else OpenAI's effort; empty for neither."""
    if asked.get("thinking") is not None:
        return _thinking(chat.member(asked, "thinking", ""), deployment)
    effort = asked.get("reasoning_effort")
    if effort is None:
        return {}
    if not isinstance(effort, str) or effort not in LEVELS:
        raise chat.wrong("reasoning_effort", f"one of {', '.join(LEVELS)}")
    return _effort(effort, deployment)


def _thinking(thinking: Json, deployment: Deployment) -> Json:
    """https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""
    kind: Any = thinking.get("type")
    if kind == "disabled":
        return _effort("none", deployment)
    if kind not in ("enabled", "adaptive"):
        raise chat.wrong("thinking.type", "enabled, adaptive or disabled")
    budget = thinking.get("budget_tokens")
    leveled = generation(deployment) >= FIRST_WITH_LEVELS
    if budget is None or kind == "adaptive":
        return _shown({} if leveled else {"thinkingBudget": DYNAMIC})
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise chat.wrong("thinking.budget_tokens", "a whole number")
    if leveled:
        level = next((level for most, level in EQUAL if budget <= most), "high")
        return _shown(_level(level, deployment))
    return _shown(_budget(budget, deployment))


def _effort(effort: str, deployment: Deployment) -> Json:
    shown = effort != "none"
    if generation(deployment) >= FIRST_WITH_LEVELS:
        return _shown(_level(LEVELS[effort], deployment), shown)
    if not shown and ALWAYS_THINKS not in model_name(deployment):
        return _shown({"thinkingBudget": 0}, shown)
    return _shown(_budget(chat.THINKING_TOKENS.get(effort, 0), deployment), shown)


def _level(level: str, deployment: Deployment) -> Json:
    name = model_name(deployment)
    nearest = next((row for part, row in LACKING if part in name), {})
    return {"thinkingLevel": nearest.get(level, level)}


def _budget(tokens: int, deployment: Deployment) -> Json:
    name = model_name(deployment)
    least, most = next(((low, high) for part, low, high in BUDGETS if part in name), ANY_BUDGET)
    return {"thinkingBudget": max(least, min(tokens, most))}


def _shown(config: Json, shown: bool = True) -> Json:
    return {**config, "includeThoughts": shown}

"""Converse's token counts: what was read from a cache or written to one is not in inputTokens.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
"""

from typing import Any

from extproc.domain.usage import Usage
from extproc.providers import answers


def usage(raw: Any) -> Usage | None:
    """None when it says nothing."""
    if not isinstance(raw, dict):
        return None
    cached = _count(raw.get("cacheReadInputTokens"))
    written = _count(raw.get("cacheWriteInputTokens"))
    found = Usage(
        input=_count(raw.get("inputTokens")) + cached + written,
        output=_count(raw.get("outputTokens")),
        cached=cached,
        cache_written=written,
        cache_written_1h=min(written, _written_1h(raw.get("cacheDetails"))),
    )
    return found or None


def _written_1h(details: Any) -> int:
    hours = (one for one in answers.objects(details) if one.get("ttl") == "1h")
    return sum(_count(one.get("inputTokens")) for one in hours)


def _count(value: Any) -> int:
    return answers.count(value) or 0

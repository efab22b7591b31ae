"""What Claude's clouds take of the hints that Anthropic's own clients always send.

Claude Code writes betas, cache scopes and context edits for Anthropic's own API, whatever serves
the model. Elsewhere one of them that is not known fails the whole request; they change
what an answer costs, how fast it comes or what is remembered of it, and so are left out.
https://code.claude.com/docs/en/llm-gateway
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json

TOOL_SEARCH = "tool-search-tool-2025-10-19"
_BOTH = (
    *("compact-2026-01-12", "computer-use-2025-01-24", "computer-use-2025-11-24"),
    *("context-1m-2025-08-07", "context-management-2025-06-27"),
    *("interleaved-thinking-2025-05-14", TOOL_SEARCH),
)
_AMAZON = (
    *("computer-use-2024-10-22", "dev-full-thinking-2025-05-14", "effort-2025-11-24"),
    *("fine-grained-tool-streaming-2025-05-14", "output-128k-2025-02-19"),
    *("token-efficient-tools-2025-02-19", "tool-examples-2025-10-29"),
)
_RENAMED = {"advanced-tool-use-2025-11-20": TOOL_SEARCH}
AMAZON_BETAS: Mapping[str, str] = {name: name for name in (*_BOTH, *_AMAZON)} | _RENAMED
GOOGLE_BETAS: Mapping[str, str] = {
    name: name for name in (*_BOTH, "web-search-2025-03-05")
} | _RENAMED
"""Anthropic's name of a beta -> the cloud's."""

_HINTS = frozenset(
    {"betas", "diagnostics", "service_tier", "speed", "user_profile_id", "workspace_id"}
)
_EDITS = frozenset({"clear_tool_uses_20250919", "compact_20260112"})
"""The context edits that Amazon knows."""
_MARK = frozenset({"type", "ttl"})
_DEEPEST_MARK = 3
"""messages │ their blocks │ the blocks of a tool's result"""


def google(body: Json) -> Json:
    """A client's own body as Vertex AI takes it."""
    taken = {name: member for name, member in body.items() if name not in _HINTS}
    for name in ("messages", "system", "tools"):
        if name in taken:
            taken[name] = _without_scopes(taken[name], _DEEPEST_MARK)
    return taken


def amazon(body: Json) -> Json:
    """The same as Bedrock takes it."""
    taken = google(body)
    taken.pop("cache_control", None)
    if isinstance(tools := taken.get("tools"), list):
        taken["tools"] = [_without(tool, "eager_input_streaming") for tool in tools]
    edited = taken.pop("context_management", None)
    edits = edited.get("edits") if isinstance(edited, dict) else None
    if isinstance(edits, list) and (known := [edit for edit in edits if _is_known(edit)]):
        taken["context_management"] = {**edited, "edits": known}
    return taken


def _is_known(edit: Any) -> bool:
    kind = edit.get("type") if isinstance(edit, dict) else None
    return isinstance(kind, str) and kind in _EDITS


def _without(item: Any, name: str) -> Any:
    if not isinstance(item, dict) or name not in item:
        return item
    return {key: member for key, member in item.items() if key != name}


def _without_scopes(items: Any, levels: int) -> Any:
    """Blocks or tools whose cache marks say a type and a ttl alone."""
    if not isinstance(items, list) or not levels:
        return items
    return [_plainly_marked(item, levels) for item in items]


def _plainly_marked(item: Any, levels: int) -> Any:
    if not isinstance(item, dict):
        return item
    mark = item.get("cache_control")
    if isinstance(mark, dict) and not mark.keys() <= _MARK:
        plain = {name: member for name, member in mark.items() if name in _MARK}
        item = {**item, "cache_control": plain}
    if isinstance(inner := item.get("content"), list):
        item = {**item, "content": _without_scopes(inner, levels - 1)}
    return item

"""GET /v1/models: the groups a caller may use, in OpenAI's or Anthropic's form."""

import orjson

from extproc.domain.call import Call
from extproc.errors import NotFound
from extproc.policy.access import allows

CREATED = 1677610602
"""The creation time that LiteLLM gives every group."""


def visible(call: Call) -> list[str]:
    """Group names, patterns as they are written, and aliases, that the key may use."""
    snapshot = call.snapshot
    names = [*snapshot.groups, *(a for a in snapshot.aliases if a not in snapshot.hidden_aliases)]
    key = call.key
    return sorted({name for name in names if key is not None and allows(key, name)})


def list_models(call: Call, only: str | None) -> bytes:
    """The whole list, or one model's entry when `only` names it. Raises NotFound."""
    if only is not None:
        if call.key is None or not call.snapshot.find(only) or not allows(call.key, only):
            raise NotFound(f"The model '{only}' does not exist or is not available for this key.")
        return orjson.dumps(_entry(only))
    names = visible(call)
    if "anthropic-version" in call.headers:
        entries = [{"type": "model", "id": name, "display_name": name} for name in names]
        return orjson.dumps({"data": entries, "has_more": False})
    return orjson.dumps({"data": [_entry(name) for name in names], "object": "list"})


def _entry(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}

"""Cache marks of a request's parts, messages and tools, for providers that are told what to keep.

https://platform.openai.com/docs/guides/prompt-caching
"""

from extproc.domain.call import Json
from extproc.providers.carried import Carried


def mark(marked: Json, carried: Carried) -> Json:
    """`cache_control`, where the provider has it: as given, or for OpenAI's breakpoint."""
    if "cache_control" not in carried:
        return {}
    if isinstance(marked.get("cache_control"), dict):
        return {"cache_control": marked["cache_control"]}
    return {"cache_control": {"type": "ephemeral"}} if marked.get("prompt_cache_breakpoint") else {}

"""Which models a key may use."""

from collections.abc import Iterable

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.errors import ModelDenied

EVERYTHING = frozenset({"*", "all-proxy-models", "all-team-models"})
NOTHING = "no-default-models"


def allows(key: Key, *names: str) -> bool:
    """Whether the key's model list holds one of the names: exactly, or by a pattern with `*`."""
    if key.is_master or not key.models:
        return True
    if NOTHING in key.models and len(key.models) == 1:
        return False
    return any(_matches(entry, names) for entry in key.models)


def _matches(entry: str, names: Iterable[str]) -> bool:
    if entry in EVERYTHING:
        return True
    head, star, tail = entry.partition("*")
    if not star:
        return entry in names
    return any(
        len(name) >= len(head) + len(tail) and name.startswith(head) and name.endswith(tail)
        for name in names
    )


async def check_model_access(call: Call) -> Call:
    """The name asked for or the group it means must be in the key's list."""
    if call.key is None or not allows(call.key, call.model, call.group):
        raise ModelDenied(
            f"The requested model '{call.model}' is not available for this API key, or the model "
            "name is invalid. Check the models available to you and try again."
        )
    return call

"""Which models a key may use."""

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

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
    """The name asked for or the group it means must be in the key's list.

    A session of transcription names its model later, in a frame that nobody here checks.
    """
    limited = call.key is not None and call.key.models and not call.key.is_master
    if limited and _names_later(call):
        raise ModelDenied(
            "This API key may use certain models only, and a transcription session names its "
            "model when it is open. Use a key without a list of models."
        )
    if call.key is None or not allows(call.key, call.model, call.group):
        raise ModelDenied(
            f"The requested model '{call.model}' is not available for this API key, or the model "
            "name is invalid. Check the models available to you and try again."
        )
    return call


def _names_later(call: Call) -> bool:
    asked = parse_qs(urlsplit(call.path).query)
    return call.endpoint == "realtime" and "transcription" in asked.get("intent", ())

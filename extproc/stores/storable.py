"""Values as every store can hold them: no NUL, no lone surrogate, no integer over 64 bits."""

from collections.abc import Mapping
from typing import Any

_HIGHEST = 2**63 - 1
_STRANGE = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def storable(value: Any) -> Any:
    """The same value, with U+FFFD for what no store takes, and integers at the edge of 64 bits."""
    if isinstance(value, str):
        return value.translate(_STRANGE)
    if isinstance(value, int):
        return value if isinstance(value, bool) else max(-_HIGHEST, min(_HIGHEST, value))
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value if value is None or isinstance(value, float) else storable(str(value))

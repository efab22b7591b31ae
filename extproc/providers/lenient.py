"""JSON as providers write it: what strict JSON has no word for is mended, not refused.

    NaN, Infinity, -Infinity        null
    half of a surrogate pair        U+FFFD
    bytes that are not UTF-8        U+FFFD

Python's own writer makes the first two, models that are cut in the middle of an emoji the second.
"""

import json
import re
from typing import Any

import orjson

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, which may stay
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_DIGITS = 18
"""So many always fit into 64 bits."""


def loads(data: bytes | str) -> Any:
    """Raises orjson.JSONDecodeError for what is no JSON even so."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            return _mended(data if isinstance(data, str) else data.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise error from None


def _mended(text: str) -> Any:
    whole = _ESCAPE.sub(lambda found: r"\ufffd" if found["half"] else found[0], text)
    return json.loads(whole, parse_constant=lambda name: None, parse_int=_number)


def _number(digits: str) -> int | float:
    """As orjson reads them: what does not fit into 64 bits is no integer."""
    return int(digits) if len(digits) <= _DIGITS else float(digits)

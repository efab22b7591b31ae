"""Bytes in JSON: base64 in either alphabet, padded or not, as Google and its SDKs write it."""

from base64 import b64decode
from binascii import Error as NotBase64

_STANDARD = str.maketrans("-_", "+/")


def standard(text: str) -> str | None:
    """The same in the standard alphabet with its padding; None for what is not base64."""
    padded = text.translate(_STANDARD).rstrip("=")
    padded += "=" * (-len(padded) % 4)
    return padded if decoded(padded) is not None else None


def decoded(text: str) -> bytes | None:
    """The bytes; None for what is not base64."""
    padded = text.translate(_STANDARD).rstrip("=")
    try:
        return b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (NotBase64, ValueError):
        return None

"""Whole numbers out of text that anybody may have written."""

LONGEST = 18
"""Digits that fit every integer we keep."""


def whole_number(text: str) -> int | None:
    """ASCII digits and nothing else; None for anything that is no such number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else None

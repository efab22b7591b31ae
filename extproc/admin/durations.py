"""LiteLLM's words for how long a key lives: `30s`, `15m`, `12h`, `7d`, `2w`, `1mo`, `monthly`."""

import re
from calendar import monthrange
from datetime import UTC, datetime

NEVER = (None, "", "-1")
WORDS = {"hourly": "1h", "daily": "1d", "weekly": "7d", "monthly": "1mo"}
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_678_400}
LONGEST_SECONDS = 100 * 366 * 86_400
GRAMMAR = re.compile(r"([0-9]{1,10})(s|m|h|d|w|mo)")


def expiry(duration: str | None, now: float) -> float | None:
    """Epoch seconds at which `duration` from `now` is over; None means never.

    A month is a calendar month: from the 31st it ends on the last day of a shorter one.
    Raises ValueError for what is not a duration or is longer than a hundred years.
    """
    if duration in NEVER:
        return None
    match = GRAMMAR.fullmatch(WORDS.get(duration or "", duration or ""))
    if match is None:
        raise ValueError("a duration is a whole number and s, m, h, d, w or mo; -1 means never")
    count, unit = int(match[1]), match[2]
    if count * UNIT_SECONDS[unit] > LONGEST_SECONDS:
        raise ValueError("a duration is at most a hundred years")
    return _months_later(count, now) if unit == "mo" else now + count * UNIT_SECONDS[unit]


def _months_later(count: int, now: float) -> float:
    start = datetime.fromtimestamp(now, UTC)
    years, month = divmod(start.month - 1 + count, 12)
    year, month = start.year + years, month + 1
    day = min(start.day, monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day).timestamp()

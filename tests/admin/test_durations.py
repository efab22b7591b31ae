"""LiteLLM's durations."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.admin.durations import expiry


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("30s", 30), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600), ("0s", 0)],
)
def test_a_duration_counts_from_now(duration: str, seconds: int) -> None:
    assert expiry(duration, 1000.5) == 1000.5 + seconds


@pytest.mark.parametrize(
    ("now", "duration", "then"),
    [
        ("2024-01-31", "1mo", "2024-02-29"),
        ("2025-01-31", "1mo", "2025-02-28"),
        ("2025-12-15", "1mo", "2026-01-15"),
        ("2025-11-30", "15mo", "2027-02-28"),
        ("2025-03-01", "monthly", "2025-04-01"),
    ],
)
def test_a_month_is_a_calendar_month(now: str, duration: str, then: str) -> None:
    assert expiry(duration, at(now)) == at(then)


@pytest.mark.parametrize("duration", [None, "", "-1"])
def test_never(duration: str | None) -> None:
    assert expiry(duration, 0) is None


@pytest.mark.parametrize(
    "duration", ["1", "d", "1.5d", "-2d", "1y", " 1d", "1d\n", "٣d", "1200001mo"]
)
def test_what_is_no_duration(duration: str) -> None:
    with pytest.raises(ValueError, match="a duration is"):
        expiry(duration, 0)


@given(st.from_regex(r"[0-9]{1,12}(s|m|h|d|w|mo)", fullmatch=True), st.floats(0, 4e9))
def test_an_expiry_is_always_a_time_that_can_be_shown(duration: str, now: float) -> None:
    try:
        then = expiry(duration, now)
    except ValueError:
        return
    assert then is not None and then >= now - 1e-3
    datetime.fromtimestamp(then, UTC)

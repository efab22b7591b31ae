from collections.abc import Iterable

import pytest

from bench.figures import Result, Sample
from bench.load import WORKLOADS, Shot
from bench.targets import TARGETS, judged, verdicts


def result(rate: float, p50_ms: float = 1.0) -> Result:
    shot = Shot(int(rate * 2), 2.0, p50_ms, p50_ms, 0)
    return Result({each.name: [Sample(shot, {})] for each in WORKLOADS})


def gateway(rate: float = 1000, rss_mb: float = 100, ready_seconds: float = 3) -> Result:
    made = result(rate)
    made.rss_mb, made.ready_seconds = {"worker": rss_mb}, ready_seconds
    return made


def oks(found: dict[str, Result]) -> list[bool | None]:
    return [each.ok for each in verdicts(found)]


def everyone(ours: Result) -> dict[str, Result]:
    return {
        "no-op": result(1500),
        "gateway": ours,
        "litellm": result(100, p50_ms=10),
        "portkey": result(500),
    }


def test_everything_met() -> None:
    assert oks(everyone(gateway())) == [True] * len(TARGETS)


def test_everything_missed() -> None:
    slow = gateway(rate=200, rss_mb=151, ready_seconds=6)
    slow.samples["c1"] = result(1, p50_ms=3).samples["c1"]
    assert oks(everyone(slow)) == [False] * len(TARGETS)


@pytest.mark.parametrize(
    ("absent", "missing"),
    [(["litellm", "portkey"], 4), (["gateway"], len(TARGETS)), (["no-op"], 1)],
)
def test_what_was_not_measured_is_not_judged(absent: Iterable[str], missing: int) -> None:
    found = {name: each for name, each in everyone(gateway()).items() if name not in absent}
    assert oks(found).count(None) == missing


def test_bounds_are_included() -> None:
    assert judged("", 5, 5, at_least=True).ok and judged("", 5, 5, at_least=False).ok

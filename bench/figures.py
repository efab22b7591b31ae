"""What a benchmark found: every shot of every contender, and the medians of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import linear_regression, median
from typing import Any

from bench.load import Shot


@dataclass(frozen=True, slots=True)
class Sample:
    """One shot, and the CPU each role of the contender's processes spent in it, in seconds."""

    shot: Shot
    cpu_seconds: Mapping[str, float]

    def cpu_ms(self, role: str) -> float:
        """Milliseconds of CPU an answer."""
        return 1000 * self.cpu_seconds.get(role, 0.0) / max(self.shot.requests, 1)


@dataclass(slots=True)
class Result:
    """One contender's samples by workload, in the order of the rounds."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    rss_mb: dict[str, float] = field(default_factory=dict)
    ready_seconds: float | None = None

    def rate(self, workload: str) -> float:
        return median(sample.shot.rate for sample in self.samples[workload])

    def p50_ms(self, workload: str) -> float:
        return median(sample.shot.p50_ms for sample in self.samples[workload])

    def p99_ms(self, workload: str) -> float:
        return median(sample.shot.p99_ms for sample in self.samples[workload])

    def errors(self, workload: str) -> int:
        return sum(sample.shot.errors for sample in self.samples[workload])

    def cpu_ms(self, workload: str) -> dict[str, float]:
        """By role, milliseconds an answer."""
        samples = self.samples[workload]
        roles = sorted({role for sample in samples for role in sample.cpu_seconds})
        return {role: median(sample.cpu_ms(role) for sample in samples) for role in roles}

    def as_json(self) -> dict[str, Any]:
        workloads = {
            name: {
                "requests_per_second": self.rate(name),
                "p50_ms": self.p50_ms(name),
                "p99_ms": self.p99_ms(name),
                "errors": self.errors(name),
                "cpu_ms_per_request": self.cpu_ms(name),
                "rounds": [sample.shot.rate for sample in samples],
            }
            for name, samples in self.samples.items()
        }
        return {
            "ready_seconds": self.ready_seconds,
            "rss_mb": self.rss_mb,
            "workloads": workloads,
        }


Results = Mapping[str, Result]
"""By the contender's name, in the order in which they were measured."""


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise of the straight line fitted to these (x, y) by least squares."""
    return linear_regression([x for x, _ in points], [y for _, y in points]).slope

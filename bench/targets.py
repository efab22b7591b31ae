"""What the product promises of its speed, as rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.contenders import GATEWAY, NOOP
from bench.figures import Results
from bench.peers import LITELLM, PORTKEY

Figure = Callable[[Results], float | None]


def rate_ratio(workload: str, than: str) -> Figure:
    return lambda found: found[GATEWAY].rate(workload) / found[than].rate(workload)


class Target(NamedTuple):
    """`at_least` or else at most `bound`; a figure of None was not measured."""

    text: str
    figure: Figure
    bound: float
    at_least: bool = True
    against: str = GATEWAY

    def verdict(self, found: Results) -> "Verdict":
        value = self.figure(found) if {GATEWAY, self.against} <= found.keys() else None
        return judged(self.text, value, self.bound, self.at_least)


class Verdict(NamedTuple):
    """A target met or missed; `ok` is None where the figure is missing."""

    text: str
    value: float | None
    bound: float
    at_least: bool
    ok: bool | None


TARGETS = (
    Target("requests/s of the no-op's, 64 clients", rate_ratio("c64", NOOP), 0.55, True, NOOP),
    Target("x LiteLLM's requests/s, 64 clients", rate_ratio("c64", LITELLM), 10, True, LITELLM),
    Target("x Portkey's requests/s, 64 clients", rate_ratio("c64", PORTKEY), 1.2, True, PORTKEY),
    Target(
        "of LiteLLM's p50, 1 client",
        lambda found: found[GATEWAY].p50_ms("c1") / found[LITELLM].p50_ms("c1"),
        0.25,
        False,
        LITELLM,
    ),
    Target("x LiteLLM's streams/s", rate_ratio("streams", LITELLM), 8, True, LITELLM),
    Target("MB of memory, worker", lambda found: found[GATEWAY].rss_mb.get("worker"), 150, False),
    Target("s from start to ready", lambda found: found[GATEWAY].ready_seconds, 5, False),
)


def judged(text: str, value: float | None, bound: float, at_least: bool) -> Verdict:
    if value is None:
        return Verdict(text, None, bound, at_least, None)
    return Verdict(text, value, bound, at_least, value >= bound if at_least else value <= bound)


def verdicts(found: Results) -> Sequence[Verdict]:
    return [target.verdict(found) for target in TARGETS]

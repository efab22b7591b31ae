"""The rounds of load: every contender under every workload in turn, again and again."""

import sys
from collections.abc import Sequence

from bench.contenders import Contender
from bench.figures import Result, Results, Sample
from bench.load import WORKLOADS, Tool, Workload
from bench.processes import cpu_by_role, usage

MEGABYTE = 1024 * 1024


def measure(contenders: Sequence[Contender], tool: Tool, rounds: int, seconds: int) -> Results:
    """Interleaved, so that a slow minute of the machine hits all alike. The first is a warm-up."""
    found = {each.name: Result(ready_seconds=each.ready_seconds) for each in contenders}
    for number in range(rounds + 1):
        for workload in WORKLOADS:
            for contender in contenders:
                taken = sample(contender, tool, workload, seconds if number else 1)
                _tell(number, rounds, workload, contender, taken)
                if number:
                    result = found[contender.name]
                    result.samples.setdefault(workload.name, []).append(taken)
    for contender in contenders:
        found[contender.name].rss_mb = rss_mb(contender)
    return found


def sample(contender: Contender, tool: Tool, workload: Workload, seconds: int) -> Sample:
    before = usage(contender.pids)
    shot = tool.fire(contender.url, contender.all_headers, workload, seconds)
    return Sample(shot, cpu_by_role(before, usage(contender.pids)))


def rss_mb(contender: Contender) -> dict[str, float]:
    """Resident memory by role. Postgres's processes share pages, which are counted in each."""
    sizes: dict[str, float] = {}
    for each in usage(contender.pids).values():
        sizes[each.role] = sizes.get(each.role, 0.0) + each.rss_bytes / MEGABYTE
    return sizes


def _tell(number: int, rounds: int, workload: Workload, who: Contender, taken: Sample) -> None:
    which = f"round {number}/{rounds}" if number else "warm-up"
    shot = taken.shot
    errors = f", {shot.errors} errors" if shot.errors else ""
    line = f"{which}  {workload.name:8} {who.name:10} {shot.rate:9,.0f}/s{errors}"
    print(line, file=sys.stderr, flush=True)

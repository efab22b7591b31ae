"""Results as text for a terminal and as JSON for a program."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.contenders import GATEWAY, NOOP
from bench.figures import Results
from bench.load import WORKLOADS, Workload
from bench.targets import Verdict

BASE_ROWS = (NOOP, GATEWAY)
"""The contenders that the others' rates are divided by, where they were measured."""


def tables(found: Results) -> str:
    parts = [_rates(found, workload) for workload in WORKLOADS]
    return "\n\n".join([*parts, _processes(found)])


def _rates(found: Results, workload: Workload) -> str:
    bases = [name for name in BASE_ROWS if name in found]
    what = "streams/s" if workload.stream else "requests/s"
    rows = [[_title(workload), what, "p50 ms", "p99 ms", "errors", *(f"/ {n}" for n in bases)]]
    for name, result in found.items():
        rate = result.rate(workload.name)
        ratios = [f"{rate / found[base].rate(workload.name):.2f}" for base in bases]
        p50, p99 = result.p50_ms(workload.name), result.p99_ms(workload.name)
        errors = str(result.errors(workload.name))
        rows.append([name, f"{rate:,.0f}", f"{p50:.2f}", f"{p99:.2f}", errors, *ratios])
    return table(rows)


def _title(workload: Workload) -> str:
    clients = f"{workload.connections} client" + "s" * (workload.connections > 1)
    return f"{clients}, streams" if workload.stream else clients


def _processes(found: Results) -> str:
    """What each process of a contender cost, one row a process."""
    header = ["process", *(f"ms CPU/{_title(w)}" for w in WORKLOADS), "RSS MB", "ready s"]
    rows = [header]
    for name, result in found.items():
        cpu = {workload.name: result.cpu_ms(workload.name) for workload in WORKLOADS}
        ready = "" if result.ready_seconds is None else f"{result.ready_seconds:.1f}"
        for role, rss in sorted(result.rss_mb.items()):
            costs = [f"{cpu[workload.name].get(role, 0.0):.3f}" for workload in WORKLOADS]
            rows.append([f"{name}: {role}", *costs, f"{rss:.0f}", ready])
            ready = ""
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if i else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def verdict_lines(verdicts: Iterable[Verdict]) -> str:
    words = {True: "ok", False: "MISSED", None: "not measured"}
    rows = [["target", "bound", "measured", ""]]
    for each in verdicts:
        bound = f"{'>=' if each.at_least else '<='} {each.bound:g}"
        value = "-" if each.value is None else f"{each.value:.2f}"
        rows.append([each.text, bound, value, words[each.ok]])
    return table(rows)


def as_json(
    about: Mapping[str, Any], found: Results, verdicts: Iterable[Verdict]
) -> dict[str, Any]:
    return {
        "about": dict(about),
        "contenders": {name: result.as_json() for name, result in found.items()},
        "targets": [each._asdict() for each in verdicts],
    }

"""A long load on the gateway alone: does its worker grow?"""

import sys

from bench.contenders import Contender
from bench.figures import slope
from bench.load import WORKLOADS, Tool
from bench.rounds import rss_mb
from bench.targets import Verdict, judged

WORKLOAD = next(workload for workload in WORKLOADS if workload.name == "c16")
SLICE_SECONDS = 2
MOST_MB = 5.0


def soak(contender: Contender, tool: Tool, warm_up: int, requests: int) -> Verdict:
    """After `warm_up` requests, the worker's growth over `requests` more, by a fitted line."""
    done, points = 0, list[tuple[float, float]]()
    while done < warm_up + requests:
        shot = tool.fire(contender.url, contender.all_headers, WORKLOAD, SLICE_SECONDS)
        done += shot.requests
        size = rss_mb(contender).get("worker", 0.0)
        line = f"{done:9,} requests {shot.rate:7,.0f}/s  worker {size:.1f} MB  {shot.errors} errors"
        print(line, file=sys.stderr, flush=True)
        if done >= warm_up:
            points.append((done, size))
    text = f"MB more over {requests:,} requests after {warm_up:,}"
    return judged(text, slope(points) * requests, MOST_MB, at_least=False)

"""Which deployments a call may go to, in order, and how often.

The order is LiteLLM's simple-shuffle: lowest `order` first; within it a random order weighted by
the first of weight, rpm, tpm that any deployment has. The randomness is seeded by the call's id:
any worker that makes the plan of a call makes the same plan.
"""

from collections.abc import Sequence
from itertools import groupby
from random import Random

from extproc.domain.call import Call, Plan
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import ENDPOINTS
from extproc.domain.numbers import whole_number
from extproc.errors import InvalidRequest

MAX_RETRIES = 20
WEIGHTS = ("weight", "rpm", "tpm")


async def plan_attempts(call: Call) -> Call:
    """Give the call its plan. Raises InvalidRequest for a model nobody serves."""
    deployments = call.snapshot.find(call.group)
    if not deployments:
        raise InvalidRequest(
            f"{ENDPOINTS[call.endpoint].path}: Invalid model name passed in model={call.model}. "
            "Call `/v1/models` to view available models for your key."
        )
    ordered = order(deployments, call.id)
    return call.but(plan=Plan(ordered, 1 + retries(call, ordered)))


def order(deployments: Sequence[Deployment], seed: str) -> tuple[Deployment, ...]:
    """Every deployment once, in the order of the plan that belongs to `seed`."""
    if len(deployments) == 1:
        return tuple(deployments)
    random = Random(seed)
    by_level = sorted(deployments, key=_level)
    return tuple(
        deployment
        for _, level in groupby(by_level, key=_level)
        for deployment in _shuffled(list(level), random)
    )


def _level(deployment: Deployment) -> float:
    return float("inf") if deployment.order is None else deployment.order


def _shuffled(deployments: list[Deployment], random: Random) -> list[Deployment]:
    """A weighted random order: keys u^(1/w), largest first (Efraimidis and Spirakis, 2006)."""
    weights = _weights(deployments)
    drawn = [(random.random() ** (1 / w) if w > 0 else -1.0, d) for w, d in weights]
    return [d for _, d in sorted(drawn, key=lambda pair: pair[0], reverse=True)]


def _weights(deployments: list[Deployment]) -> list[tuple[float, Deployment]]:
    for name in WEIGHTS:
        values = [getattr(d, name) or 0 for d in deployments]
        if any(value > 0 for value in values):
            return list(zip(values, deployments, strict=True))
    return [(1.0, d) for d in deployments]


def retries(call: Call, deployments: Sequence[Deployment]) -> int:
    """Request, else header, else deployment, else the configured number; bounded."""
    stated = call.asked.get("num_retries")
    if isinstance(stated, int) and not isinstance(stated, bool):
        return min(max(0, stated), MAX_RETRIES)
    header = whole_number(call.headers.get("x-litellm-num-retries", ""))
    if header is not None:
        return min(header, MAX_RETRIES)
    own = deployments[0].num_retries
    return min(max(0, call.snapshot.rules.num_retries if own is None else own), MAX_RETRIES)

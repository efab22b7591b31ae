"""Which failures are worth another attempt, and how long to wait for it."""

from collections.abc import Mapping
from math import ceil

from extproc.domain.call import Call
from extproc.domain.numbers import whole_number

RETRIED = frozenset({408, 409, 429})
RETRIED_ELSEWHERE = frozenset({401, 403})
"""The provider refuses this deployment's credential: another deployment may do."""

LONGEST_WAIT_SECONDS = 60
LONGEST_BACKOFF_SECONDS = 8


def worth_retrying(call: Call, status: int) -> bool:
    """Whether attempt `call.attempt`, answered with `status`, should be followed by another."""
    if call.plan is None or call.attempt >= call.plan.attempts:
        return False
    if status in RETRIED_ELSEWHERE:
        return _another_deployment_next(call)
    return status in RETRIED or status >= 500


def wait_seconds(call: Call, headers: Mapping[str, str]) -> int:
    """0 when another deployment takes over; else the provider's word, else exponential back-off."""
    if _another_deployment_next(call):
        return 0
    stated = whole_number(headers.get("retry-after", ""))
    if stated is not None and 0 < stated <= LONGEST_WAIT_SECONDS:
        return stated
    return min(LONGEST_BACKOFF_SECONDS, ceil(0.5 * 2.0 ** (call.attempt - 1)))


def _another_deployment_next(call: Call) -> bool:
    plan = call.plan
    if plan is None:
        return False
    return plan.deployment(call.attempt + 1).id != plan.deployment(call.attempt).id

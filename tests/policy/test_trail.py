"""How a call's later attempts take up what its earlier ones left."""

import pytest

from extproc.errors import ProviderError, Unavailable
from extproc.policy.trail import Admitted, Trailing
from extproc.stores.base import StoreUnavailable, Trail
from tests.calls import call, plan

ERROR = b'{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"429"}}'


class DictTrails:
    def __init__(self, away: bool = False) -> None:
        self.kept: dict[str, Trail] = {}
        self.away = away

    async def remember(self, call_id: str, trail: Trail) -> None:
        if self.away:
            raise StoreUnavailable
        self.kept[call_id] = trail

    async def recall(self, call_id: str) -> Trail | None:
        if self.away:
            raise StoreUnavailable
        return self.kept.get(call_id)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_next_attempt_resumes_the_admitted_call() -> None:
    trailing = Trailing(DictTrails(), Admitted(Clock()))
    await trailing.remember(call(plan=plan(), body={"x": 1}), ERROR, 429)
    resumed = trailing.resume(call(attempt=2))
    assert resumed is not None and resumed.attempt == 2 and resumed.body == {"x": 1}
    assert trailing.resume(call(attempt=2)) is None


async def test_surplus_attempt_gets_the_last_error() -> None:
    trailing = Trailing(DictTrails(), Admitted(Clock()))
    await trailing.remember(call(plan=plan()), ERROR, 429)
    with pytest.raises(ProviderError, match="slow down") as refused:
        await trailing.refuse_surplus(call(plan=plan(attempts=2), attempt=3))
    assert refused.value.status == 429


@pytest.mark.parametrize("trails", [DictTrails(), DictTrails(away=True)])
async def test_surplus_attempt_without_a_trail_is_refused_all_the_same(trails: DictTrails) -> None:
    with pytest.raises(Unavailable):
        await Trailing(trails, Admitted(Clock())).refuse_surplus(
            call(plan=plan(attempts=2), attempt=3)
        )


async def test_store_that_is_away_does_not_stop_a_retry() -> None:
    trailing = Trailing(DictTrails(away=True), Admitted(Clock()))
    await trailing.remember(call(plan=plan()), ERROR, 429)
    assert trailing.resume(call(attempt=2)) is not None


def test_memory_of_calls_is_bounded_by_number_bytes_and_age() -> None:
    clock = Clock()
    admitted = Admitted(clock, capacity=3, capacity_bytes=100)
    for name in "abcd":
        admitted.keep(call(id=name, body_bytes=10))
    assert admitted.take("a") is None and admitted.take("d") is not None
    admitted.keep(call(id="big", body_bytes=95))
    assert admitted.take("b") is None and admitted.take("c") is None
    clock.now = 601.0
    admitted.keep(call(id="new", body_bytes=1))
    assert admitted.take("big") is None and admitted.take("new") is not None

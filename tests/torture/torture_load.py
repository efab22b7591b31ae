"""The proofs under load at full size; run by `make torture`, never collected by the suite."""

import pytest

from tests.e2e import proofs
from tests.e2e.gateway import Gateway
from tests.e2e.upstream import Upstream


async def test_two_hundred_streams_at_once(gateway: Gateway, upstream: Upstream) -> None:
    await proofs.concurrent_streams(gateway, upstream, 200)


@pytest.mark.parametrize("seed", range(5))
async def test_five_hundred_clients_that_leave(
    gateway: Gateway, upstream: Upstream, seed: int
) -> None:
    await proofs.leaving_clients(gateway, upstream, 500, seed)


@pytest.mark.parametrize("seed", range(5))
async def test_three_hundred_clients_that_leave_other_formats(
    gateway: Gateway, upstream: Upstream, seed: int
) -> None:
    await proofs.leaving_clients(gateway, upstream, 300, seed, mix=True)

"""The proofs under load in their small form."""

from tests.e2e import proofs
from tests.e2e.gateway import Gateway
from tests.e2e.upstream import Upstream


async def test_fifty_streams_at_once(gateway: Gateway, upstream: Upstream) -> None:
    await proofs.concurrent_streams(gateway, upstream, 50)


async def test_fifty_clients_that_leave(gateway: Gateway, upstream: Upstream) -> None:
    await proofs.leaving_clients(gateway, upstream, 50, seed=1)


async def test_thirty_clients_that_leave_other_formats(
    gateway: Gateway, upstream: Upstream
) -> None:
    await proofs.leaving_clients(gateway, upstream, 30, seed=2, mix=True)

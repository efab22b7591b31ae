"""The outages at full size; run by `make torture`, never collected by the suite."""

import pytest

from tests.e2e import outages
from tests.e2e.database import Database
from tests.e2e.gateway import Gateway
from tests.e2e.upstream import Upstream


async def test_postgres_away_for_thirty_seconds(
    fragile: Gateway, upstream: Upstream, database: Database
) -> None:
    await outages.postgres_away(fragile, upstream, database, clients=50, seconds=30)


@pytest.mark.parametrize("kill", range(1, 6))
async def test_worker_killed_again_and_again(
    fragile: Gateway, upstream: Upstream, kill: int
) -> None:
    """Two seconds are promised for a crash, not for a crash loop: that is restarted ever slower."""
    away = await outages.worker_killed(fragile, upstream, clients=50)
    assert away < 2.0 or kill > 1


@pytest.mark.parametrize("kill", range(1, 4))
async def test_worker_killed_under_other_formats(
    fragile: Gateway, upstream: Upstream, kill: int
) -> None:
    await outages.worker_killed(fragile, upstream, clients=30, mix=True)


def test_worker_killed_under_many_background_responses(fragile: Gateway) -> None:
    outages.worker_killed_under_background_responses(fragile, clients=40)

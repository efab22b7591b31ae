"""One gateway for all tests that do not harm it, and a fragile one for those that do.

The first has two workers, embedded Postgres and Valkey.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.database import Database
from tests.e2e.gateway import Gateway
from tests.e2e.upstream import Upstream, config


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    demo = Upstream().start()
    yield demo
    demo.stop()


@pytest.fixture(scope="session")
def gateway(upstream: Upstream) -> Iterator[Gateway]:
    running = Gateway(config(upstream), {"WORKERS": "2"})
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A Postgres that a test may stop and start."""
    server = Database()
    yield server
    server.close()


@pytest.fixture(scope="module")
def fragile(upstream: Upstream, database: Database) -> Iterator[Gateway]:
    """A gateway of one worker on that Postgres."""
    running = Gateway(config(upstream), {"DATABASE_URL": database.url})
    running.start()
    yield running
    running.stop()

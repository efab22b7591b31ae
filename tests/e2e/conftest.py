"""One gateway for all tests that do not harm it: two workers, embedded Postgres and Valkey."""

from collections.abc import Iterator

import pytest

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

"""One gateway for all tests that do not harm it, and a fragile one for those that do.

The first has two workers, embedded Postgres and Valkey.
"""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.books import Books
from tests.e2e.clients import Clients
from tests.e2e.database import Database
from tests.e2e.gateway import Gateway
from tests.e2e.origin import Origin, Said
from tests.e2e.providers import GOOGLE_TOKEN, METADATA_PATH
from tests.e2e.upstream import Upstream, config


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    demo = Upstream().start()
    yield demo
    demo.stop()


@pytest.fixture(scope="session")
def metadata() -> Iterator[Origin]:
    """What tells a machine of Google's the token that it may use."""
    server = Origin().start()
    token = {"access_token": GOOGLE_TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    server.answers[METADATA_PATH] = Said((json.dumps(token).encode(),))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gateway(upstream: Upstream, metadata: Origin) -> Iterator[Gateway]:
    environ = {"WORKERS": "2", "GCE_METADATA_HOST": metadata.url.removeprefix("http://")}
    running = Gateway(config(upstream), environ)
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
    environ = {"DATABASE_URL": database.url, "BATCH_POLL_SECONDS": "0.5"}
    running = Gateway(config(upstream), environ)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def books(gateway: Gateway) -> Iterator[Books]:
    """Those of a module, which are right when it ends."""
    kept = Books(gateway)
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def clients(gateway: Gateway, books: Books) -> Iterator[Clients]:
    """The official SDKs, with the key that the books are kept for."""
    made = Clients(gateway, books.key)
    yield made
    made.close()

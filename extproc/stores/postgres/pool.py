"""A small pool of connections on which no call waits longer than it said."""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from extproc.stores.base import Refused, StoreUnavailable

Connection: TypeAlias = psycopg.AsyncConnection[DictRow]

OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "application_name": "llm-extproc",
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
STATEMENT_SECONDS = 30
"""The server's own limit, for what a client's leaving does not end."""

_BAD_VALUES = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


class Database:
    """Opened with `async with`; the server need not be there yet."""

    def __init__(self, url: str, size: int = 4, limit_seconds: float = 2.0) -> None:
        self._size = size
        self._limit_seconds = limit_seconds
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs=OPTIONS,
            min_size=1,
            max_size=size,
            open=False,
            configure=_configure,
            max_waiting=1000,
            reconnect_timeout=2.0,  # then the next caller makes it try again
        )

    async def __aenter__(self) -> Self:
        await self._pool.open(wait=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pool.close(timeout=2.0)

    @asynccontextmanager
    async def connection(self, limit_seconds: float | None = None) -> AsyncIterator[Connection]:
        """An autocommitting connection, for as long as the limit.

        Raises StoreUnavailable when the server is away or slow, Refused when it rejects values.
        """
        deadline = monotonic() + (limit_seconds or self._limit_seconds)
        with translated_errors():
            connection = await self._working(deadline)
            try:
                with cut_after(connection, deadline - monotonic()):
                    yield connection
            finally:
                await self._pool.putconn(connection)

    async def _working(self, deadline: float) -> Connection:
        """A pooled connection that the server has not closed in the meantime."""
        while True:
            connection = await self._pool.getconn(timeout=deadline - monotonic())
            if not has_unread(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)


@contextmanager
def translated_errors() -> Iterator[None]:
    try:
        yield
    except _BAD_VALUES as error:
        raise Refused(str(error)) from error
    except psycopg.Error as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


@contextmanager
def cut_after(connection: psycopg.AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Break the connection when the block is not done in time: what waits on it then fails.

    Cancelling the waiting task would not do: the driver then asks the silent server to cancel,
    and waits for that.
    """
    timer = asyncio.get_running_loop().call_later(max(0.0, seconds), _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: psycopg.AsyncConnection[Any]) -> None:
    with (
        suppress(OSError, psycopg.Error),  # closed already
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)


def has_unread(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Whether an idle connection has something to say: as a rule, that it is over."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _configure(connection: Connection) -> None:
    with cut_after(connection, OPTIONS["connect_timeout"]):
        await connection.execute(
            "select set_config('statement_timeout', %s, false),"
            " set_config('synchronous_commit', 'on', false)",  # the journal is deleted after it
            [f"{STATEMENT_SECONDS}s"],
        )

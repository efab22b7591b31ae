"""Envoy's list of the attempts that never left, written by the real Envoy."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import pytest_asyncio

from extproc.domain.deployment import Upstream
from extproc.domain.headers import CALL_ID
from extproc.envoyconfig import files, upstreams
from tests.envoyconfig.http1 import CEILING, Exchange
from tests.envoyconfig.messages import request_headers
from tests.envoyconfig.probe import Gateway, Stream, gateway, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def envoy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with gateway(unsent_log=tmp_path_factory.mktemp("log") / "unsent.log") as built:
        yield built


def listed(envoy: Gateway) -> list[str]:
    assert envoy.options.unsent_log is not None
    return envoy.options.unsent_log.read_text().splitlines()


def attempt_id(stream: Stream) -> str:
    return f"{stream.headers[CALL_ID]}-{stream.attempt}"


async def stat(envoy: Gateway, name: str, value: int) -> None:
    """Until Envoy counts so many."""
    for _ in range(CEILING * 50):
        if await envoy.admin(f"/stats?filter={re.escape(name)}$") == f"{name}: {value}\n":
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@contextmanager
def deaf() -> Iterator[int]:
    """A port where connections are neither accepted nor refused: its queue is full."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(server.getsockname())
        yield server.getsockname()[1]


async def leave(envoy: Gateway, there: Callable[[], bool]) -> str:
    """Send a request, leave once it is where it shall be; the attempt's id."""
    client = await envoy.connect()
    await client.send(b"{}")
    await until(there)
    client.close()
    await until(lambda: envoy.extproc.streams[-1].ended != "")
    return attempt_id(envoy.extproc.streams[-1])


async def nothing_was_listed(envoy: Gateway, before: list[str]) -> None:
    """Lines are written in order, so the next one tells."""
    marker = await leave_before_sent(envoy)
    await until(lambda: len(listed(envoy)) > len(before))
    assert listed(envoy) == [*before, marker]


async def leave_before_sent(envoy: Gateway) -> str:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers())
        await stream.next("request_body")
        await stream.next("closed")

    envoy.play(script)
    return await leave(
        envoy, lambda: [s.seen[-1:] for s in envoy.extproc.streams] == [["request_body"]]
    )


async def test_left_before_the_worker_has_sent_it(envoy: Gateway) -> None:
    before = listed(envoy)
    attempt = await leave_before_sent(envoy)
    await until(lambda: listed(envoy) == [*before, attempt])
    assert envoy.upstream.exchanges == []


async def test_left_while_the_connection_was_made(envoy: Gateway) -> None:
    before = listed(envoy)
    with deaf() as port:
        known, there = (Upstream("http", "127.0.0.1", p) for p in (envoy.upstream.port, port))
        text = upstreams.clusters([known, there], envoy.options)
        files.replace(envoy.options.clusters_file, text)
        pending = f"cluster.{there.cluster}.upstream_rq_pending_active"
        await stat(envoy, pending, 0)  # the cluster is known

        async def script(stream: Stream) -> None:
            await stream.route(there.cluster)
            await stream.next("closed")

        envoy.play(script)
        client = await envoy.connect()
        await client.send(b"{}")
        await stat(envoy, pending, 1)
        client.close()
        await until(lambda: len(listed(envoy)) > len(before))
    assert listed(envoy) == [*before, attempt_id(envoy.extproc.streams[0])]


async def test_left_when_the_upstream_had_it(envoy: Gateway) -> None:
    before = listed(envoy)

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.next("closed")

    envoy.play(script, Exchange.closed)
    await leave(envoy, lambda: len(envoy.upstream.exchanges) == 1)
    await nothing_was_listed(envoy, before)


async def test_answered_failed_and_refused_attempts_are_not_listed(envoy: Gateway) -> None:
    before = listed(envoy)

    async def answered(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.pass_on()

    async def failed(stream: Stream) -> None:
        await stream.route("nowhere")
        await stream.pass_on()

    for script in (answered, failed):
        envoy.play(script, lambda exchange: exchange.reply(b"ok"))
        await envoy.ask()
    await nothing_was_listed(envoy, before)

"""A gateway of one worker loses its worker, its database and its life, and keeps its word."""

import asyncio
import signal

import httpx

from tests.e2e import outages
from tests.e2e.database import Database
from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.proofs import MESSAGES, client, read_stream, streaming
from tests.e2e.upstream import Upstream
from tests.e2e.words import is_envelope

CHAT = {"model": "solo", "messages": MESSAGES}


async def test_postgres_away_under_load(
    fragile: Gateway, upstream: Upstream, database: Database
) -> None:
    await outages.postgres_away(fragile, upstream, database, clients=10, seconds=3)


async def test_worker_killed_under_load(fragile: Gateway, upstream: Upstream) -> None:
    await outages.worker_killed(fragile, upstream, clients=10)


async def test_worker_killed_under_load_of_other_formats(
    fragile: Gateway, upstream: Upstream
) -> None:
    await outages.worker_killed(fragile, upstream, clients=6, mix=True)


def test_worker_killed_under_background_responses(fragile: Gateway) -> None:
    outages.worker_killed_under_background_responses(fragile, clients=4)


def test_a_worker_that_hangs_or_is_gone_is_a_503_and_never_a_way_round(
    fragile: Gateway, upstream: Upstream
) -> None:
    """The worker is killed as often as it comes back, until a call meets the gap."""
    run = run_id("gone")

    def refused() -> httpx.Response | None:
        for worker in fragile.workers():
            worker.kill()
        answer = fragile.chat({**CHAT, "x_demo": {"run": run}}, "sk-nobody-knows-this")
        assert answer.status_code in (401, 503), answer.text
        return answer if answer.status_code == 503 else None

    answer = eventually(refused, "a call that meets no worker")
    assert answer is not None
    assert is_envelope(answer), answer.text
    assert not upstream.seen(run)
    eventually(lambda: fragile.chat(CHAT).status_code == 200, "the worker is back")


async def test_sigterm_lets_an_open_stream_finish(fragile: Gateway, upstream: Upstream) -> None:
    """The last test of this gateway: it ends with exit code 0, and a second run has its data."""
    key = fragile.new_key()
    body = streaming(run_id("drain"), words=30, delay=0.1)
    async with client(fragile, key, 2) as http:
        stream = asyncio.create_task(read_stream(http, body))
        await asyncio.to_thread(eventually, lambda: upstream.seen(body["user"]), "the stream")
        fragile.terminate(signal.SIGTERM)
        received = await stream
    assert received.clean, received
    assert received.words == 30
    assert await asyncio.to_thread(fragile.wait) == 0
    await asyncio.to_thread(fragile.start)
    rows = await asyncio.to_thread(fragile.settled_rows, key, 1)
    assert [row["completion_tokens"] for row in rows] == [30]
    assert fragile.chat(CHAT, key).status_code == 200

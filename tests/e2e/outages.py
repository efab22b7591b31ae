"""Proofs that take something away from a running gateway, by size; each wants its own gateway."""

import asyncio
import time

from tests.e2e.database import Database
from tests.e2e.gateway import Gateway, eventually
from tests.e2e.proofs import MESSAGES, Load, all_billed_once, quiet
from tests.e2e.upstream import Upstream

CHAT = {"model": "solo", "messages": MESSAGES}


async def postgres_away(
    gateway: Gateway, upstream: Upstream, database: Database, *, clients: int, seconds: float
) -> None:
    """Known keys go on working, an unknown one is not told it is wrong, nothing is lost after."""
    key = gateway.new_key()
    async with Load(gateway, key, clients, words=10, delay=0.03) as load:
        await load.until(2 * clients)
        await asyncio.to_thread(database.stop)
        try:
            before = len(load.results)
            await asyncio.sleep(seconds)
            await load.until(clients)
            during = load.results[before:]
            unknown = await asyncio.to_thread(gateway.chat, CHAT, "sk-unknown-while-away")
        finally:
            await asyncio.to_thread(database.start)
        await load.until(2 * clients)
    assert [r for r in load.results if not r.clean] == []
    assert during
    assert unknown.status_code == 503, unknown.text
    assert unknown.json()["error"]["type"] == "no_db_connection"
    all_billed_once(gateway, upstream, load)
    eventually(
        lambda: gateway.chat(CHAT, "sk-unknown-after").status_code == 401,
        "an unknown key is unknown again",
    )


async def worker_killed(
    gateway: Gateway, upstream: Upstream, *, clients: int, mix: bool = False
) -> float:
    """Seconds until the gateway answered again after `kill -9` of its only worker under load."""
    key = gateway.new_key()
    async with Load(gateway, key, clients, mix=mix, words=10, delay=0.03) as load:
        await load.until(2 * clients)
        workers = gateway.workers()
        assert len(workers) == 1, workers
        workers[0].kill()
        killed = time.monotonic()

        def answers() -> bool:
            return gateway.chat(CHAT).status_code == 200

        await asyncio.to_thread(eventually, answers, "an answer after the kill")
        away = time.monotonic() - killed
        await load.until(2 * clients)
    assert [r for r in load.results if r.status == 200 and not r.done and not r.broken] == [
        r for r in load.results if r.status == 200 and r.error
    ], "a stream that the kill cut must not look finished"
    all_billed_once(gateway, upstream, load, may_be_interrupted=clients)
    quiet(gateway)
    return away

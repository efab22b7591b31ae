"""Proofs that take something away from a running gateway, by size; each wants its own gateway."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import openai

from tests.e2e.database import Database
from tests.e2e.gateway import Gateway, eventually
from tests.e2e.proofs import MESSAGES, Load, all_billed_once, quiet
from tests.e2e.upstream import Upstream

CHAT = {"model": "solo", "messages": MESSAGES}
WORDS = 20


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


def worker_killed_under_background_responses(gateway: Gateway, *, clients: int) -> None:
    """What the provider has begun it finishes, and its key is billed for it once."""
    key = gateway.new_key()
    client = gateway.openai(key)
    begun: list[str] = []

    def ask(_: int) -> None:
        """The kill breaks the stream off."""
        order = {"x_demo": {"words": WORDS, "delay": 0.5}}
        with (
            suppress(openai.APIError, httpx.TransportError),
            client.responses.create(
                model="openai", input="Hi", background=True, stream=True, extra_body=order
            ) as events,
        ):
            for event in events:
                if event.type == "response.created":
                    begun.append(event.response.id)

    with ThreadPoolExecutor(clients) as pool:
        for each in range(clients):
            pool.submit(ask, each)
        eventually(lambda: len(begun) == clients, "the beginning of every stream")
        for worker in gateway.workers():
            worker.kill()
    eventually(lambda: gateway.chat(CHAT).status_code == 200, "an answer after the kill")

    def billed() -> list[int]:
        rows = [row for row in gateway.rows(key) if row["completion_tokens"]]
        return [row["completion_tokens"] for row in rows]

    eventually(lambda: len(billed()) >= clients, "a row for every response")
    assert billed() == [WORDS] * clients
    interrupted = [row for row in gateway.rows(key) if row["metadata"]["interrupted"]]
    assert len(interrupted) == clients

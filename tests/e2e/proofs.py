"""Proofs under load, by size: the suite runs them small, `make torture` at full size."""

import asyncio
import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.upstream import Upstream

MESSAGES = [{"role": "user", "content": "please count for me"}]
PATH = "/v1/chat/completions"
WORDS = 30
MIXED = tuple(
    f"{provider}+slow"
    for provider in ("anthropic", "gemini", "bedrock", "bedrock-invoke", "cohere", "ollama")
)
"""Groups whose providers do not speak OpenAI's format; they say WORDS, slowly."""


@dataclass
class Received:
    """What one client got."""

    run: str
    status: int = 0
    words: int = 0
    done: bool = False
    broken: bool = False
    error: bool = False

    @property
    def clean(self) -> bool:
        return self.status == 200 and self.done and not self.broken and not self.error


def client(gateway: Gateway, key: str, size: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=gateway.url,
        headers=gateway.auth(key),
        timeout=httpx.Timeout(90),
        limits=httpx.Limits(max_connections=size, max_keepalive_connections=size),
    )


def streaming(run: str, group: str = "solo", **orders: Any) -> dict[str, Any]:
    return {
        "model": group,
        "messages": MESSAGES,
        "stream": True,
        "user": run,
        "x_demo": {"run": run, **orders},
    }


def mixed(run: str, number: int) -> dict[str, Any]:
    """The same of one of MIXED, whose provider is told the run in the prompt."""
    messages = [{"role": "user", "content": f"please count {run}"}]
    group = MIXED[number % len(MIXED)]
    return {"model": group, "messages": messages, "stream": True, "user": run}


async def read_stream(
    http: httpx.AsyncClient, body: dict[str, Any], leave_after: int | None = None
) -> Received:
    """Read a stream to its end, or leave it after some events."""
    received = Received(body["user"])
    events = 0
    try:
        async with http.stream("POST", PATH, json=body) as answer:
            received.status = answer.status_code
            if leave_after == 0:
                return received
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                events += 1
                _note(received, line[5:].strip())
                if leave_after is not None and events >= leave_after:
                    break
    except httpx.TransportError:
        received.broken = True
    return received


def _note(received: Received, data: str) -> None:
    if data == "[DONE]":
        received.done = True
        return
    chunk = json.loads(data)
    received.error = received.error or "error" in chunk
    for choice in chunk.get("choices", ()):
        received.words += len((choice["delta"].get("content") or "").split())


async def concurrent_streams(gateway: Gateway, upstream: Upstream, size: int) -> None:
    """`size` streams at once: each whole, each billed exactly once and exactly right."""
    key, prefix = gateway.new_key(), run_id("many")
    async with client(gateway, key, size) as http:
        bodies = [streaming(f"{prefix}.{n}", words=20, delay=0.02) for n in range(size)]
        results = await asyncio.gather(*(read_stream(http, body) for body in bodies))
    assert [r for r in results if not r.clean or r.words != 20] == []
    rows = gateway.settled_rows(key, size)
    assert len(rows) == size
    assert {row["end_user"] for row in rows} == {body["user"] for body in bodies}
    assert {row["completion_tokens"] for row in rows} == {20}
    quiet(gateway)


async def leaving_clients(
    gateway: Gateway, upstream: Upstream, size: int, seed: int, *, mix: bool = False
) -> None:
    """Clients that leave at random points: nothing stays behind, all that was made is billed."""
    chance = random.Random(seed)
    key, prefix = gateway.new_key(), run_id("leave")

    async def one(http: httpx.AsyncClient, number: int) -> Received:
        run = f"{prefix}.{number}"
        body = mixed(run, number) if mix else streaming(run, words=WORDS, delay=0.02)
        if chance.random() < 0.2:
            try:
                async with asyncio.timeout(chance.uniform(0.0, 0.2)):
                    return await read_stream(http, body)
            except TimeoutError:
                return Received(body["user"])
        return await read_stream(http, body, leave_after=chance.randint(0, WORDS + 4))

    async with client(gateway, key, size) as http:
        results = await asyncio.gather(*(one(http, n) for n in range(size)))
    quiet(gateway)
    upstream_saw = upstream_rows(upstream, prefix)
    assert len(upstream_saw) > size / 2
    rows = rows_of_all(gateway, key, set(upstream_saw))
    billed = {row["end_user"]: row for row in rows}
    unseen = [row for row in rows if row["end_user"] not in upstream_saw]
    times = [(row["end_user"], row["request_duration_ms"], row["spend"]) for row in unseen]
    assert not unseen, f"billed, but the upstream never saw it: {times}"
    for result in results:
        seen, row = upstream_saw.get(result.run), billed.get(result.run)
        if seen is None or row is None:
            continue
        tokens = row["completion_tokens"]
        assert result.words <= tokens <= most_billed(seen), (result, row, seen)
        if seen["produced"] < WORDS and not mix:  # so the provider never came to say its usage
            assert row["metadata"]["estimated"] is True, row


def most_billed(seen: dict[str, Any]) -> int:
    """All that was made; Anthropic states one token before it has made any."""
    return max(int(seen["produced"]), int("claude" in seen["at"] + seen["body_head"]))


def upstream_rows(upstream: Upstream, prefix: str) -> dict[str, dict[str, Any]]:
    """What the upstream saw of a family of runs, by run; each at most once."""
    pattern = re.compile(rf"{re.escape(prefix)}(?:\.\d+)+")
    rows: dict[str, dict[str, Any]] = {}
    for row in upstream.seen_all()["requests"]:
        if found := pattern.search(row["run"]) or pattern.search(row["body_head"]):
            assert rows.setdefault(found[0], row) is row, f"asked twice: {found[0]}"
    return rows


def rows_of_all(gateway: Gateway, key: str, runs: set[str]) -> list[dict[str, Any]]:
    """The key's rows once each of the runs has one; none may have two."""
    rows: list[dict[str, Any]] = []

    def complete() -> bool:
        rows[:] = gateway.rows(key)
        return runs <= {row["end_user"] for row in rows}

    eventually(complete, "a row for every request that the upstream saw")
    twice = {run: n for run, n in Counter(row["end_user"] for row in rows).items() if n > 1}
    assert not twice, f"billed twice: {twice}"
    return rows


def quiet(gateway: Gateway) -> None:
    """No request is in flight anywhere in Envoy, no attempt or late work in a worker."""
    eventually(lambda: not gateway.active_upstream_requests(), "Envoy's active requests at zero")
    eventually(lambda: not gateway.worker_tasks(), "the workers' streams and tasks at zero")


class Load:
    """Clients that keep asking until told to stop, and remember what they got."""

    def __init__(
        self, gateway: Gateway, key: str, size: int, *, mix: bool = False, **orders: Any
    ) -> None:
        self.gateway, self.key, self.size, self.orders = gateway, key, size, orders
        self.mix = mix
        self.prefix = run_id("load")
        self.results: list[Received] = []
        self._stopped = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Load":
        self._http = client(self.gateway, self.key, self.size)
        self._tasks = [asyncio.create_task(self._one(n)) for n in range(self.size)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        await asyncio.gather(*self._tasks)
        await self._http.aclose()

    async def _one(self, number: int) -> None:
        count = 0
        while not self._stopped:
            count += 1
            run = f"{self.prefix}.{number}.{count}"
            body = mixed(run, number) if self.mix else streaming(run, **self.orders)
            result = await read_stream(self._http, body)
            self.results.append(result)
            if not result.clean:
                await asyncio.sleep(0.05)

    async def until(self, count: int) -> None:
        """Wait until so many calls more have ended."""
        goal = len(self.results) + count
        await asyncio.to_thread(eventually, lambda: len(self.results) >= goal, f"{count} answers")


def all_billed_once(
    gateway: Gateway, upstream: Upstream, load: Load, *, may_be_interrupted: int = 0
) -> None:
    """Every request the upstream saw has exactly one row; an extra one can only be interrupted."""
    seen = upstream_rows(upstream, load.prefix)
    rows = rows_of_all(gateway, load.key, set(seen))
    extra = [row for row in rows if row["end_user"] not in seen]
    unmarked = [row for row in extra if not row["metadata"].get("interrupted")]
    assert not unmarked, f"billed, but neither seen nor interrupted: {unmarked}"
    assert len(extra) <= may_be_interrupted, f"{len(extra)} rows more than the upstream saw"
    for row in rows:
        if not row["metadata"].get("interrupted"):
            run = seen[row["end_user"]]
            assert row["completion_tokens"] <= most_billed(run), (row, run)

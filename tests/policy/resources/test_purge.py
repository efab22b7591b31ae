"""Old responses go, and a database that is away is no reason to stop."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from extproc.policy.resources import purge as chore
from extproc.stores.base import StoreUnavailable


class Conversations:
    """Plays back what purging gives."""

    def __init__(self, results: Sequence[int | None]) -> None:
        self._results = list(results)
        self.asked: list[float] = []
        self.done = asyncio.Event()

    async def purge(self, at: float) -> int:
        self.asked.append(at)
        result = self._results.pop(0)
        if not self._results:
            self.done.set()
            await asyncio.Event().wait()
        if result is None:
            raise StoreUnavailable
        return result


async def test_it_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chore, "PURGE_SECONDS", 0.0)
    store: Any = Conversations([3, None, 0, 0])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(chore.purge(store, lambda: 7.0))
        await asyncio.wait_for(store.done.wait(), 30)
        task.cancel()
    assert store.asked == [7.0] * 4

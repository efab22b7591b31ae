"""How long what was fetched is kept, and who waits for a fetch."""

import asyncio
import threading

import pytest

from extproc.clients.tokens import AGAIN_SECONDS, MOST_KEPT, Token, Tokens
from extproc.errors import Unavailable
from tests.servers import eventually


class Fetches:
    """Tokens that live ten minutes, of which five are fresh; made one by one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.times = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, now: float) -> Token[str]:
        self.times += 1
        made = self.times
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return Token(f"t{made}", now + 600)

    def tokens(self, wait_seconds: float = 30.0) -> Tokens:
        return Tokens(lambda: self.now, wait_seconds)


async def idle(tokens: Tokens) -> None:
    """Until the fetch that a use began has ended."""
    await eventually(lambda: tokens._kept["a"].fetching is None, "the fetch's end")


async def test_callers_at_the_same_time_fetch_once() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    got = await asyncio.gather(*(tokens.get("a", fetches) for _ in range(50)))
    assert got == ["t1"] * 50
    assert fetches.times == 1


async def test_a_fresh_token_is_not_fetched_again() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 299
    assert await tokens.get("a", fetches) == "t1"
    assert fetches.times == 1


async def test_an_old_token_serves_while_the_next_is_fetched() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 300
    fetches.gate.clear()
    assert [await tokens.get("a", fetches) for _ in range(5)] == ["t1"] * 5
    fetches.gate.set()
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t2"
    assert fetches.times == 2


async def test_a_token_that_is_nearly_over_is_not_used() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 591
    assert await tokens.get("a", fetches) == "t2"


@pytest.mark.parametrize("error", [Unavailable("away"), OSError("odd")], ids=["known", "unknown"])
async def test_an_old_token_serves_while_the_refresh_fails(error: Exception) -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.error, fetches.now = error, 400
    assert await tokens.get("a", fetches) == "t1"
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t1"
    fetches.now = 589
    assert await tokens.get("a", fetches) == "t1"
    await idle(tokens)
    assert fetches.times == 3
    fetches.now = 600
    with pytest.raises(type(error)):
        await tokens.get("a", fetches)


async def test_a_failure_is_asked_again_only_after_a_while() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    fetches.error = Unavailable("away")
    for _ in range(10):
        with pytest.raises(Unavailable, match="away"):
            await tokens.get("a", fetches)
    assert fetches.times == 1
    fetches.error, fetches.now = None, AGAIN_SECONDS
    assert await tokens.get("a", fetches) == "t2"


async def test_a_caller_who_leaves_does_not_end_the_fetch() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    fetches.gate.clear()
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(tokens.get("a", fetches))
        await eventually(lambda: fetches.times == 1, "the fetch")
        staying = group.create_task(tokens.get("a", fetches))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        fetches.gate.set()
    assert staying.result() == "t1"
    assert fetches.times == 1


async def test_nobody_waits_longer_than_the_bound() -> None:
    fetches = Fetches()
    tokens = fetches.tokens(wait_seconds=0.05)
    fetches.gate.clear()
    for _ in range(2):
        with pytest.raises(Unavailable, match="no token within") as caught:
            await tokens.get("a", fetches)
        assert caught.value.status == 503
    assert fetches.times == 1
    fetches.gate.set()
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t1"


async def test_each_identity_has_its_own() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    assert [await tokens.get(name, fetches) for name in "aba"] == ["t1", "t2", "t1"]


async def test_how_many_are_kept_is_bounded_and_the_unused_go_first() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("often", fetches)
    await tokens.get("once", fetches)
    for number in range(MOST_KEPT - 1):
        await tokens.get(number, fetches)
        await tokens.get("often", fetches)
    assert fetches.times == MOST_KEPT + 1
    assert await tokens.get("often", fetches) == "t1"
    assert await tokens.get("once", fetches) == f"t{MOST_KEPT + 2}"


async def test_a_token_of_a_few_seconds_is_used_most_of_them() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()

    def brief(now: float) -> Token[str]:
        return Token(f"at-{now:g}", now + 8)

    assert await tokens.get("a", brief) == "at-0"
    fetches.now = 3.9
    assert await tokens.get("a", brief) == "at-0"
    fetches.now = 6
    assert await tokens.get("a", brief) == "at-6"


async def test_a_failed_refresh_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    fetches = Fetches()
    fetches.error = Unavailable("Azure credentials cannot be had now: away")
    with pytest.raises(Unavailable):
        await fetches.tokens().get("a", fetches)
    assert caplog.messages == ["Azure credentials cannot be had now: away"]


# --- one request

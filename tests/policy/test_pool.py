"""The helper pool with real processes: what it computes, and what a broken helper costs."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from extproc.policy.pool import HelperPool, PoolUnavailable

ROOT = Path(__file__).parents[2]
SLEEP = "time:sleep"
SECONDS = 30.0
WORKER_SIDE = (
    "extproc.policy.pool",
    "extproc.policy.tokens",
    "extproc.policy.guardrails.registry",
)


@pytest.fixture
async def pool() -> AsyncIterator[HelperPool]:
    pool = HelperPool(size=2, queue=4)
    yield pool
    await pool.close()


async def pid_of(pool: HelperPool) -> int:
    pid = await pool.call("os:getpid", deadline_seconds=SECONDS)
    assert isinstance(pid, int)
    return pid


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def dead(pid: int) -> Callable[[], bool]:
    return lambda: not alive(pid)


async def test_a_call_runs_in_another_process(pool: HelperPool) -> None:
    assert await pool.call("math:gcd", 12, 18, deadline_seconds=SECONDS) == 6
    assert await pid_of(pool) != os.getpid()
    assert (pool.calls, pool.failures, pool.starts) == (2, 0, 1)


async def test_large_values_travel_both_ways(pool: HelperPool) -> None:
    text = "ab\ud800" * 2_000_000
    assert await pool.call("copy:copy", text, deadline_seconds=SECONDS) == text


async def test_concurrent_calls_use_all_helpers_and_no_more(pool: HelperPool) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(pool.call(SLEEP, 0.2, deadline_seconds=SECONDS))
    assert pool.starts == 2


async def test_warm_starts_every_helper(pool: HelperPool) -> None:
    await pool.warm("gc:collect")
    assert pool.starts == 2
    await pid_of(pool)
    assert pool.starts == 2


async def test_warming_never_fails(pool: HelperPool) -> None:
    await pool.warm("no_such_module:x")
    await pool.warm("os:_exit")
    assert pool.failures == 4


async def test_a_helper_killed_in_a_call_fails_that_call_only(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    async with asyncio.TaskGroup() as group:
        lost = group.create_task(failure(pool, SLEEP, 60))
        await asyncio.sleep(0.1)
        other = group.create_task(pool.call("math:gcd", 4, 6, deadline_seconds=SECONDS))
        os.kill(pid, signal.SIGKILL)
    assert lost.result() == "a helper died"
    assert other.result() == 2
    assert pool.failures == 1
    assert await pid_of(pool) != pid


async def test_an_idle_helper_that_dies_is_replaced(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not pool._idle)
    assert await pid_of(pool) != pid
    assert pool.failures == 0


async def test_a_call_past_its_deadline_fails_and_its_helper_is_killed(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    assert await failure(pool, SLEEP, 60, seconds=0.2) == "a helper passed its deadline"
    await until(dead(pid))
    assert await pid_of(pool) != pid


async def test_a_cancelled_call_frees_its_helper_when_it_is_done(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.call(SLEEP, 0.3, deadline_seconds=SECONDS)
    await pool.warm("gc:collect")
    assert pool.starts == 2
    assert alive(pid)


async def test_a_cancelled_call_that_hangs_is_killed_at_its_deadline(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.call(SLEEP, 60, deadline_seconds=0.3)
    await until(dead(pid))
    assert await pid_of(pool) != pid


async def test_calls_beyond_the_queue_are_refused_at_once(pool: HelperPool) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(pool.call(SLEEP, 0.5, deadline_seconds=SECONDS))
        await until(lambda: pool.waiting == 4)
        assert await failure(pool, SLEEP, 0) == "too many calls wait for a helper"


async def test_the_deadline_counts_the_wait_for_a_helper(pool: HelperPool) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(pool.call(SLEEP, 1, deadline_seconds=SECONDS))
        await asyncio.sleep(0.05)
        assert await failure(pool, SLEEP, 0, seconds=0.1) == "no helper was free in time"
    assert pool.waiting == 0


async def test_a_function_that_raises_keeps_its_helper_and_its_message(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    assert await failure(pool, "builtins:int", "a prompt") == "a helper failed: ValueError"
    assert await failure(pool, "no_such_module:x") == "a helper failed: ModuleNotFoundError"
    assert await pid_of(pool) == pid


async def test_it_works_after_many_failures(pool: HelperPool) -> None:
    for _ in range(6):
        assert await failure(pool, "os:_exit", 1) == "a helper died"
    assert await pool.call("math:gcd", 12, 18, deadline_seconds=SECONDS) == 6
    assert pool.failures == 6


async def test_close_ends_helpers_and_refuses_calls_in_progress_waiting_and_new() -> None:
    pool = HelperPool(size=1)
    pid = await pid_of(pool)
    async with asyncio.TaskGroup() as group:
        busy = group.create_task(failure(pool, SLEEP, 60))
        waiting = group.create_task(failure(pool, SLEEP, 60))
        await until(lambda: pool.waiting == 1)
        await pool.close()
    assert busy.result() == waiting.result() == "the helper pool is closed"
    assert await failure(pool, SLEEP, 0) == "the helper pool is closed"
    assert not alive(pid)


async def test_helpers_are_out_of_reach_of_the_terminal(pool: HelperPool) -> None:
    pid = await pid_of(pool)
    assert os.getsid(pid) == pid


ORPHANING = """
import asyncio, os, sys
from extproc.policy.pool import HelperPool

async def main():
    pool = HelperPool()
    print(await pool.call("os:getpid", deadline_seconds=30), flush=True)
    if sys.argv[1] == "busy":
        hang = pool.call("extproc.policy.childloop:run", "time:sleep", 60, deadline_seconds=1)
        task = asyncio.ensure_future(hang)
        await asyncio.sleep(0.2)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_helper_does_not_outlive_a_killed_worker(state: str) -> None:
    worker = [sys.executable, "-c", ORPHANING, state]
    done = subprocess.run(worker, stdout=subprocess.PIPE, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    asyncio.run(until(dead(int(done.stdout))))


def test_it_works_under_uvloop() -> None:
    async def use() -> None:
        pool = HelperPool()
        assert await failure(pool, SLEEP, 60, seconds=0.1) == "a helper passed its deadline"
        assert await pool.call("copy:copy", "x" * 1_000_000, deadline_seconds=SECONDS)
        assert await failure(pool, "os:_exit", 1) == "a helper died"
        assert await pid_of(pool)
        await pool.close()

    uvloop.run(use())


def test_the_worker_never_loads_what_only_helpers_need() -> None:
    heavy = "{'bpe_openai', 'detect_secrets'}"
    code = f"import sys, {', '.join(WORKER_SIDE)}; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == b"set()"


async def failure(pool: HelperPool, function: str, *args: object, seconds: float = SECONDS) -> str:
    with pytest.raises(PoolUnavailable) as error:
        await pool.call(function, *args, deadline_seconds=seconds)
    return str(error.value)

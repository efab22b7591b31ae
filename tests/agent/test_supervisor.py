"""Children are restarted, stopped in order and never left behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from extproc.agent.child import Child, at_once
from extproc.agent.supervisor import ChildFailed, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER


async def eventually(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


class Screen:
    """Collects what would be shown."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def show(self, name: str, lines: Sequence[str]) -> None:
        self.lines += [(name, line) for line in lines]

    def of(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]

    async def until(self, name: str, line: str, times: int = 1) -> None:
        await eventually(lambda: self.of(name).count(line) >= times)


def python(
    code: str,
    name: str = "child",
    *,
    ready: Callable[[int], Awaitable[bool]] = at_once,
    ready_seconds: float = 30,
    stop_seconds: float = 30,
) -> Child:
    argv = (sys.executable, "-c", code)
    return Child(name, argv, {}, ready, ready_seconds=ready_seconds, stop_seconds=stop_seconds)


def alive(pid: int) -> bool:
    """Whether the process is there, and not only as a zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def gone(pid: int) -> None:
    await eventually(lambda: not alive(pid))


async def test_a_killed_child_is_started_again() -> None:
    screen = Screen()
    dead: list[tuple[str, int]] = []
    async with Supervisor(screen.show, lambda *end: dead.append(end)) as supervisor:
        await supervisor.start(python(SLEEPER))
        await screen.until("child", "up")
        first = supervisor.pids["child"]
        os.kill(first, signal.SIGKILL)
        await screen.until("child", "up", times=2)
        assert supervisor.pids["child"] != first
        assert dead == [("child", first)]
        assert screen.of("agent") == ["child ended (SIGKILL), starting it again"]


async def test_a_child_that_keeps_dying_is_tried_again_and_can_still_be_stopped() -> None:
    screen = Screen()
    async with Supervisor(screen.show) as supervisor:
        await supervisor.start(python("print('up'); raise SystemExit(3)"))
        await screen.until("child", "up", times=3)
        assert "child ended (exit code 3), starting it again" in screen.of("agent")
    count = len(screen.of("child"))
    await asyncio.sleep(0.6)
    assert len(screen.of("child")) == count


async def test_start_waits_until_the_child_is_ready(tmp_path: Path) -> None:
    async def ready(_: int) -> bool:
        return (tmp_path / "flag").exists()

    code = f"import time; time.sleep(0.2); open({str(tmp_path / 'flag')!r}, 'w');" + SLEEPER
    async with Supervisor(Screen().show) as supervisor:
        await supervisor.start(python(code, ready=ready))
        assert (tmp_path / "flag").exists()


async def never(_: int) -> bool:
    return False


async def test_a_child_that_dies_before_it_is_ready_is_a_failed_start() -> None:
    async with Supervisor(Screen().show) as supervisor:
        with pytest.raises(ChildFailed, match="exit code 1") as failed:
            await supervisor.start(python("raise SystemExit('no luck')", ready=never))
    assert failed.value.output == ["no luck"]


async def test_a_child_that_stays_silent_is_stopped_and_a_failed_start() -> None:
    screen = Screen()
    async with Supervisor(screen.show) as supervisor:
        with pytest.raises(ChildFailed, match="not ready after"):
            await supervisor.start(python(SLEEPER, ready=never, ready_seconds=0.2))
        assert supervisor.pids == {}


async def test_a_program_that_is_not_there_is_a_failed_start() -> None:
    async with Supervisor(Screen().show) as supervisor:
        with pytest.raises(ChildFailed, match="No such file"):
            await supervisor.start(Child("ghost", ("/nowhere/ghost",), {}, ready=never))


async def test_leaving_stops_the_latest_started_first() -> None:
    order: list[str] = []
    async with Supervisor(Screen().show, lambda name, pid: order.append(name)) as supervisor:
        for name in ("database", "worker", "front"):
            await supervisor.start(python(SLEEPER, name))
    assert order == ["front", "worker", "database"]


async def test_a_stubborn_child_is_killed_at_its_deadline() -> None:
    screen = Screen()
    async with Supervisor(screen.show) as supervisor:
        await supervisor.start(python(STUBBORN, stop_seconds=0.2))
        await screen.until("child", "up")
        pid = supervisor.pids["child"]
        await supervisor.stop("child")
    assert not alive(pid)
    assert screen.of("agent") == ["child did not stop in time and is killed"]


async def test_hurry_cuts_the_deadline_short() -> None:
    screen = Screen()
    async with asyncio.timeout(60), Supervisor(screen.show) as supervisor:
        await supervisor.start(python(STUBBORN, stop_seconds=600))
        await screen.until("child", "up")
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.stop("child"))
            await asyncio.sleep(0.05)
            supervisor.hurry()


async def test_the_children_of_a_dead_child_end_too() -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).wait()"
    screen = Screen()
    async with Supervisor(screen.show) as supervisor:
        await supervisor.start(python(code))
        await screen.until("child", "up")
        pid = supervisor.pids["child"]
        grandchild = children(pid)[0]
        await supervisor.stop("child")
        await gone(grandchild)


async def test_lines_arrive_whole_whatever_the_writes() -> None:
    code = (
        "import os, time\n"
        "for part in (b'one\\ntw', b'o\\nth', b'ree'): os.write(1, part); time.sleep(0.02)\n"
        "os.write(2, b'\\n' + b'x' * 200_000 + b'\\nlast')\n"
    )
    screen = Screen()
    async with Supervisor(screen.show) as supervisor:
        with pytest.raises(ChildFailed):
            await supervisor.start(python(code, ready=never))
    lines = screen.of("child")
    assert lines[:3] == ["one", "two", "three"]
    assert lines[-1] == "last"
    assert sum(line.count("x") for line in lines) == 200_000


AGENT = """
import asyncio, sys
from extproc.agent.child import Child
from extproc.agent.supervisor import Supervisor

async def main():
    async with Supervisor(lambda name, line: None) as supervisor:
        code = "import time; time.sleep(600)"
        await supervisor.start(Child("sleeper", (sys.executable, "-c", code), {}))
        print(supervisor.pids["sleeper"], flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_agent_leaves_no_child_behind() -> None:
    agent = await asyncio.create_subprocess_exec(sys.executable, "-c", AGENT, stdout=PIPE)
    assert agent.stdout
    pid = int(await agent.stdout.readline())
    assert alive(pid)
    agent.kill()
    await agent.wait()
    await gone(pid)

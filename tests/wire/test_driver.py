"""The driver: replies in order, effects awaited, and nothing of what must happen lost."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from extproc.errors import GatewayError, InvalidRequest
from extproc.flow.commands import Command, Effect, Later, Pass, Refused, Reply, Sign, Watch
from extproc.flow.events import Event, RequestBody, Stalled, StreamClosed
from extproc.wire.background import Background
from extproc.wire.driver import Drive
from extproc.wire.watchdog import Watchdog
from tests.calls import deployment

BODY = RequestBody(1.0, b"")
LATE = Refused("/late", 0)
SIGN = Sign(deployment())


class Script:
    """A flow that runs a given generator for each event."""

    def __init__(self, play: Callable[[Event], Generator[Command, Any, None]]) -> None:
        self.handle = play
        self.events: list[Event] = []


class Stage:
    """Records what the driver does."""

    def __init__(self, effect: Callable[[Effect | Later], Coroutine[Any, Any, Any]]) -> None:
        self.written: list[Reply] = []
        self.ran: list[Effect | Later] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self._effect = effect
        self.clock = [1.0]
        self.watchdog = Watchdog()

    async def write(self, reply: Reply) -> None:
        self.written.append(reply)

    async def run(self, command: Effect | Later) -> Any:
        result = await self._effect(command)
        self.ran.append(command)
        return result

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(coroutine))

    def drive(self, play: Callable[[Event], Generator[Command, Any, None]]) -> Drive:
        clock, watchdog = self.clock, self.watchdog
        return Drive(Script(play), self.write, self.run, self.spawn, lambda: clock[0], watchdog)


async def at_once(command: Effect | Later) -> Any:
    return {"got": command}


async def test_effect_result_returns_into_the_flow() -> None:
    seen: list[Any] = []

    def play(event: Event) -> Generator[Command, Any, None]:
        seen.append((yield SIGN))
        yield Pass(b"x")

    stage = Stage(at_once)
    await stage.drive(play).feed(BODY)
    assert seen == [{"got": SIGN}] and stage.written == [Pass(b"x")]


async def test_refused_effect_is_thrown_into_the_flow() -> None:
    async def refuse(command: Effect | Later) -> Any:
        raise InvalidRequest("no")

    def play(event: Event) -> Generator[Command, Any, None]:
        try:
            yield SIGN
        except GatewayError as error:
            yield Pass(error.message.encode())

    stage = Stage(refuse)
    await stage.drive(play).feed(BODY)
    assert stage.written == [Pass(b"no")]


async def test_later_of_a_closed_stream_outlives_its_cancelled_task() -> None:
    def play(event: Event) -> Generator[Command, Any, None]:
        if isinstance(event, StreamClosed):
            yield LATE
        else:
            yield SIGN

    async def slow(command: Effect | Later) -> Any:
        await asyncio.sleep(3600 if command is SIGN else 0)

    stage = Stage(slow)

    async def stream() -> None:
        drive = stage.drive(play)
        try:
            await drive.feed(BODY)
        finally:
            drive.close()

    task = asyncio.get_running_loop().create_task(stream())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*stage.tasks)
    assert stage.ran == [LATE]


async def test_cancelled_effect_closes_the_flow_at_its_place() -> None:
    closed: list[str] = []

    def play(event: Event) -> Generator[Command, Any, None]:
        try:
            yield SIGN
        finally:
            closed.append("here")

    async def forever(command: Effect | Later) -> Any:
        await asyncio.sleep(3600)

    task = asyncio.get_running_loop().create_task(Stage(forever).drive(play).feed(BODY))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["here"]


def listening(seconds: float, events: list[Event]) -> Any:
    """A flow that keeps its events and asks to be watched after its body."""

    def play(event: Event) -> Generator[Command, Any, None]:
        events.append(event)
        if isinstance(event, RequestBody):
            yield Watch(seconds)

    return play


async def test_silence_becomes_one_stalled_event() -> None:
    events: list[Event] = []
    stage = Stage(at_once)
    drive = stage.drive(listening(5.0, events))
    await drive.feed(BODY)
    stage.clock[0] = 5.9
    stage.watchdog.look()
    assert not stage.tasks
    stage.clock[0] = 6.0
    stage.watchdog.look()
    stage.watchdog.look()
    await asyncio.gather(*stage.tasks)
    assert [type(e) for e in events] == [RequestBody, Stalled]


async def test_busy_flow_is_not_silent() -> None:
    events: list[Event] = []
    gate = asyncio.Event()

    def play(event: Event) -> Generator[Command, Any, None]:
        events.append(event)
        yield Watch(5.0)
        yield SIGN

    async def wait(command: Effect | Later) -> Any:
        await gate.wait()

    stage = Stage(wait)
    working = asyncio.get_running_loop().create_task(stage.drive(play).feed(BODY))
    await asyncio.sleep(0)
    stage.clock[0] = 100.0
    stage.watchdog.look()
    gate.set()
    await working
    assert not stage.tasks and len(events) == 1


async def test_event_that_came_in_time_wins_over_the_watchdog() -> None:
    events: list[Event] = []
    stage = Stage(at_once)
    drive = stage.drive(listening(5.0, events))
    await drive.feed(BODY)
    stage.clock[0] = 6.0
    stage.watchdog.look()
    await drive.feed(BODY)
    await asyncio.gather(*stage.tasks)
    assert [type(e) for e in events] == [RequestBody, RequestBody]


async def test_closed_stream_is_no_longer_watched() -> None:
    events: list[Event] = []
    stage = Stage(at_once)
    drive = stage.drive(listening(5.0, events))
    await drive.feed(BODY)
    drive.close()
    stage.clock[0] = 100.0
    stage.watchdog.look()
    assert not stage.tasks and [type(e) for e in events] == [RequestBody, StreamClosed]


async def test_failed_background_work_is_counted_and_harms_no_other() -> None:
    failures: list[int] = []
    done: list[int] = []
    moves: list[int] = []

    async def fail() -> None:
        raise ValueError("broken")

    async def succeed() -> None:
        done.append(1)

    async with asyncio.TaskGroup() as group:
        background = Background(group, lambda: failures.append(1), moves.append)
        background.spawn(fail())
        background.spawn(succeed())
    assert failures == [1] and done == [1] and sorted(moves) == [-1, -1, 1, 1]


async def test_events_are_handled_one_after_the_other() -> None:
    gate, order = asyncio.Event(), []

    def play(event: Event) -> Generator[Command, Any, None]:
        order.append(("begins", event.at))
        yield SIGN
        order.append(("ends", event.at))

    async def wait(command: Effect | Later) -> Any:
        await gate.wait()

    drive = Stage(wait).drive(play)
    async with asyncio.TaskGroup() as group:
        group.create_task(drive.feed(RequestBody(1.0, b"")))
        group.create_task(drive.feed(RequestBody(2.0, b"")))
        await asyncio.sleep(0)
        gate.set()
    assert order == [("begins", 1.0), ("ends", 1.0), ("begins", 2.0), ("ends", 2.0)]

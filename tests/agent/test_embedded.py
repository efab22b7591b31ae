"""The embedded servers start, keep their data, survive being killed and live side by side."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis

from extproc.agent import embedded
from extproc.agent.supervisor import Supervisor
from extproc.settings import Layout


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder: socket paths have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="xp-"))
    yield folder
    shutil.rmtree(folder)


def layout_in(folder: Path) -> Layout:
    """Where nothing has run yet."""
    (folder / "run").mkdir(parents=True)
    (folder / "data").mkdir()
    return Layout(folder / "run", folder / "data")


@pytest.fixture(scope="module")
def created() -> Iterator[Path]:
    """The data of a Postgres that has not run yet."""
    folder = Path(tempfile.mkdtemp(prefix="xp-"))
    layout = layout_in(folder)
    asyncio.run(embedded.postgres(layout))
    yield layout.postgres
    shutil.rmtree(folder)


def prepared_in(folder: Path, created: Path) -> Layout:
    """The same as after a first run."""
    layout = layout_in(folder)
    subprocess.run(["cp", "-a", created, layout.postgres], check=True)
    return layout


@asynccontextmanager
async def servers(layout: Layout) -> AsyncIterator[Supervisor]:
    async with Supervisor(lambda name, lines: None) as supervisor:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.start(await embedded.postgres(layout)))
            group.create_task(supervisor.start(embedded.valkey(layout)))
        yield supervisor


def sql(layout: Layout, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded.postgres_url(layout)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def counter(layout: Layout) -> int:
    with redis.Redis.from_url(embedded.valkey_url(layout)) as client:
        return int(client.incr("starts"))


async def test_a_second_run_finds_its_data_again(place: Path) -> None:
    layout = layout_in(place)
    async with servers(layout):
        sql(layout, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert counter(layout) == 1
    async with servers(layout):
        assert sql(layout, "SELECT answer FROM kept") == [(42,)]
        assert counter(layout) == 2


async def test_two_instances_live_side_by_side(place: Path, created: Path) -> None:
    one, two = prepared_in(place / "1", created), prepared_in(place / "2", created)
    async with servers(one), servers(two):
        sql(one, "CREATE TABLE mine AS SELECT 1")
        assert sql(two, "SELECT to_regclass('mine')") == [(None,)]


async def test_postgres_comes_back_when_it_is_killed(place: Path, created: Path) -> None:
    layout = prepared_in(place, created)
    async with servers(layout) as supervisor:
        sql(layout, "CREATE TABLE kept AS SELECT 42 AS answer")
        first = supervisor.pids["postgres"]
        os.kill(first, signal.SIGKILL)
        for _ in range(3000):
            await asyncio.sleep(0.01)
            with suppress(psycopg.OperationalError):
                assert sql(layout, "SELECT answer FROM kept") == [(42,)]
                break
        assert supervisor.pids["postgres"] != first


async def test_a_pid_file_left_by_a_killed_machine_is_no_obstacle(
    place: Path, created: Path
) -> None:
    layout = prepared_in(place, created)
    async with servers(layout):
        stale = (layout.postgres / "postmaster.pid").read_text().split("\n")
    stale[0] = str(os.getpid())  # a living process that has the pid by chance
    (layout.postgres / "postmaster.pid").write_text("\n".join(stale))
    async with servers(layout):
        assert sql(layout, "SELECT 1") == [(1,)]


async def test_an_orphan_is_ended_first(place: Path, created: Path) -> None:
    layout = prepared_in(place, created)
    child = await embedded.postgres(layout)
    orphan = await asyncio.create_subprocess_exec(
        *child.argv, env=child.env, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(1000):
        if await child.ready(orphan.pid):
            break
        await asyncio.sleep(0.02)
    async with servers(layout):
        assert orphan.returncode == 0
        assert sql(layout, "SELECT 1") == [(1,)]


async def test_an_initdb_cut_short_leaves_nothing_half_made(place: Path) -> None:
    layout = layout_in(place)
    (layout.data_dir / "postgres.new").mkdir()
    (layout.data_dir / "postgres.new" / "PG_VERSION").write_text("18")
    async with servers(layout):
        assert sql(layout, "SELECT 1") == [(1,)]


async def test_a_folder_that_cannot_be_used_is_one_line_of_advice(place: Path) -> None:
    layout = layout_in(place)
    layout.postgres.mkdir()
    (layout.postgres / "note").write_text("somebody's")
    with pytest.raises(embedded.EmbeddedError, match=r"^[^\n]*something else in it[^\n]*$"):
        await embedded.postgres(layout)

"""What probes and scrapers are told."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from extproc.agent.health import create_app
from extproc.agent.server import beat
from extproc.agent.status import Status
from extproc.settings import Layout
from extproc.stores.base import Replica, StoreUnavailable

DEAD_PID = 2**22 + 1
"""Above every pid there can be."""


@pytest.fixture
def status(tmp_path: Path) -> Status:
    layout = Layout(tmp_path, tmp_path)
    layout.metrics.mkdir()
    return Status(layout, workers=2, name="here:4000", started=True)


def says(status: Status, index: int, *, serving: bool = True, pid: int = os.getpid()) -> None:
    status.layout.worker_status(index).write_text(
        json.dumps({"generation": f"g{index}", "serving": serving, "pid": pid})
    )


def get(status: Status, path: str) -> tuple[int, object]:
    answer = TestClient(create_app(status)).get(path)
    return answer.status_code, answer.json()


def test_alive_until_it_drains(status: Status) -> None:
    for path in ("/health/liveliness", "/health/liveness"):
        assert get(status, path) == (200, "I'm alive!")
    status.draining = True
    for path in ("/health/liveliness", "/health/liveness", "/health/readiness"):
        assert get(status, path) == (503, {"status": "shutting_down"})


def test_ready_when_one_worker_serves(status: Status) -> None:
    says(status, 0, serving=False)
    assert get(status, "/health/readiness")[0] == 503
    says(status, 1)
    assert get(status, "/health/readiness") == (200, {"status": "healthy", "db": "Not connected"})


def test_what_a_dead_worker_has_left_does_not_count(status: Status) -> None:
    says(status, 0, pid=DEAD_PID)
    body = {"status": "unhealthy", "db": "Not connected"}
    assert get(status, "/health/readiness") == (503, body)


class Enough(Exception):
    """The script is over."""


class Told:
    """Replicas that answer the rounds of a script."""

    def __init__(self, *rounds: Sequence[Replica] | None) -> None:
        self.rounds = list(rounds)
        self.reported: list[tuple[str, str]] = []

    async def report(self, name: str, generation: str) -> None:
        self.reported.append((name, generation))

    async def list(self) -> Sequence[Replica]:
        if not self.rounds:
            raise Enough
        found = self.rounds.pop(0)
        if found is None:
            raise StoreUnavailable
        return found


async def until_told(status: Status, replicas: Told) -> None:
    with pytest.raises(Enough):
        await beat(status, replicas, seconds=0)


async def test_every_replica_is_listed_with_its_generation(status: Status) -> None:
    says(status, 0)
    there = Replica("there:4000/worker-0", "g9", 0.0)
    replicas = Told([there, Replica("here:4000/worker-0", "old", 0.0)])
    await until_told(status, replicas)
    assert replicas.reported[0] == ("here:4000/worker-0", "g0")
    assert get(status, "/health/config")[1] == {
        "consistent": False,
        "replicas": [
            {"name": "here:4000/worker-0", "generation": "g0"},
            {"name": "there:4000/worker-0", "generation": "g9"},
        ],
    }


async def test_a_database_that_comes_and_goes_is_seen(status: Status) -> None:
    await until_told(status, Told([]))
    assert status.database_connected
    await until_told(status, Told([], None))
    assert not status.database_connected


def test_metrics_are_open_text(status: Status) -> None:
    answer = TestClient(create_app(status)).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


def test_not_ready_before_everything_has_started(status: Status) -> None:
    says(status, 0)
    status.started = False
    assert get(status, "/health/readiness")[0] == 503

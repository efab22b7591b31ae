import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from bench.load import CannotRun
from bench.processes import Usage, cpu_by_role, role, running, usage, wait_ready

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -m extproc run", "agent"),
        ("python -m extproc worker 0", "worker"),
        ("/x/postgres: writer", "postgres"),
        ("/opt/envoy -c bootstrap.json", "envoy"),
        ("python -c from multiprocessing.spawn import spawn_main", "helper"),
    ],
)
def test_a_process_is_known_by_its_command(command: str, expected: str) -> None:
    assert role(command.split()) == expected


def test_cpu_is_what_was_spent_between_by_role_and_newcomers_count_whole() -> None:
    before = {1: Usage("worker", 1.0, 0), 2: Usage("postgres", 5.0, 0)}
    after = {
        1: Usage("worker", 1.5, 0),
        2: Usage("postgres", 5.25, 0),
        3: Usage("postgres", 0.5, 0),
    }
    assert cpu_by_role(before, after) == {"worker": 0.5, "postgres": 0.75}


def test_a_process_is_stopped_with_its_children_whatever_happened(tmp_path: Path) -> None:
    log = tmp_path / "parent.log"
    with pytest.raises(KeyboardInterrupt), ExitStack() as stack:
        process = stack.enter_context(running([sys.executable, "-c", PARENT], log))
        while not log.read_text().strip():
            assert process.poll() is None
        child = int(log.read_text())
        assert {process.pid, child} <= usage([process.pid]).keys()
        raise KeyboardInterrupt
    assert process.poll() is not None
    alive = psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE
    assert not alive


def test_a_process_that_ends_before_it_serves_shows_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "peer.log"
    argv = [sys.executable, "-c", "print('no such option')"]
    with running(argv, log) as process, pytest.raises(CannotRun, match=r"peer ended.*\s+no such"):
        wait_ready(process, "http://127.0.0.1:9", log)

"""What the agent knows of this gateway: which workers serve which generation, and the database."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from extproc.settings import Layout
from extproc.stores.base import Replica


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a worker says of itself."""

    generation: str
    serving: bool
    pid: int


def read_status(path: Path) -> WorkerStatus | None:
    """None before the worker has said anything, and after it has died."""
    try:
        found = json.loads(path.read_text())
        os.kill(found["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return WorkerStatus(found["generation"], found["serving"], found["pid"])


@dataclass(slots=True)
class Status:
    """Changed by the agent, read by its health endpoints."""

    layout: Layout
    workers: int
    name: str
    """This gateway's among all replicas."""
    started: bool = False
    """Whether everything was up at once: before that nobody should call."""
    draining: bool = False
    database_connected: bool = False
    others: Sequence[Replica] = field(default=())
    """Replicas as the database last told."""

    def serving(self) -> Mapping[str, WorkerStatus]:
        """This gateway's workers that serve, by their names as replicas."""
        found = {
            f"{self.name}/worker-{index}": read_status(self.layout.worker_status(index))
            for index in range(self.workers)
        }
        return {name: worker for name, worker in found.items() if worker and worker.serving}


def replica_name(port: int) -> str:
    """Stays the same over restarts; differs between machines, pods, and gateways on one machine."""
    return f"{socket.gethostname()}:{port}"

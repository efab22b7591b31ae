"""Load from wrk, or from autocannon where there is no wrk: one short closed loop, five figures."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.origin import MODEL

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
AUTOCANNON = "autocannon@9.0.0"
SPARE_SECONDS = 30
INSTALL_SECONDS = 600


class CannotRun(Exception):
    """The benchmark cannot be made here; the message is one line of advice."""


@dataclass(frozen=True, slots=True)
class Workload:
    """So many clients, each asking again as soon as it is answered."""

    name: str
    connections: int
    stream: bool = False

    @property
    def body(self) -> str:
        messages = [{"role": "user", "content": "Say a few words."}]
        asked = {"model": MODEL, "messages": messages, **({"stream": True} if self.stream else {})}
        return json.dumps(asked, separators=(",", ":"))


WORKLOADS = (
    Workload("c1", 1),
    Workload("c16", 16),
    Workload("c64", 64),
    Workload("streams", 16, stream=True),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """What one run of the load tool saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


class Tool(Protocol):
    name: str

    def fire(
        self, url: str, headers: Mapping[str, str], workload: Workload, seconds: int
    ) -> Shot: ...


class Wrk:
    """https://github.com/wg/wrk, one thread."""

    name = "wrk"

    def fire(self, url: str, headers: Mapping[str, str], workload: Workload, seconds: int) -> Shot:
        pairs = [part for header in headers.items() for part in header]
        argv = ["wrk", "-t1", f"-c{workload.connections}", f"-d{seconds}s", "--timeout", "30s"]
        argv += ["-s", str(HERE / "wrk.lua"), url, "--", workload.body, *pairs]
        return wrk_shot(output(argv, seconds + SPARE_SECONDS))


class Autocannon:
    """https://github.com/mcollina/autocannon. It counts latencies in whole milliseconds."""

    name = "autocannon"

    def __init__(self, program: Path) -> None:
        self._program = program

    def fire(self, url: str, headers: Mapping[str, str], workload: Workload, seconds: int) -> Shot:
        pairs = [part for pair in headers.items() for part in ("-H", "=".join(pair))]
        argv = [str(self._program), "-j", "-n", "-m", "POST", "-t", "30"]
        argv += ["-c", str(workload.connections), "-d", str(seconds), *pairs]
        return autocannon_shot(output([*argv, "-b", workload.body, url], seconds + SPARE_SECONDS))


def wrk_shot(text: str) -> Shot:
    """The figures in what wrk printed: the last line is wrk.lua's."""
    found = json.loads(text.strip().splitlines()[-1])
    return Shot(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        errors=found["errors"],
    )


def autocannon_shot(text: str) -> Shot:
    """The figures in autocannon's JSON."""
    found = json.loads(text)
    return Shot(
        requests=found["requests"]["total"],
        seconds=found["duration"],
        p50_ms=found["latency"]["p50"],
        p99_ms=found["latency"]["p99"],
        errors=found["errors"] + found["non2xx"] + found["timeouts"],
    )


def tool() -> Tool:
    """wrk if it is on PATH, else autocannon, which npm installs into bench/.cache."""
    if shutil.which("wrk"):
        return Wrk()
    return Autocannon(npm_install(AUTOCANNON) / ".bin" / "autocannon")


def npm_install(package: str, overrides: Mapping[str, str] | None = None) -> Path:
    """The node_modules folder with `package` (`name@version`); `overrides` pins what it needs."""
    folder = CACHE / "npm" / package.replace("/", "-")
    if (folder / "done").exists():
        return folder / "node_modules"
    if not shutil.which("npm"):
        raise CannotRun(f"{package} is needed and npm is not on PATH: install Node.js, or wrk")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name, _, version = package.rpartition("@")
    wanted = {"private": True, "dependencies": {name: version}, "overrides": dict(overrides or {})}
    (folder / "package.json").write_text(json.dumps(wanted))
    argv = ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
    output([*argv, "--prefix", str(folder)], INSTALL_SECONDS)
    (folder / "done").touch()
    return folder / "node_modules"


def output(argv: list[str], seconds: float) -> str:
    """What a program printed. Raises CannotRun with its last words when it failed."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds, env=os.environ, check=True
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:]
        raise CannotRun(f"{argv[0]} failed: {' '.join(last)}") from None
    except subprocess.TimeoutExpired:
        raise CannotRun(f"{argv[0]} did not end within {seconds:g} s") from None
    return done.stdout

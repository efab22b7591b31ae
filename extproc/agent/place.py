"""What must be free before anything starts: ports, folders, and room for a Unix socket's path."""

import errno
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from extproc.settings import Layout, SettingError, Settings

SOCKET_PATH_BYTES = 107
"""Linux has no room for more."""
LONGEST_SOCKET = "envoy-admin.sock"


def check_ports(settings: Settings) -> None:
    """Raises SettingError when somebody listens on a port that we are going to need."""
    for name, port in (("PORT", settings.port), ("HEALTH_PORT", settings.grpc_health_port)):
        try:
            _try(settings.host, port)
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise SettingError(
                    f"HOST: {settings.host} is no address of this machine ({error.strerror})"
                ) from None
            raise SettingError(
                f"{name}: {settings.host}:{port} cannot be used ({error.strerror}): "
                f"stop what uses it, or choose another with {name}="
            ) from None


def _try(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def free_port(host: str) -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def occupied(settings: Settings) -> Iterator[Layout]:
    """The folders of one gateway, ours alone as long as the block runs.

    Without RUN_DIR there is a new one each time, removed at the end. Raises SettingError.
    """
    data_dir = _made("DATA_DIR", settings.data_dir)
    temporary = settings.run_dir is None
    run_dir = _temporary() if settings.run_dir is None else _made("RUN_DIR", settings.run_dir)
    try:
        _check_length(run_dir)
        with _locked("DATA_DIR", data_dir), _locked("RUN_DIR", run_dir):
            layout = Layout(run_dir, data_dir)
            _clear(layout)
            yield layout
    finally:
        if temporary:
            shutil.rmtree(run_dir, ignore_errors=True)


def _made(name: str, folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"{name}: {folder} cannot be made ({error.strerror})") from None
    return folder.resolve()


def _temporary() -> Path:
    """In the usual place for temporary files, unless its path is too long for sockets."""
    usual = Path(tempfile.gettempdir())
    room = SOCKET_PATH_BYTES - len(LONGEST_SOCKET) - len("/extproc-12345678/")
    parent = usual if len(os.fsencode(usual)) <= room else Path("/tmp")
    return Path(tempfile.mkdtemp(prefix="extproc-", dir=parent)).resolve()


def _check_length(run_dir: Path) -> None:
    over = len(os.fsencode(run_dir / LONGEST_SOCKET)) - SOCKET_PATH_BYTES
    if over > 0:
        raise SettingError(
            f"RUN_DIR: {run_dir} is {over} bytes too long for a Unix socket: choose a shorter path"
        )


@contextmanager
def _locked(name: str, folder: Path) -> Iterator[None]:
    """The kernel gives the lock back when the holder dies, however it dies."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingError(f"{name}: {folder} cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SettingError(f"{name}: another gateway is using {folder}: choose another") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _clear(layout: Layout) -> None:
    """Forget what an earlier run has left in RUN_DIR."""
    for status in layout.run_dir.glob("worker-*.json"):
        status.unlink()
    with suppress(FileNotFoundError):
        layout.envoy_bootstrap.unlink()
    shutil.rmtree(layout.metrics, ignore_errors=True)
    layout.metrics.mkdir(mode=0o700)

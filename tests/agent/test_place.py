"""Ports, folders and socket paths are checked before anything starts."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from extproc.agent.place import check_ports, free_port, occupied
from extproc.settings import SettingError, Settings


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def test_a_port_that_is_listened_on_is_named_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"^PORT: 127.0.0.1:{port} .*PORT=$"):
            check_ports(settings(port=port))
        with pytest.raises(SettingError, match=f"^HEALTH_PORT: 127.0.0.1:{port} "):
            check_ports(settings(port=free_port("127.0.0.1"), health_port=port))


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^HOST: 192\.0\.2\.1 is no address of this machine"):
        check_ports(settings(host="192.0.2.1"))


def test_the_run_folder_is_temporary_private_and_short(tmp_path: Path) -> None:
    with occupied(settings(data_dir=tmp_path / "data")) as layout:
        assert layout.run_dir.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(layout.envoy_admin_socket)) <= 107
        assert layout.metrics.is_dir()
    assert not layout.run_dir.exists()
    assert layout.data_dir.is_dir()


def test_a_long_tmpdir_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with occupied(settings(data_dir=tmp_path / "data")) as layout:
        assert layout.run_dir.parent == Path("/tmp").resolve()


def test_a_long_run_dir_is_refused(tmp_path: Path) -> None:
    run_dir = tmp_path / ("x" * 100)
    with (
        pytest.raises(SettingError, match=r"^RUN_DIR: .* too long for a Unix socket"),
        occupied(settings(data_dir=tmp_path / "data", run_dir=run_dir)),
    ):
        pass


def test_two_gateways_do_not_share_a_folder(tmp_path: Path) -> None:
    first = settings(data_dir=tmp_path / "one", run_dir=tmp_path / "run")
    with occupied(first):
        for second in (first, settings(data_dir=tmp_path / "two", run_dir=tmp_path / "run")):
            with pytest.raises(SettingError, match="another gateway is using"), occupied(second):
                pass
    with occupied(first):
        pass


def test_what_an_earlier_run_has_left_is_forgotten(tmp_path: Path) -> None:
    ours = settings(data_dir=tmp_path / "data", run_dir=tmp_path / "run")
    with occupied(ours) as layout:
        layout.worker_status(3).write_text("{}")
        layout.envoy_bootstrap.parent.mkdir()
        layout.envoy_bootstrap.write_text("{}")
        (layout.metrics / "counter_worker-0.db").touch()
    with occupied(ours) as layout:
        assert not layout.worker_status(3).exists()
        assert not layout.envoy_bootstrap.exists()
        assert not list(layout.metrics.iterdir())


def test_a_folder_that_cannot_be_made_is_advice(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingError, match=r"^DATA_DIR: .* cannot be made"),
        occupied(settings(data_dir=tmp_path / "file" / "data")),
    ):
        pass

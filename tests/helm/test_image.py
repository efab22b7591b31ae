"""The Containerfile's install and entry, run in a bare folder: no container engine is needed."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helm.chart import ROOT, containers, pod

INSTALL_SECONDS = 500
PREFIX = "/opt/extproc"
SOURCE = "/src"


def stages() -> list[list[tuple[str, str]]]:
    """Each stage as (instruction, the rest of its line)."""
    found: list[list[tuple[str, str]]] = []
    for line in (ROOT / "Containerfile").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def rests(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def variables(stage: list[tuple[str, str]]) -> dict[str, str]:
    words = [word for rest in rests(stage, "ENV") for word in shlex.split(rest)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def copied(stage: list[tuple[str, str]]) -> list[tuple[list[str], str]]:
    return [(words[:-1], words[-1]) for words in map(shlex.split, rests(stage, "COPY"))]


def test_two_stages_from_one_base() -> None:
    build, final = stages()
    assert rests(build, "FROM")[0].split()[0] == rests(final, "FROM")[0]
    assert rests(build, "WORKDIR") == [SOURCE]
    assert copied(final) == [(["--from=build", PREFIX], PREFIX)]


def test_the_image_runs_as_nobody_and_without_pip() -> None:
    _, final = stages()
    (user,) = rests(final, "USER")
    assert user.split(":")[0] == str(pod({})["securityContext"]["runAsUser"])
    assert rests(final, "RUN") == ["python -m pip uninstall --yes pip"]


def test_nothing_but_what_is_copied_enters_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    build, _ = stages()
    assert allowed == {source for sources, _ in copied(build) for source in sources}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build stage's work with its two folders inside a temporary one."""
    folder = tmp_path_factory.mktemp("image")
    source, prefix = folder / "src", folder / "opt"
    build, _ = stages()
    for names, _ in copied(build):
        for name in names:
            copy(ROOT / name, source / name)
    environ = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    environ |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "HTTPS_"))}
    environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in rests(build, "RUN"):
        assert line.startswith((f"python -m venv {PREFIX}", f"{PREFIX}/bin/")), line
        command = shlex.split(line.replace(PREFIX, str(prefix)))
        done = subprocess.run(
            command,
            cwd=source,
            env=environ,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return prefix


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run(installed: Path, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """In an empty folder, with the image's variables and nothing else."""
    environ = {k: v.replace(PREFIX, str(installed)) for k, v in variables(stages()[1]).items()}
    path = environ["PATH"].split(":")[0]
    command = [str(Path(path) / command[0]), *command[1:]]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60
    )


def test_the_entry_has_every_command_of_the_pod(installed: Path, tmp_path: Path) -> None:
    (entry,) = rests(stages()[1], "ENTRYPOINT")
    told = run(installed, [*json.loads(entry), "--help"], tmp_path)
    assert told.returncode == 0, told.stderr
    for container in containers(pod({})).values():
        assert container["command"][:-1] == json.loads(entry)
        assert container["command"][-1] in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_installed_and_pip_is_gone(installed: Path, tmp_path: Path) -> None:
    found = run(installed, ["python", "-c", "import extproc; print(extproc.__file__)"], tmp_path)
    assert str(installed) in found.stdout, found.stderr
    data = run(installed, ["python", "-c", "import extproc.stores.postgres.migrations"], tmp_path)
    assert data.returncode == 0, data.stderr
    pip = run(installed, ["python", "-m", "pip", "--version"], tmp_path)
    assert "No module named pip" in pip.stderr

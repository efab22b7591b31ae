"""The Makefile lists itself, and the locks hold what they promise."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROMISED = (
    *("help", "run", "test", "check", "lint", "format", "types", "lock", "proto", "generate"),
    *("bench", "bench-peers", "torture", "clean"),
)
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==\S+( ; [^\\]+)? \\\n(    --hash=sha256:\w{64}( \\)?\n)+", re.M
)


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("make", "--no-print-directory", *words),
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_lists_every_target() -> None:
    listed = make(ROOT, "help").stdout
    phony = re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.M)
    for target in {*PROMISED, *phony}:
        assert f"\n  {target} " in f"\n{listed}", target


@pytest.mark.parametrize(
    ("python", "advice"),
    [
        ("import sys; sys.exit(1)", "Python 3.11 or later is needed"),
        ("import sys; sys.exit('ensurepip' in sys.argv[-1])", "apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_one_line_of_advice(
    tmp_path: Path, python: str, advice: str
) -> None:
    for name in ("Makefile", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\nexec python3 -c "{python}" "$@"\n')
    fake.chmod(0o755)
    shown = make(tmp_path, "run", f"PYTHON={fake}")
    assert shown.returncode != 0
    first, *rest = (shown.stdout + shown.stderr).splitlines()
    assert advice in first
    assert all(line.startswith("make: ***") for line in rest)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_pins_with_hashes_and_nothing_else(name: str) -> None:
    text = (ROOT / name).read_text()
    assert ENTRY.sub("", text) == ""
    assert "://" not in text


def test_the_locks_agree_and_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, dev = ({m["name"] for m in ENTRY.finditer((ROOT / n).read_text())} for n in LOCKS)
    asked = {distribution(line) for line in project["dependencies"]}
    assert asked <= runtime <= dev
    assert {distribution(line) for line in project["optional-dependencies"]["dev"]} <= dev
    pins = [set(re.findall(r"^\S+==\S+", (ROOT / n).read_text(), re.M)) for n in LOCKS]
    assert pins[0] <= pins[1]


def distribution(requirement: str) -> str:
    """The distribution that a requirement line names, as locks write it."""
    return re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-")


def test_ci_runs_what_make_checks() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make check" in script.read_text()

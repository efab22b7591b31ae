"""The command line helps, and what a user can put right is one line of advice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from extproc.cli import ADVICE
from extproc.settings import Settings

CEILING_SECONDS = 60
CONFIG = """
model_list:
  - model_name: gpt
    litellm_params: {model: openai/gpt-4o, api_base: "http://127.0.0.1:9/v1", api_key: sk-canary}
litellm_settings: {drop_parms: true}
"""


def extproc(
    *words: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "extproc", *words),
        env={"PATH": os.environ["PATH"], **(environ or {})},
        capture_output=True,
        text=True,
        timeout=CEILING_SECONDS,
    )


def test_help_lists_every_command() -> None:
    shown = extproc("--help")
    assert shown.returncode == 0
    for command in (
        *("run", "agent", "envoy", "drain", "worker", "admin", "ledger", "migrate"),
        *("print-settings", "check", "demo-upstream"),
    ):
        assert f"\n  {command} " in shown.stdout, command


def test_every_setting_is_shown_without_secrets() -> None:
    shown = extproc("print-settings", environ={"LITELLM_MASTER_KEY": "sk-canary", "PORT": "4001"})
    assert shown.returncode == 0
    for name, field in Settings.model_fields.items():
        assert f"\n{name.upper()}=" in f"\n{shown.stdout}"
        assert str(field.description) in shown.stdout
    assert "PORT=4001\n" in shown.stdout
    assert "LITELLM_MASTER_KEY=(set)\n" in shown.stdout
    assert "sk-canary" not in shown.stdout


def test_check_shows_warnings_and_deployments(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    shown = extproc("check", str(config))
    assert shown.returncode == 0, shown.stderr
    assert "drop_parms" in shown.stdout
    assert "drop_params" in shown.stdout
    assert "gpt: openai/gpt-4o at http://127.0.0.1:9/v1" in shown.stdout
    assert "sk-canary" not in shown.stdout


def test_check_speaks_json_and_can_be_strict(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    shown = extproc("check", str(config), "--json", "--strict")
    assert shown.returncode == 1
    parsed = json.loads(shown.stdout)
    assert "drop_parms" in parsed["warnings"][0]
    assert parsed["deployments"][0]["url"] == "http://127.0.0.1:9/v1"
    config.write_text(CONFIG.replace("drop_parms", "drop_params"))
    shown = extproc("check", str(config), "--strict")
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "environ", "advice"),
    [
        (("run",), {"PORT": "http"}, "extproc: PORT: "),
        (("run",), {"PORT": "70000"}, "extproc: PORT: "),
        (("run",), {"CONFIG": "/nowhere/config.yaml"}, "extproc: /nowhere/config.yaml"),
        (("check", "/nowhere/config.yaml"), {}, "extproc: /nowhere/config.yaml"),
        (("migrate",), {"DATABASE_URL": "none"}, "extproc: DATABASE_URL: "),
        (("migrate",), {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "extproc: "),
        (("envoy",), {}, "extproc: RUN_DIR: "),
        (("drain",), {"RUN_DIR": "/nowhere"}, "extproc: Envoy's admin socket"),
        (("agent",), {"DATABASE_URL": "none"}, "extproc: LITELLM_MASTER_KEY: "),
    ],
)
def test_what_the_user_can_put_right_is_one_line(
    words: tuple[str, ...], environ: dict[str, str], advice: str, tmp_path: Path
) -> None:
    shown = extproc(*words, environ={"DATA_DIR": str(tmp_path), **environ})
    assert shown.returncode == 1
    assert shown.stderr.startswith(advice)
    assert len(shown.stderr.splitlines()) == 1


def test_a_wrong_word_is_a_usage_error() -> None:
    shown = extproc("rum")
    assert shown.returncode == 2
    assert "Traceback" not in shown.stderr


def test_a_taken_port_of_the_simulated_provider_is_advice() -> None:
    command = (sys.executable, "-m", "extproc", "demo-upstream")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        url = first.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/models").status_code == 200
        second = extproc("demo-upstream", "--port", str(httpx.URL(url).port))
        first.send_signal(signal.SIGTERM)
        assert first.wait(CEILING_SECONDS) == 0
    assert second.returncode == 1
    assert second.stderr.startswith("extproc: ")
    assert "Traceback" not in second.stderr


def test_exceptions_that_are_advice_exist() -> None:
    source = "".join(p.read_text() for p in Path("extproc").rglob("*.py"))
    assert [name for name in ADVICE if f"\nclass {name}(" not in source] == []

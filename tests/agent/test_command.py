"""Agent, Envoy and drain as containers of a pod run them: apart, sharing RUN_DIR."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.agent.running import CEILING_SECONDS, KEY, NO_STORES, folder, free_port

CONFIG = """
model_list:
  - model_name: demo
    litellm_params: {model: openai/demo, api_base: "%s", api_key: sk-x}
"""


class Pod:
    """Starts commands with one environment."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.port = free_port()
        self.place = place
        self.environ = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "HEALTH_PORT": str(free_port()),
            "DATA_DIR": str(place / "data"),
            "RUN_DIR": str(place / "run"),
            "CONFIG": str(place / "config.yaml"),
            "LITELLM_MASTER_KEY": KEY,
            "JSON_LOGS": "true",
            "DRAIN_SECONDS": "2",
            **NO_STORES,
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = self._stack.enter_context(
            subprocess.Popen(
                (sys.executable, "-m", "extproc", *words),
                env=self.environ,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._stack.callback(process.terminate)
        return process


@pytest.fixture
def pod() -> Iterator[Pod]:
    with folder() as place, ExitStack() as stack:
        made = Pod(place, stack)
        demo = made.start("demo-upstream")
        assert demo.stdout
        url = demo.stdout.readline().split()[-1]
        (place / "config.yaml").write_text(CONFIG % url)
        yield made


def status(url: str) -> int:
    """The first answer's status, whatever it is; waits until there is one."""
    deadline = time.monotonic() + CEILING_SECONDS
    while True:
        try:
            return httpx.get(url, timeout=CEILING_SECONDS).status_code
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_pods_containers_find_each_other_and_drain_in_order(pod: Pod) -> None:
    envoy = pod.start("envoy")  # the order of starting does not matter
    agent = pod.start("agent")
    url = f"http://127.0.0.1:{pod.port}"
    assert status(f"{url}/health/liveliness") == 200
    assert agent.stdout
    assert any("ready" in line for line in agent.stdout)
    assert status(f"{url}/health/readiness") == 200
    answer = httpx.post(
        f"{url}/v1/chat/completions",
        json={"model": "demo", "messages": [{"role": "user", "content": "hi"}]},
        headers={"authorization": f"Bearer {KEY}"},
        timeout=CEILING_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    assert pod.start("drain").wait(CEILING_SECONDS) == 0
    envoy.send_signal(signal.SIGTERM)
    assert envoy.wait(CEILING_SECONDS) == 0
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(CEILING_SECONDS) == 0

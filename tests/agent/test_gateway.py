"""A whole gateway: it starts, heals, drains, stops and finds its data again."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.agent.running import CEILING_SECONDS, KEY, NO_STORES, Running, alive, folder, running


@pytest.fixture
def place() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    """For tests that leave it healthy."""
    with folder() as made, running(NO_STORES, made) as started:
        started.until_ready()
        yield started


@pytest.fixture
def gateway(place: Path) -> Iterator[Running]:
    with running(NO_STORES, place) as started:
        started.until_ready()
        yield started


def eventually(gateway: Running, path: str, status: int) -> None:
    """Until the path answers so; a connection that cannot be made is no answer."""
    deadline = time.monotonic() + CEILING_SECONDS
    while time.monotonic() < deadline:
        try:
            if gateway.http.get(path).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise TimeoutError(gateway.text())


def eventually_busy(gateway: Running, calls: int) -> None:
    """Until the provider has that many calls to answer."""
    words = f"litellm_in_flight_requests {float(calls)}"
    deadline = time.monotonic() + CEILING_SECONDS
    while words not in gateway.http.get("/metrics").text:
        assert time.monotonic() < deadline, gateway.http.get("/metrics").text
        time.sleep(0.02)


def gone(pids: dict[str, int]) -> None:
    deadline = time.monotonic() + CEILING_SECONDS
    while any(map(alive, pids.values())):
        assert time.monotonic() < deadline, {n: p for n, p in pids.items() if alive(p)}
        time.sleep(0.02)


def test_a_killed_agent_leaves_no_process_and_its_data_are_found_again(place: Path) -> None:
    with running({}, place) as first:
        first.until_ready()
        made = first.http.post("/key/generate", json={"key_alias": "mine"})
        assert made.status_code == 200, made.text
        assert first.http.get("/health/readiness").json()["db"] == "connected"
        pids = first.children()
        assert {"postgres", "valkey-server", "envoy", "worker", "admin", "ledger"} <= set(pids)
        first.process.kill()
        first.process.wait()
        gone(pids)
    with running({}, place) as second:
        second.until_ready()
        key = {"authorization": f"Bearer {made.json()['key']}"}
        assert second.http.get("/key/info", headers=key).json()["info"]["key_alias"] == "mine"
        assert second.end(signal.SIGINT) == 0
        assert "Traceback" not in second.text()


def test_a_killed_worker_answers_again(shared: Running) -> None:
    first = shared.children()["worker"]
    os.kill(first, signal.SIGKILL)
    shared.until("worker-0 ended (SIGKILL), starting it again")
    eventually(shared, "/v1/models", 200)
    assert shared.children()["worker"] != first
    assert shared.chat().status_code == 200


def test_not_ready_while_no_worker_serves(shared: Running) -> None:
    os.kill(shared.children()["worker"], signal.SIGKILL)
    eventually(shared, "/health/readiness", 503)
    assert shared.http.get("/health/liveliness").json() == "I'm alive!"
    eventually(shared, "/health/readiness", 200)


def test_a_data_dir_in_use_is_refused(shared: Running, place: Path) -> None:
    with running({**NO_STORES, "DATA_DIR": str(shared.data)}, place) as second:
        assert second.process.wait(CEILING_SECONDS) == 1
    assert second.text().startswith("extproc: DATA_DIR: another gateway is using")


def test_the_master_key_is_never_in_what_is_not_a_terminal(shared: Running) -> None:
    assert shared.chat().status_code == 200
    assert KEY not in shared.text()


def test_calls_in_progress_outlive_sigterm(gateway: Running) -> None:
    stream = {"stream": True, "x_demo": {"words": 8, "delay": 0.25}}
    two_attempts = {
        "x_demo": [
            {"run": "drain", "first": 1, "status": 503, "stall_at": "headers", "stall": 1.0},
            {"words": 2},
        ]
    }
    with ThreadPoolExecutor(2) as elsewhere:
        calls = [elsewhere.submit(gateway.chat, **stream)]
        calls.append(elsewhere.submit(gateway.chat, **two_attempts))
        eventually_busy(gateway, len(calls))
        gateway.process.send_signal(signal.SIGTERM)
        streamed, retried = (call.result(CEILING_SECONDS) for call in calls)
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert retried.status_code == 200, retried.text
    assert retried.headers["x-litellm-attempted-retries"] == "1"
    assert gateway.process.wait(CEILING_SECONDS) == 0


def test_a_second_signal_hurries(gateway: Running) -> None:
    body = {
        "model": "demo",
        "stream": True,
        "messages": [{"role": "user", "content": "hi"}],
        "x_demo": {"words": 400, "delay": 1.0},
    }
    with gateway.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        events = answer.iter_bytes()
        next(events)
        gateway.process.send_signal(signal.SIGINT)
        gateway.until("once more to hurry")
        assert gateway.http.get("/health/readiness").json() == {"status": "shutting_down"}
        gateway.process.send_signal(signal.SIGINT)
        with pytest.raises(httpx.TransportError):
            list(events)
    assert gateway.process.wait(CEILING_SECONDS) == 0


@pytest.mark.parametrize("name", ["PORT", "HEALTH_PORT"])
def test_an_occupied_port_is_one_line_of_advice(place: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with running({**NO_STORES, name: port}, place) as gateway:
            assert gateway.process.wait(CEILING_SECONDS) == 1
    assert len(gateway.text().splitlines()) == 1
    assert gateway.text().startswith(f"extproc: {name}: 127.0.0.1:{port} cannot be used")


def test_a_database_out_of_reach_is_advice(place: Path) -> None:
    url = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "REDIS_URL": "none"}
    with running(url, place) as gateway:
        assert gateway.process.wait(CEILING_SECONDS) == 1
    assert gateway.text().splitlines()[-1].startswith("extproc: ")
    assert "Traceback" not in gateway.text()

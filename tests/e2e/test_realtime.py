"""Realtime sessions through the whole gateway: real Envoy, real worker, real WebSockets."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.e2e.gateway import CEILING_SECONDS, Gateway, eventually, free_port
from tests.e2e.upstream import PROVIDER_KEY
from tests.e2e.voices import REFUSING, Voices, run_voices

PRICES = {
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 2e-6,
    "input_cost_per_audio_token": 10e-6,
    "output_cost_per_audio_token": 20e-6,
}
USAGE = {
    "total_tokens": 130,
    "input_tokens": 100,
    "output_tokens": 30,
    "input_token_details": {
        "cached_tokens": 0,
        "text_tokens": 40,
        "audio_tokens": 60,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}
COST = 40 * 1e-6 + 60 * 10e-6 + 10 * 2e-6 + 20 * 20e-6


@pytest.fixture(scope="module")
def voices() -> Iterator[Voices]:
    running = run_voices()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def gateway(voices: Voices) -> Iterator[Gateway]:
    running = Gateway(config(voices.port), {"WORKERS": "2"})
    running.start()
    yield running
    running.stop()


def config(port: int) -> dict[str, Any]:
    """talk: OpenAI · azure-talk: Azure · refused: 401 · second: a dead port, then OpenAI"""
    url = f"http://127.0.0.1:{port}"
    dead = f"http://127.0.0.1:{free_port()}/v1"
    azure = {"model": "azure/mine", "api_version": "2025-04-01-preview"}
    rows = [
        row("talk", f"{url}/v1"),
        row("azure-talk", url, **azure),
        row("refused", f"{url}{REFUSING}/v1"),
        row("second", dead, order=1),
        row("second", f"{url}/v1", order=2),
    ]
    return {"model_list": rows, "router_settings": {"num_retries": 2}}


def row(group: str, base: str, **params: Any) -> dict[str, Any]:
    known = {"model": "openai/gpt-realtime", "api_base": base, "api_key": PROVIDER_KEY}
    return {
        "model_name": group,
        "litellm_params": {**known, **PRICES, **params},
        "model_info": {"mode": "realtime"},
    }


@contextmanager
def session(gateway: Gateway, key: str, model: str = "talk") -> Iterator[ClientConnection]:
    """An open session, past its first event."""
    url = f"ws://127.0.0.1:{gateway.port}/v1/realtime?model={model}"
    headers = {"authorization": f"Bearer {key}"}
    with connect(url, additional_headers=headers, max_size=None, open_timeout=30) as client:
        assert json.loads(client.recv(30))["type"] == "session.created"
        yield client


def respond(client: ClientConnection) -> None:
    ask = {"type": "response.create", "response": {"metadata": {"u": json.dumps(USAGE)}}}
    client.send(json.dumps(ask))
    while json.loads(client.recv(30))["type"] != "response.done":
        pass


def the_row(gateway: Gateway, key: str) -> dict[str, Any]:
    rows = gateway.settled_rows(key, 1)
    assert len(rows) == 1
    return rows[0]


async def test_two_responses_are_billed_as_one_sum(gateway: Gateway, voices: Voices) -> None:
    key = gateway.new_key()
    client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key)
    async with client.realtime.connect(model="talk") as talk:
        assert (await talk.recv()).type == "session.created"
        for _ in range(2):
            await talk.response.create(response={"metadata": {"u": json.dumps(USAGE)}})
            while (await talk.recv()).type != "response.done":
                pass
    await client.close()
    found = the_row(gateway, key)
    assert (found["prompt_tokens"], found["completion_tokens"]) == (200, 60)
    assert found["spend"] == pytest.approx(2 * COST)
    assert (found["status"], found["call_type"]) == ("success", "_arealtime")
    assert (found["model_group"], found["custom_llm_provider"]) == ("talk", "openai")


def test_the_provider_sees_its_own_key_and_model_alone(gateway: Gateway, voices: Voices) -> None:
    key = gateway.new_key()
    more = {"cookie": "a=b", "openai-beta": "realtime=v1", "x-litellm-tags": "t"}
    url = f"ws://127.0.0.1:{gateway.port}/openai/v1/realtime?model=talk&api_key=sk-mine"
    with connect(url, additional_headers={"api-key": key, **more}):
        pass
    seen = voices.seen[-1]
    assert seen.path == "/v1/realtime?model=gpt-realtime"
    assert seen.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert seen.headers["openai-beta"] == "realtime=v1"
    assert key not in str(seen) and "sk-mine" not in str(seen)
    assert {name.lower() for name in seen.headers} == {
        *("host", "connection", "upgrade", "sec-websocket-key", "sec-websocket-version"),
        *("authorization", "openai-beta", "user-agent"),
    }


def test_a_browser_shows_its_key_among_the_protocols(gateway: Gateway, voices: Voices) -> None:
    key = gateway.new_key()
    names = ("realtime", f"openai-insecure-api-key.{key}", "openai-beta.realtime-v1")
    url = f"ws://127.0.0.1:{gateway.port}/v1/realtime?model=talk"
    with connect(url, subprotocols=[Subprotocol(name) for name in names]) as client:
        assert client.subprotocol == "realtime"
        respond(client)
    seen = voices.seen[-1]
    assert seen.headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
    assert key not in str(seen)
    assert the_row(gateway, key)["spend"] == pytest.approx(COST)


def test_azure_is_asked_in_its_own_way(gateway: Gateway, voices: Voices) -> None:
    key = gateway.new_key()
    url = f"ws://127.0.0.1:{gateway.port}/openai/realtime?api-version=2&deployment=azure-talk"
    with connect(url, additional_headers={"api-key": key}) as client:
        respond(client)
    seen = voices.seen[-1]
    assert seen.path == "/openai/realtime?api-version=2025-04-01-preview&deployment=mine"
    assert seen.headers["api-key"] == PROVIDER_KEY
    assert the_row(gateway, key)["spend"] == pytest.approx(COST)


@pytest.mark.parametrize(
    ("model", "status", "said"),
    [
        ("talk", 401, "expected to start with 'sk-'"),
        ("nobody", 400, "Invalid model name"),
        ("", 400, "Missing required parameter: 'model'"),
        ("refused", 401, "Incorrect API key."),
    ],
)
def test_a_refusal_is_plain_json(gateway: Gateway, model: str, status: int, said: str) -> None:
    key = "wrong" if said.startswith("expected") else gateway.master_key
    with pytest.raises(InvalidStatus) as refused, session(gateway, key, model):
        pass
    answer = refused.value.response
    assert answer.status_code == status
    assert said in json.loads(answer.body or b"")["error"]["message"]


def test_a_key_needs_the_model(gateway: Gateway) -> None:
    key = gateway.new_key(models=["other"])
    with pytest.raises(InvalidStatus) as refused, session(gateway, key):
        pass
    assert refused.value.response.status_code == 403


def test_what_is_no_handshake_is_told_so(gateway: Gateway) -> None:
    answer = gateway.http.get("/v1/realtime?model=talk", headers=gateway.auth())
    assert (answer.status_code, "WebSocket" in answer.text) == (400, True)


def test_before_it_opens_a_session_goes_to_the_next_deployment(gateway: Gateway) -> None:
    key = gateway.new_key()
    with session(gateway, key, "second") as client:
        respond(client)
    rows = gateway.settled_rows(key, 2)
    assert sorted((found["status"], found["spend"]) for found in rows) == [
        ("failure", 0.0),
        ("success", pytest.approx(COST)),
    ]


def test_a_session_that_is_refused_costs_nothing(gateway: Gateway) -> None:
    key = gateway.new_key()
    with pytest.raises(InvalidStatus), session(gateway, key, "refused"):
        pass
    found = the_row(gateway, key)
    assert (found["status"], found["spend"]) == ("failure", 0)


def test_large_binary_and_fragmented_messages_and_pings_pass(gateway: Gateway) -> None:
    key, megabytes = gateway.new_key(), 2 * 1024 * 1024
    with session(gateway, key) as client:
        client.send(json.dumps({"type": "say", "bytes": megabytes}))
        assert len(json.loads(client.recv(30))["delta"]) == megabytes
        client.send(b"\x00\xff" * megabytes)
        assert client.recv(30) == b"\x00\xff" * megabytes
        client.send(json.dumps({"type": "ping"}))
        assert json.loads(client.recv(30))["type"] == "ponged"
        assert client.ping().wait(30)
        client.send(json.dumps({"type": "in_parts", "usage": USAGE}))
        assert json.loads(client.recv(30))["type"] == "response.done"
    assert the_row(gateway, key)["spend"] == pytest.approx(COST)


def test_who_hangs_up_is_heard(gateway: Gateway) -> None:
    key = gateway.new_key()
    with session(gateway, key) as client:
        respond(client)
        client.send(json.dumps({"type": "hang_up"}))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(30)
    assert closed.value.rcvd and (closed.value.rcvd.code, closed.value.rcvd.reason) == (
        4001,
        "as you wish",
    )
    found = the_row(gateway, key)
    assert (found["status"], found["spend"]) == ("success", pytest.approx(COST))


def test_the_client_hears_the_answer_to_its_own_goodbye(gateway: Gateway) -> None:
    with session(gateway, gateway.new_key()) as client:
        client.close(1000)
    assert client.protocol.close_rcvd is not None


@pytest.mark.parametrize("who", ["client", "provider"])
def test_a_cut_session_is_billed_for_what_it_said(gateway: Gateway, who: str) -> None:
    key = gateway.new_key()
    with session(gateway, key) as client:
        respond(client)
        if who == "client":
            client.socket.shutdown(socket.SHUT_RDWR)
        else:
            client.send(json.dumps({"type": "vanish"}))
            with pytest.raises(ConnectionClosed):
                client.recv(30)
    found = the_row(gateway, key)
    assert (found["status"], found["spend"]) == ("failure", pytest.approx(COST))
    eventually(lambda: not gateway.worker_tasks(), "the end of the session", CEILING_SECONDS)


def test_a_killed_workers_session_is_billed_for_what_it_said(gateway: Gateway) -> None:
    key = gateway.new_key()
    with session(gateway, key) as client:
        respond(client)
        respond(client)
        for worker in gateway.workers():
            worker.kill()
        with pytest.raises(ConnectionClosed):
            client.recv(30)
    found = the_row(gateway, key)
    assert (found["status"], found["spend"]) == ("failure", pytest.approx(2 * COST))
    assert (found["prompt_tokens"], found["metadata"]["interrupted"]) == (200, True)

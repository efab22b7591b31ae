"""What the outer listener lets in, sends where, and hides."""

import asyncio
import json

import pytest

from extproc.domain.headers import CLUSTER, RETRY
from extproc.envoyconfig.gateway import MOST_ATTEMPTS
from tests.envoyconfig.http1 import Exchange, serve_upstream
from tests.envoyconfig.messages import piece, refusal, response_headers
from tests.envoyconfig.probe import Gateway, Stream, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORGED = {
    CLUSTER: "anywhere",
    "x-gateway-else": "1",
    "x-envoy-attempt-count": "77",
    "x-envoy-max-retries": "9",
    "x-envoy-retry-on": "5xx",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-internal": "true",
    "x-request-id": "mine",
    "x_under_score": "1",
}
NEVER_UPSTREAM = ("x-gateway-", "x-envoy-", "x-request-id", "x-forwarded-", "x_")


async def test_a_client_cannot_speak_as_the_gateway(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.answer()
        again = {RETRY: "1"} if stream.attempt == 1 else {}
        await stream.say(response_headers(headers=again), piece(b"", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    await envoy.ask(headers=[f"{name}: {value}" for name, value in FORGED.items()])
    call_id = envoy.extproc.streams[0].headers["x-request-id"]
    assert call_id != "mine"
    for number, stream in enumerate(envoy.extproc.streams, start=1):
        kept = {name: stream.headers[name] for name in FORGED if name in stream.headers}
        assert kept == {"x-envoy-attempt-count": str(number), "x-request-id": call_id}


async def test_two_calls_have_two_ids(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(400, b"{}"))

    envoy.play(script)
    for _ in range(2):
        await envoy.ask(headers=["x-request-id: the-same"])
    first, second = (stream.headers["x-request-id"] for stream in envoy.extproc.streams)
    assert first != second


async def test_a_provider_sees_nothing_of_the_gateways(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.answer()
        await stream.say(response_headers(), piece(b"", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    await envoy.ask()
    (seen,) = envoy.upstream.exchanges
    assert [name for name, _ in seen.headers if name.startswith(NEVER_UPSTREAM)] == []


async def test_a_client_sees_nothing_of_the_gateways(envoy: Gateway) -> None:
    theirs = [f"{RETRY}: 1", f"{CLUSTER}: x", "x-gateway-else: 1", "x-envoy-else: 1"]

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        headers, _ = await stream.answer()
        assert RETRY not in headers
        assert CLUSTER not in headers
        ours = {"x-gateway-debug": "1", "x-envoy-debug": "1"}
        await stream.say(response_headers(headers=ours), piece(b"", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok", headers=theirs))
    answer = await envoy.ask()
    assert len(envoy.extproc.streams) == 1
    names = [name for name, _ in answer.headers]
    assert [name for name in names if name.startswith(("x-gateway-", "x-envoy-"))] == []


async def test_a_worker_that_never_stops_asking_is_stopped(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(503, b'{"last":1}', {RETRY: "1"}))

    envoy.play(script)
    answer = await envoy.ask()
    assert (answer.status, answer.body) == (503, b'{"last":1}')
    assert answer.header(RETRY) is None
    assert len(envoy.extproc.streams) == 1 + MOST_ATTEMPTS


async def test_forty_calls_that_all_need_retries_all_get_them(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        start = await stream.next("request_headers")
        if stream.attempt < 3:
            await stream.say(refusal(503, b"{}", {RETRY: "1"}))
            return
        await stream.route_from(start, envoy.cluster)
        await stream.answer()
        await stream.say(response_headers(), piece(b"ok", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(envoy.ask()) for _ in range(40)]
    assert {call.result().body for call in calls} == {b"ok"}


async def test_retry_after_is_waited_for(envoy: Gateway) -> None:
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        began.append(loop.time())
        again = {RETRY: "1", "retry-after": "1"} if stream.attempt == 1 else {}
        await stream.say(refusal(429, b"{}", again))

    envoy.play(script)
    await envoy.ask()
    first, second = began
    assert second - first >= 1


LLM = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/completions?api-version=1"),
    ("POST", "/v1/embeddings"),
    ("POST", "/embeddings"),
    ("POST", "/engines/gpt/completions"),
    ("POST", "/engines/a/b/chat/completions"),
    ("POST", "/openai/deployments/a%2Fb/embeddings?api-version=1"),
    ("POST", "//v1//embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/models?x=1"),
    ("GET", "/v1/models/a/b"),
    ("GET", "/models/a%2Fb"),
]
AGENT = ["liveliness", "liveness", "readiness", "config"]
ADMIN = [
    ("GET", "/"),
    ("POST", "/key/generate"),
    ("GET", "/v1/chat/completions"),
    ("POST", "/v1/models"),
    ("POST", "/engines/completions"),
    ("POST", "/v1/chat/completions/x"),
    ("GET", "/health"),
    ("GET", "/health/config/x"),
    ("POST", "/v1/models/../../key/generate"),
]


@pytest.mark.parametrize(("method", "path"), LLM)
async def test_llm_paths_reach_a_worker(envoy: Gateway, method: str, path: str) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(200, b'"worker"'))

    envoy.play(script)
    declared = None if method == "POST" else -1
    body = b"{}" if method == "POST" else b""
    assert (await envoy.ask(body, method=method, path=path, declared=declared)).json == "worker"


async def test_the_rest_reaches_the_agent_or_the_admin_application(envoy: Gateway) -> None:
    async def name(exchange: Exchange) -> None:
        socket = exchange.writer.get_extra_info("sockname")
        await exchange.reply(json.dumps(socket).encode())

    agent, admin = str(envoy.options.agent_socket), str(envoy.options.admin_socket)
    asked = [("GET", f"/health/{path}", agent) for path in AGENT]
    asked += [("GET", "/metrics", agent), *((method, path, admin) for method, path in ADMIN)]
    async with serve_upstream() as upstream:
        upstream.handler = name
        servers = [
            await asyncio.start_unix_server(upstream.connected, path) for path in (agent, admin)
        ]
        for method, path, expected in asked:
            answer = await envoy.ask(b"", method=method, path=path)
            assert answer.json == expected, path
        for server in servers:
            server.close()


async def test_the_log_has_the_path_but_no_secrets(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(418, b"{}"))

    envoy.play(script)
    await envoy.ask(path="/v1/embeddings?key=sk-query", headers=["authorization: Bearer sk-header"])
    await until(lambda: '"status":418' in envoy.log())
    line = next(each for each in envoy.log().splitlines() if '"status":418' in each)
    assert json.loads(line)["path"] == "/v1/embeddings"
    assert json.loads(line)["call_id"] == envoy.extproc.streams[0].headers["x-request-id"]
    assert "sk-" not in envoy.log()

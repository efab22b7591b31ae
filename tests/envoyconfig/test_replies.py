"""Every reply of Envoy's own is the envelope of the API that was asked."""

import pytest
from grpc import StatusCode

from extproc.envoyconfig.replies import REPLIES
from tests.envoyconfig.http1 import Answer, Exchange
from tests.envoyconfig.messages import piece, refusal, response_headers
from tests.envoyconfig.probe import Gateway, Stream, gateway, serve, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def assert_envelope(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.header("content-type") == "application/json"
    assert answer.json.keys() == {"error"}
    error = answer.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == str(status)
    assert error["message"]


@pytest.mark.parametrize(
    "headers", [[f"h{n}: 1" for n in range(10_000)], ["h: " + "a" * 200_000]], ids=["many", "large"]
)
async def test_too_many_headers_are_431(envoy: Gateway, headers: list[str]) -> None:
    assert_envelope(await envoy.ask(headers=headers), 431)


@pytest.mark.parametrize("header", ["no colon", "h: \x01", "content-length: x"])
async def test_malformed_http_is_400(envoy: Gateway, header: str) -> None:
    assert_envelope(await envoy.ask(declared=-1, headers=[header]), 400)


@pytest.mark.parametrize("path", ["/key/generate", "/metrics"])
async def test_an_absent_application_is_503(envoy: Gateway, path: str) -> None:
    answer = await envoy.ask(path=path)
    assert_envelope(answer, 503)
    assert str(envoy.folder) not in answer.json["error"]["message"]


async def test_an_absent_worker_is_503_and_nothing_goes_round_it() -> None:
    async with gateway(worker=False) as envoy:
        assert_envelope(await envoy.ask(), 503)
        assert_envelope(await envoy.ask(headers=[f"x-gateway-cluster: {envoy.cluster}"]), 503)
        assert envoy.upstream.exchanges == []


async def test_anthropics_path_gets_anthropics_envelope(envoy: Gateway) -> None:
    answer = await envoy.ask(path="/v1/messages")
    assert answer.status == 503
    assert answer.json.keys() == {"type", "error"}
    assert answer.json["type"] == "error"
    assert answer.json["error"]["type"] == "api_error"


async def test_each_status_stands_in_the_table_once() -> None:
    statuses = [reply.status for reply in REPLIES]
    assert statuses == sorted(set(statuses))


async def test_a_worker_that_comes_back_is_used() -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(418, b"{}"))

    async with gateway(worker=False) as alone:
        assert_envelope(await alone.ask(), 503)
        alone.play(script)
        async with serve(alone.extproc, alone.options.worker_sockets[0]):
            assert (await alone.ask()).status == 418


@pytest.mark.parametrize("released", [False, True])
async def test_a_worker_that_dies_is_503_or_a_broken_answer(envoy: Gateway, released: bool) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.next("response_headers")
        part = await stream.next("response_body")
        if released:
            await stream.say(response_headers(), piece(part.body))
        await stream.context.abort(StatusCode.UNAVAILABLE)

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.chunk(b"data: 1\n\n")
        await exchange.closed()
        exchange.ended = "closed"

    envoy.play(script, upstream)
    answer = await envoy.ask()
    if released:
        assert (answer.status, answer.complete) == (200, False)
    else:
        assert_envelope(answer, 503)
    await until(lambda: envoy.upstream.exchanges[0].ended == "closed")

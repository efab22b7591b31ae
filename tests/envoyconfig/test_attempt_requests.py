"""What the workers may do with a request, and when it is sent again."""

import pytest

from extproc.domain.headers import CLUSTER, RETRY
from tests.envoyconfig.http1 import Exchange
from tests.envoyconfig.messages import (
    header_map,
    pb,
    piece,
    refusal,
    request_body,
    request_headers,
    response_headers,
)
from tests.envoyconfig.probe import Gateway, Stream, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVENT = b"data: 1\n\n"


async def test_a_replaced_request_leaves_with_its_new_length_and_headers(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers())
        await stream.next("request_body")
        body = b'{"longer": "than before"}'
        changed = {
            CLUSTER: envoy.cluster,
            ":path": "/v2/x?y=1",
            ":authority": "api.provider.test",
            "authorization": "Bearer theirs",
            "content-length": str(len(body)),
        }
        await stream.say(request_body(headers=changed, remove=["cookie"], body=body, reroute=True))
        await stream.pass_on()

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    answer = await envoy.ask(headers=["authorization: Bearer ours", "cookie: a=b"])
    assert answer.status == 200
    (seen,) = envoy.upstream.exchanges
    assert seen.line == "POST /v2/x?y=1 HTTP/1.1"
    assert sorted(seen.headers) == [
        ("authorization", "Bearer theirs"),
        ("content-length", "25"),
        ("host", "api.provider.test"),
    ]
    assert seen.body == b'{"longer": "than before"}'


@pytest.mark.parametrize("body", [None, b"12345678"])
async def test_a_chunked_request_may_be_replaced_or_passed(
    envoy: Gateway, body: bytes | None
) -> None:
    async def script(stream: Stream) -> None:
        assert await stream.route(envoy.cluster, body=body) == b"hello"
        await stream.pass_on()

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    answer = await envoy.ask(chunks, declared=-1, headers=["transfer-encoding: chunked"])
    assert answer.status == 200
    assert envoy.upstream.exchanges[0].body == (body or b"hello")


async def test_an_empty_reply_passes_the_body_as_it_came(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers(headers={CLUSTER: envoy.cluster}, reroute=True))
        await stream.next("request_body")
        await stream.say(pb.ProcessingResponse(request_body=pb.BodyResponse()))
        await stream.pass_on()

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    assert (await envoy.ask(b'{"a": 1}')).status == 200
    assert envoy.upstream.exchanges[0].body == b'{"a": 1}'


async def test_a_changed_body_with_the_old_length_goes_nowhere(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers())
        await stream.next("request_body")
        routed = {CLUSTER: envoy.cluster}
        await stream.say(request_body(headers=routed, body=b"longer than before", reroute=True))

    envoy.play(script)
    assert (await envoy.ask(b"{}")).status == 503
    assert envoy.upstream.exchanges == []


async def test_a_refusal_reaches_a_client_that_is_still_sending(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(400, b'{"error":{}}'))

    envoy.play(script)
    answer = await envoy.ask(b"x" * 1000, declared=5_000_000)
    assert (answer.status, answer.body) == (400, b'{"error":{}}')


async def test_a_request_without_body_has_no_body_phase(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        start = await stream.next("request_headers")
        assert start.end_of_stream
        await stream.say(refusal(200, b'{"data":[]}'))

    envoy.play(script)
    answer = await envoy.ask(b"", method="GET", path="/v1/models", declared=-1)
    assert (answer.status, answer.body) == (200, b'{"data":[]}')


async def test_twenty_megabytes_are_sent_again(envoy: Gateway) -> None:
    sizes = []

    async def script(stream: Stream) -> None:
        sizes.append(len(await stream.route(envoy.cluster)))
        await stream.answer()
        again = {RETRY: "1"} if stream.attempt == 1 else {}
        await stream.say(response_headers(headers=again), piece(b"ok", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    assert (await envoy.ask(b"x" * 20_000_000)).body == b"ok"
    assert sizes == [20_000_000] * 2
    assert [len(exchange.body) for exchange in envoy.upstream.exchanges] == sizes


async def test_the_worker_can_ask_for_attempts_either_way(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        start = await stream.next("request_headers")
        if stream.attempt == 1:
            await stream.say(refusal(503, b"{}", {RETRY: "1"}))
            return
        await stream.route_from(start, envoy.cluster)
        await stream.answer()
        again = {RETRY: "1"} if stream.attempt == 2 else {}
        await stream.say(response_headers(headers=again), piece(b"ok", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"ok"))
    answer = await envoy.ask()
    assert (answer.status, answer.body) == (200, b"ok")
    assert [stream.attempt for stream in envoy.extproc.streams] == [1, 2, 3]


@pytest.mark.parametrize("held", [True, False])
async def test_a_client_that_leaves_ends_the_stream_and_the_upstream(
    envoy: Gateway, held: bool
) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await (stream.answer() if held else stream.pass_on())

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.chunk(EVENT)
        await exchange.closed()
        exchange.ended = "closed"

    envoy.play(script, upstream)
    client = await envoy.connect()
    await client.send(b"{}")
    await until(
        lambda: bool(envoy.extproc.streams) and "response_body" in envoy.extproc.streams[0].seen
    )
    client.close()
    await until(lambda: envoy.upstream.exchanges[0].ended == "closed")
    await until(lambda: envoy.extproc.streams[0].ended != "")


async def test_a_body_over_the_buffer_is_413_and_skips_the_body_phase(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers())
        start = await stream.next("response_headers")
        assert header_map(start)[":status"] == "413"
        await stream.say(response_headers())
        part = await stream.next("response_body")
        await stream.say(piece(part.body, part.end_of_stream))

    envoy.play(script)
    size = envoy.options.buffer_bytes + 1
    answer = await envoy.ask(
        b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n",
        declared=-1,
        headers=["transfer-encoding: chunked"],
    )
    assert answer.status == 413
    assert answer.json["error"]["code"] == "413"


async def test_nothing_unrouted_reaches_anybody(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers())
        await stream.next("request_body")
        await stream.say(request_body())
        await stream.pass_on()

    envoy.play(script)
    answer = await envoy.ask(headers=[f"{CLUSTER}: {envoy.cluster}"])
    assert answer.status == 503
    assert answer.json["error"]["code"] == "503"
    assert envoy.upstream.exchanges == []

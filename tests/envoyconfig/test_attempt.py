"""What the workers rely on: each fact is one conversation with the real Envoy."""

import asyncio

import pytest

from extproc.domain.headers import RETRY, TIMEOUT_MS
from tests.envoyconfig.http1 import CEILING, Exchange
from tests.envoyconfig.messages import (
    piece,
    refusal,
    response_headers,
)
from tests.envoyconfig.probe import Gateway, Stream, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVENT = b"data: 1\n\n"


# The answer is held.


async def test_held_headers_and_body_may_be_replaced_as_a_whole(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        _, body = await stream.answer()
        assert body == b"onetwothree"
        changed = {":status": "299", "content-type": "x/y", "content-length": "1"}
        await stream.say(
            response_headers(headers=changed, remove=["x-theirs"]),
            piece(b"ours, "),
            piece(b"longer", end=True),
        )

    async def upstream(exchange: Exchange) -> None:
        await exchange.start("x-theirs: 1")
        for part in (b"one", b"two", b"three"):
            await exchange.chunk(part)
            await asyncio.sleep(0.01)
        await exchange.send(b"0\r\n\r\n")

    envoy.play(script, upstream)
    answer = await envoy.ask()
    assert (answer.status, answer.body, answer.complete) == (299, b"ours, longer", True)
    assert answer.header("content-type") == "x/y"
    assert answer.header("x-theirs") is None
    assert answer.header("content-length") is None


async def test_a_shorter_or_empty_body_needs_no_content_length(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.answer()
        await stream.say(response_headers(), piece(b"", end=True))

    envoy.play(script, lambda exchange: exchange.reply(b"something"))
    answer = await envoy.ask()
    assert (answer.status, answer.body, answer.complete) == (200, b"", True)


async def test_an_immediate_response_replaces_a_held_answer_word_for_word(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.answer()
        await stream.say(refusal(503, b'{"mine":"%REQ(:path)%"}', {"x-mine": "1"}))

    envoy.play(script, lambda exchange: exchange.reply(b"theirs"))
    answer = await envoy.ask()
    assert (answer.status, answer.body) == (503, b'{"mine":"%REQ(:path)%"}')
    assert answer.header("x-mine") == "1"
    assert answer.header("content-type") == "application/json"
    assert len(envoy.extproc.streams) == 1


async def test_an_immediate_response_ends_an_upstream_that_still_sends(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.next("response_headers")
        await stream.next("response_body")
        await stream.say(refusal(502, b"{}"))

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.chunk(EVENT)
        await exchange.closed()
        exchange.ended = "closed"

    envoy.play(script, upstream)
    assert (await envoy.ask()).status == 502
    await until(lambda: envoy.upstream.exchanges[0].ended == "closed")


async def test_an_early_end_of_stream_is_clean_and_closes_the_upstream(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.next("response_headers")
        await stream.next("response_body")
        await stream.say(response_headers(), piece(b"enough", end=True))

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.chunk(EVENT)
        await exchange.closed()
        exchange.ended = "closed"

    envoy.play(script, upstream)
    answer = await envoy.ask()
    assert (answer.body, answer.complete) == (b"enough", True)
    await until(lambda: envoy.upstream.exchanges[0].ended == "closed")


async def test_events_reach_the_client_while_the_next_is_not_yet_sent(envoy: Gateway) -> None:
    arrived = asyncio.Event()

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.pass_on()

    async def upstream(exchange: Exchange) -> None:
        await exchange.start("content-type: text/event-stream")
        for number in range(5):
            await exchange.chunk(b"data: %d\n\n" % number)
            await asyncio.wait_for(arrived.wait(), CEILING)
            arrived.clear()
        await exchange.send(b"0\r\n\r\n")

    envoy.play(script, upstream)
    client = await envoy.connect()
    await client.send(b"{}")
    async with asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(client.answer())
        for number in range(5):
            part = await asyncio.wait_for(client.parts.get(), CEILING)
            assert part == b"data: %d\n\n" % number
            arrived.set()
    assert answer.result().complete
    client.close()


# Answers without a body.


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
)
async def test_an_answer_without_body_has_no_body_phase(envoy: Gateway, head: bytes) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        start = await stream.next("response_headers")
        assert start.end_of_stream
        await stream.say(response_headers())

    envoy.play(script, lambda exchange: exchange.send(head))
    answer = await envoy.ask()
    assert (answer.status, answer.body) == (int(head.split()[1]), b"")


async def test_an_answer_without_body_can_be_replaced_by_an_immediate_response(
    envoy: Gateway,
) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.next("response_headers")
        await stream.say(refusal(502, b'{"error":{}}'))

    envoy.play(script, lambda exchange: exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n"))
    answer = await envoy.ask()
    assert (answer.status, answer.body) == (502, b'{"error":{}}')


@pytest.mark.parametrize("tail", [b"0\r\n\r\n", b"0\r\nx-late: 1\r\n\r\n"])
async def test_an_empty_chunked_answer_ends(envoy: Gateway, tail: bytes) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.pass_on()

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(tail)

    envoy.play(script, upstream)
    answer = await envoy.ask()
    assert (answer.status, answer.body, answer.complete) == (200, b"", True)


# Broken upstreams.


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def half_a_chunk(exchange: Exchange) -> None:
    await exchange.send(b"10\r\nabc")
    exchange.writer.close()


async def no_chunk(exchange: Exchange) -> None:
    await exchange.send(b"zz\r\nabc")


async def silence(exchange: Exchange) -> None:
    await exchange.closed()


BREAKS = [reset, half_a_chunk, no_chunk, silence]


@pytest.mark.parametrize("break_", BREAKS)
async def test_a_break_after_the_headers_left_is_never_a_clean_end(
    envoy: Gateway, break_: object
) -> None:
    assert callable(break_)

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        await stream.pass_on()

    async def upstream(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.chunk(EVENT)
        await asyncio.sleep(0.05)
        await break_(exchange)

    envoy.play(script, upstream)
    answer = await envoy.ask()
    assert answer.status == 200
    assert answer.body.startswith(EVENT)
    assert not answer.complete
    assert len(envoy.extproc.streams) == 1


@pytest.mark.parametrize("break_", BREAKS)
async def test_a_break_while_the_headers_are_held_starts_another_attempt(
    envoy: Gateway, break_: object
) -> None:
    assert callable(break_)

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        if stream.attempt == 2:
            await stream.pass_on()
            return
        await stream.next("response_headers")
        while await stream.next() is not None:
            pass

    async def upstream(exchange: Exchange) -> None:
        if len(envoy.upstream.exchanges) == 2:
            await exchange.reply(b"second")
            return
        await exchange.start()
        await exchange.chunk(EVENT)
        await asyncio.sleep(0.05)
        await break_(exchange)

    envoy.play(script, upstream)
    answer = await envoy.ask(b'{"a":1}')
    assert (answer.status, answer.body, answer.complete) == (200, b"second", True)
    assert [exchange.body for exchange in envoy.upstream.exchanges] == [b'{"a":1}'] * 2
    first, second = envoy.extproc.streams
    assert first.headers["x-request-id"] == second.headers["x-request-id"]


@pytest.mark.parametrize(
    ("break_", "status", "flags"), [(reset, "503", "UC"), (silence, "504", "UT")]
)
async def test_a_break_before_the_headers_passes_the_worker(
    envoy: Gateway, break_: object, status: str, flags: str
) -> None:
    assert callable(break_)

    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster)
        headers, body = await stream.answer()
        assert (headers[":status"], headers[RETRY]) == (status, flags)
        assert b'"error"' in body
        removed = [RETRY] if stream.attempt == 2 else []
        await stream.say(response_headers(remove=removed), piece(body, end=True))

    envoy.play(script, break_)
    answer = await envoy.ask()
    assert answer.status == int(status)
    assert answer.json["error"]["code"] == status
    assert answer.header(RETRY) is None
    assert len(envoy.extproc.streams) == 2


async def test_a_refused_connection_and_an_unknown_cluster_pass_the_worker(
    envoy: Gateway,
) -> None:
    async def script(stream: Stream) -> None:
        start = await stream.next("request_headers")
        target, flags = [(envoy.refused, "UF"), ("nowhere", "NC")][stream.attempt - 1]
        await stream.route_from(start, target)
        headers, body = await stream.answer()
        assert (headers[":status"], headers[RETRY]) == ("503", flags)
        removed = [RETRY] if stream.attempt == 2 else []
        await stream.say(response_headers(remove=removed), piece(body, end=True))

    envoy.play(script)
    assert (await envoy.ask()).status == 503
    assert len(envoy.extproc.streams) == 2


async def test_the_worker_may_bound_one_attempt_in_all(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(envoy.cluster, **{TIMEOUT_MS: "100"})
        headers, body = await stream.answer()
        assert (headers[":status"], headers[RETRY]) == ("504", "UT")
        await stream.say(response_headers(remove=[RETRY]), piece(body, end=True))

    envoy.play(script, silence)
    answer = await envoy.ask()
    assert answer.status == 504
    assert "response_timeout" in answer.json["error"]["message"]
    assert envoy.upstream.exchanges[0].header(TIMEOUT_MS) is None

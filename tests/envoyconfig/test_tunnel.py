"""WebSockets through the real Envoy: whatever is said passes a worker, and nothing is lost."""

import asyncio
import ssl

import pytest
import trustme

from extproc.domain.deployment import Upstream
from extproc.domain.headers import CLUSTER, RETRY
from extproc.envoyconfig import files, upstreams
from tests.envoyconfig.http1 import (
    CEILING,
    Answer,
    Client,
    Exchange,
    Handler,
    ScriptedUpstream,
    read_head,
)
from tests.envoyconfig.messages import (
    header_map,
    piece,
    refusal,
    request_headers,
    response_headers,
)
from tests.envoyconfig.probe import Gateway, Stream, foreign_gateway, gateway, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
UPGRADE = (
    "connection: keep-alive, Upgrade",  # as Firefox says it
    "upgrade: WebSocket",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version: 13",
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: x\r\nx-gateway-retry: forged\r\n\r\n"
)
HELLO = 5
PATH = "/v1/realtime?model=m"


async def handshake(envoy: Gateway, path: str = PATH, method: str = "GET") -> Client:
    client = await envoy.connect()
    await client.send(path=path, method=method, headers=UPGRADE, declared=-1)
    return client


async def refused(envoy: Gateway, path: str = PATH, method: str = "GET") -> Answer:
    client = await handshake(envoy, path, method)
    answer = await client.answer()
    client.close()
    return answer


async def talk(envoy: Gateway) -> tuple[str, bytes]:
    """A handshake, a word, and all that is heard until the end."""
    client = await handshake(envoy)
    async with asyncio.timeout(CEILING):
        head = await read_head(client.reader)
        assert head
        client.writer.write(b"hello")
        heard = await client.reader.read()
    client.close()
    return head[0], heard


async def depart(stream: Stream, cluster: str) -> None:
    asked = await stream.next("request_headers")
    assert not asked.end_of_stream
    where = {CLUSTER: cluster, ":path": "/theirs"}
    await stream.say(request_headers(headers=where, reroute=True))


def says(*words: bytes) -> Handler:
    """An upstream that opens, listens for a word, says its own, and hangs up at once."""

    async def upstream(exchange: Exchange) -> None:
        await exchange.send(SWITCHED)
        assert await exchange.reader.readexactly(HELLO) == b"hello"
        for word in words:
            await exchange.send(word)
        exchange.writer.close()

    return upstream


async def test_last_words_before_a_hang_up_pass(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await depart(stream, envoy.cluster)
        await stream.pass_on()

    envoy.play(script, says(b"x" * 3_000_000, b"goodbye"))
    status, heard = await talk(envoy)
    assert (status.split()[1], heard) == ("101", b"x" * 3_000_000 + b"goodbye")
    (stream,) = envoy.extproc.streams
    assert set(stream.seen) >= {"request_headers", "response_headers", "response_body"}
    assert "request_body" not in stream.seen


async def test_the_provider_sees_the_handshake_alone(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await depart(stream, envoy.cluster)
        started = await stream.next("response_headers")
        assert RETRY not in header_map(started)
        await stream.say(response_headers())
        while part := await stream.next():
            await stream.say(piece(part.body))

    envoy.play(script, says(b"bye"))
    assert (await talk(envoy))[1] == b"bye"
    (seen,) = envoy.upstream.exchanges
    assert seen.line == "GET /theirs HTTP/1.1"
    assert sorted(name for name, _ in seen.headers) == [
        *("connection", "host", "sec-websocket-key", "sec-websocket-version", "upgrade"),
    ]


async def test_a_session_may_be_silent_for_longer_than_a_first_byte(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await depart(stream, envoy.cluster)
        await stream.pass_on()

    async def upstream(exchange: Exchange) -> None:
        await exchange.send(SWITCHED)
        await asyncio.sleep(1.5)  # the module's Envoy waits 1 s for a first byte
        await exchange.send(b"here")
        exchange.writer.close()

    envoy.play(script, upstream)
    assert (await talk(envoy))[1] == b"here"


async def test_an_attempt_that_opens_nothing_is_followed_by_the_next(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        first = (await stream.next("request_headers")) and stream.attempt == 1
        where = {CLUSTER: envoy.refused if first else envoy.cluster}
        await stream.say(request_headers(headers=where, reroute=True))
        if first:
            headers, _ = await stream.answer()
            assert (headers[":status"], headers[RETRY]) == ("503", "UF")
            await stream.say(refusal(503, b"{}", {RETRY: "1"}))
        else:
            await stream.pass_on()

    envoy.play(script, says(b"bye"))
    assert (await talk(envoy))[1] == b"bye"
    assert len(envoy.extproc.streams) == 2


async def test_a_refusal_reaches_worker_and_client_whole(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await depart(stream, envoy.cluster)
        _, body = await stream.answer()
        await stream.say(refusal(401, b"said: " + body))

    envoy.play(script, lambda exchange: exchange.reply(b"no", "401 Unauthorized"))
    answer = await refused(envoy)
    assert (answer.status, answer.body) == (401, b"said: no")


async def test_a_worker_that_does_not_route_lets_nobody_through(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(request_headers(), response_headers())
        await stream.next()

    envoy.play(script)
    assert (await refused(envoy)).status == 503
    assert envoy.upstream.exchanges == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/key/list")],
)
async def test_nothing_else_can_be_upgraded(envoy: Gateway, method: str, path: str) -> None:
    assert (await refused(envoy, path, method)).status == 403
    assert envoy.extproc.streams == []


async def test_a_client_that_leaves_ends_both_sides(envoy: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await depart(stream, envoy.cluster)
        await stream.pass_on()

    async def upstream(exchange: Exchange) -> None:
        await exchange.send(SWITCHED)
        await exchange.closed()
        exchange.ended = "closed"

    envoy.play(script, upstream)
    client = await handshake(envoy)
    assert await read_head(client.reader)
    client.close()
    await until(lambda: bool(envoy.extproc.streams[0].ended))
    await until(lambda: envoy.upstream.exchanges[0].ended == "closed")


async def test_a_tls_host_that_prefers_http2_is_asked_in_http1() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    there = ScriptedUpstream()
    there.handler = says(b"bye")
    server = await asyncio.start_server(there.connected, "127.0.0.1", 0, ssl=context)
    target = Upstream("https", "127.0.0.1", server.sockets[0].getsockname()[1], verify=False)
    assert target.tunnel_cluster != target.cluster

    async def script(stream: Stream) -> None:
        await depart(stream, target.tunnel_cluster)
        await stream.pass_on()

    async with gateway() as envoy:
        files.replace(envoy.options.clusters_file, upstreams.clusters([target], envoy.options))
        envoy.play(script)
        for _ in range(CEILING * 10):
            if (await talk(envoy))[1] == b"bye":
                break
            await asyncio.sleep(0.1)  # until Envoy has read its new cluster
        else:
            pytest.fail("no session")
    server.close()


async def test_somebody_elses_envoy_opens_sessions_too() -> None:
    async with foreign_gateway() as envoy:

        async def script(stream: Stream) -> None:
            await depart(stream, envoy.cluster)
            await stream.pass_on()

        async def upstream(exchange: Exchange) -> None:
            await exchange.send(SWITCHED + b"welcome")
            await exchange.closed()

        envoy.play(script, upstream)
        client = await handshake(envoy)
        assert await read_head(client.reader)
        assert await client.reader.readexactly(7) == b"welcome"
        client.close()

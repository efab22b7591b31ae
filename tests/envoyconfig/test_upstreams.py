"""Providers' hosts: verified TLS, the proxy, and new ones while Envoy runs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryResponse

from extproc.domain.deployment import Upstream
from extproc.domain.headers import RETRY
from extproc.envoyconfig import files, upstreams
from tests.envoyconfig.http1 import CEILING, Answer, Exchange, ScriptedUpstream, read_head
from tests.envoyconfig.messages import piece, response_headers
from tests.envoyconfig.probe import Gateway, Stream, gateway, options

NAME = "localhost"
ADDRESS = "127.0.0.1"


@asynccontextmanager
async def tls_upstream(ca: trustme.CA, *names: str) -> AsyncIterator[ScriptedUpstream]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(*names).configure_cert(context)
    upstream = ScriptedUpstream()

    async def answer(exchange: Exchange) -> None:
        name = exchange.writer.get_extra_info("ssl_object").sni_seen
        await exchange.reply(str(name).encode())

    def remember(socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        socket.sni_seen = name

    context.sni_callback = remember
    upstream.handler = answer
    server = await asyncio.start_server(upstream.connected, "127.0.0.1", 0, ssl=context)
    upstream.port = server.sockets[0].getsockname()[1]
    yield upstream
    server.close()


async def ask(envoy: Gateway, target: Upstream) -> Answer:
    """One call through `target`; a failure is final."""
    files.replace(envoy.options.clusters_file, upstreams.clusters([target], envoy.options))

    async def script(stream: Stream) -> None:
        await stream.route(target.cluster)
        _, body = await stream.answer()
        await stream.say(response_headers(remove=[RETRY]), piece(body, end=True))

    envoy.play(script)
    async with asyncio.timeout(CEILING):
        while True:
            answer = await envoy.ask()
            if b"cluster_not_found" not in answer.body:
                return answer
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


async def test_tls_is_verified_and_a_new_host_needs_no_restart(
    ca: trustme.CA, ca_file: str
) -> None:
    async with gateway(ca_file=ca_file) as envoy, tls_upstream(ca, NAME) as right:
        answer = await ask(envoy, Upstream("https", NAME, right.port))
        assert (answer.status, answer.body) == (200, NAME.encode())


async def test_another_name_or_another_authority_is_refused(ca: trustme.CA, ca_file: str) -> None:
    stranger = trustme.CA()
    async with (
        gateway(ca_file=ca_file) as envoy,
        tls_upstream(ca, "other.test") as wrong_name,
        tls_upstream(stranger, ADDRESS) as wrong_ca,
    ):
        for upstream in (wrong_name, wrong_ca):
            answer = await ask(envoy, Upstream("https", ADDRESS, upstream.port))
            assert answer.status == 503
            assert "CERTIFICATE_VERIFY_FAILED" in answer.json["error"]["message"]
        unverified = Upstream("https", ADDRESS, wrong_ca.port, verify=False)
        assert (await ask(envoy, unverified)).status == 200


async def test_an_upstreams_own_authority_counts(ca: trustme.CA, ca_file: str) -> None:
    async with gateway() as envoy, tls_upstream(ca, ADDRESS) as upstream:
        target = Upstream("https", ADDRESS, upstream.port, ca_file=ca_file)
        answer = await ask(envoy, target)
        assert (answer.status, answer.body) == (200, b"None")


async def test_tls_goes_through_the_proxy(ca: trustme.CA, ca_file: str) -> None:
    asked: list[str] = []

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert head
        asked.append(head[0])
        there, onward = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(copy(reader, onward), copy(there, writer), return_exceptions=True)

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    async with (
        tls_upstream(ca, NAME) as upstream,
        gateway(ca_file=ca_file, https_proxy=address) as envoy,
    ):
        answer = await ask(envoy, Upstream("https", NAME, upstream.port))
        assert answer.body == NAME.encode()
    proxy.close()
    assert asked == [f"CONNECT {NAME}:{upstream.port} HTTP/1.1"]


def test_the_same_upstreams_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = Upstream("http", "a.test", 80), Upstream("https", "b.test", 443)
    chosen = options(tmp_path)
    first = upstreams.clusters([one, two, one], chosen)
    assert first == upstreams.clusters([two, one], chosen)
    named = [each.unpack().name for each in DiscoveryResponse.parse(first).resources]
    assert len([name for name in named if name.startswith("up_a_test")]) == 1


@pytest.mark.parametrize(
    "url", ["https://192.0.2.1:3128", "http://user:pw@192.0.2.1:3128", "http://proxy.test:3128"]
)
def test_a_proxy_envoy_cannot_use_is_refused_with_advice(url: str) -> None:
    with pytest.raises(ValueError, match="HTTPS_PROXY must be"):
        upstreams.proxy_address(url)

"""The gateway's parts in somebody else's Envoy, driven for real."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from extproc.domain.deployment import Upstream
from extproc.domain.headers import CLUSTER, RETRY
from extproc.envoyconfig import foreign
from tests.envoyconfig.messages import piece, refusal, response_headers
from tests.envoyconfig.probe import Gateway, Stream, foreign_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theirs() -> AsyncIterator[Gateway]:
    async with foreign_gateway() as built:
        yield built


async def test_a_worker_routes_and_its_answer_is_final(theirs: Gateway) -> None:
    async def script(stream: Stream) -> None:
        assert await stream.route(theirs.cluster, body=b"changed") == b"{}"
        await stream.answer()
        await stream.say(response_headers(headers={RETRY: "1"}), piece(b"ok", end=True))

    theirs.play(script, lambda exchange: exchange.reply(b"theirs"))
    forged = [f"{CLUSTER}: {theirs.cluster}", "x-gateway-else: 1", "x-envoy-attempt-count: 7"]
    answer = await theirs.ask(headers=forged)
    assert (answer.status, answer.body) == (200, b"ok")
    assert [name for name, _ in answer.headers if name.startswith("x-gateway-")] == []
    (stream,) = theirs.extproc.streams
    assert not {CLUSTER, "x-gateway-else", "x-envoy-attempt-count"} & stream.headers.keys()
    (seen,) = theirs.upstream.exchanges
    assert seen.body == b"changed"
    assert [name for name, _ in seen.headers if name.startswith("x-gateway-")] == []


async def test_a_refusal_passes_as_it_is(theirs: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.next("request_headers")
        await stream.say(refusal(401, b'{"error":{}}'))

    theirs.play(script)
    answer = await theirs.ask()
    assert (answer.status, answer.body) == (401, b'{"error":{}}')


async def test_twenty_megabytes_fit(theirs: Gateway) -> None:
    async def script(stream: Stream) -> None:
        await stream.route(theirs.cluster)
        await stream.answer()
        await stream.say(response_headers(), piece(b"ok", end=True))

    theirs.play(script, lambda exchange: exchange.reply(b"ok"))
    assert (await theirs.ask(b"x" * 20_000_000)).status == 200
    assert len(theirs.upstream.exchanges[0].body) == 20_000_000


async def test_nothing_goes_round_a_worker_that_is_away() -> None:
    async with foreign_gateway(worker=False) as theirs:
        answer = await theirs.ask(headers=[f"{CLUSTER}: {theirs.cluster}"])
        assert answer.status == 503
        assert theirs.upstream.exchanges == []


async def test_the_clusters_are_the_workers_and_the_hosts(theirs: Gateway) -> None:
    target = Upstream("https", "api.provider.test", 443)
    names = [cluster.name for cluster in foreign.clusters([target], theirs.options)]
    assert names == ["extproc", target.cluster, target.tunnel_cluster]

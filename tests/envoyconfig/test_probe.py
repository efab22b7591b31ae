"""The no-op server has every phase, so that it can stand for the floor in a measurement."""

import pytest

from tests.envoyconfig.probe import Noop, gateway, serve


async def test_noop_passes_every_phase_through() -> None:
    async with gateway(worker=False) as envoy:
        envoy.play(handler=lambda exchange: exchange.reply(b"theirs"))
        async with serve(Noop(envoy.cluster), envoy.options.worker_sockets[0]):
            answer = await envoy.ask(b'{"a":1}')
            assert (answer.status, answer.body) == (200, b"theirs")
            assert envoy.upstream.exchanges[0].body == b'{"a":1}'


@pytest.mark.parametrize("lost", [0, 1])
async def test_of_two_workers_the_living_one_serves(lost: int) -> None:
    async with gateway(worker=False, workers=2) as envoy:
        envoy.play(handler=lambda exchange: exchange.reply(b"theirs"))
        async with serve(Noop(envoy.cluster), envoy.options.worker_sockets[1 - lost]):
            assert {(await envoy.ask()).status for _ in range(20)} == {200}

"""One Envoy a module, between a scripted worker and a scripted upstream."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.envoyconfig.probe import Gateway, gateway

FIRST_BYTE_SECONDS = 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Gateway]:
    async with gateway(first_byte_seconds=FIRST_BYTE_SECONDS) as built:
        yield built


@pytest_asyncio.fixture(loop_scope="module")
async def envoy(running: Gateway) -> AsyncIterator[Gateway]:
    """The module's Envoy with nothing scripted yet; a script that failed fails the test."""
    running.play()
    yield running
    assert running.extproc.errors == []

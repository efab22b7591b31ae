"""Which credential a provider is shown."""

from extproc.clients.credentials import sign
from tests.calls import deployment


async def test_deployment_key_is_a_bearer_token() -> None:
    assert await sign(deployment(api_key="k")) == {"authorization": "Bearer k"}


async def test_deployment_without_key_shows_nothing() -> None:
    assert await sign(deployment(api_key=None)) == {}

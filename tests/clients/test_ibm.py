"""watsonx's keys and IAM's tokens."""

import time
from collections.abc import Iterator, Mapping

import pytest

from extproc.clients.ibm import GRANT, WatsonxSigner
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.calls import deployment
from tests.clients.endpoints import TokenServer, token_server

KEY = "the-api-key"


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def departing(key: str | None, secrets: Mapping[str, str]) -> Departure:
    to = deployment(auth="watsonx", api_key=key, secrets=secrets)
    return Departure(to, "POST", "/ml/v1/x", {}, b"{}")


async def shown(
    key: str | None, secrets: Mapping[str, str] | None = None, **environ: str
) -> Mapping[str, str]:
    return await WatsonxSigner(Tokens(time.time), environ)(departing(key, secrets or {}))


async def failure(key: str | None, **environ: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await shown(key, **environ)
    assert KEY not in caught.value.message
    return caught.value


async def test_a_key_is_exchanged_once(server: TokenServer) -> None:
    sign = WatsonxSigner(Tokens(time.time), {"WATSONX_IAM_URL": f"{server.url}/identity/token"})
    for _ in range(3):
        assert await sign(departing(KEY, {})) == {"authorization": "Bearer token-1"}
    (asked,) = server.asked
    assert asked.path == "/identity/token"
    assert asked.form == {"grant_type": GRANT, "apikey": KEY}


async def test_a_token_of_the_operator_s_is_shown_as_it_is() -> None:
    assert await shown(KEY, {"token": "own"}) == {"authorization": "Bearer own"}


async def test_an_installation_s_key_is_shown_as_it_is() -> None:
    zen = {"authorization": "ZenApiKey dTpr"}
    assert await shown(KEY, {"zen_api_key": "dTpr"}) == zen
    assert await shown(None, WATSONX_ZENAPIKEY="dTpr") == zen


async def test_without_a_key_that_is_said() -> None:
    error = await failure(None)
    assert error.status == 401
    assert "there is no api_key" in error.message


async def test_an_unknown_key_is_the_provider_s_401(server: TokenServer) -> None:
    server.status = 400
    server.body = f'{{"errorCode": "BXNIM0415E", "errorMessage": "Provided API key {KEY} is bad."}}'
    error = await failure(KEY, WATSONX_IAM_URL=server.url)
    assert isinstance(error, ProviderError)
    assert error.message.endswith("400: BXNIM0415E: Provided API key *** is bad.")


@pytest.mark.parametrize(("status", "body"), [(200, "{"), (503, "")])
async def test_an_endpoint_that_fails_is_unavailable(
    server: TokenServer, status: int, body: str
) -> None:
    server.status, server.body = status, body
    assert isinstance(await failure(KEY, WATSONX_IAM_URL=server.url), Unavailable)


async def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    error = await failure(KEY, WATSONX_IAM_URL="http://127.0.0.1:9/token")
    assert isinstance(error, Unavailable)

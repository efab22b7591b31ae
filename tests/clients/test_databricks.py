"""Databricks' tokens, personal and of service principals."""

import ssl
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from extproc.clients.databricks import DatabricksSigner
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.domain.deployment import Upstream
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.calls import deployment
from tests.clients.endpoints import TokenServer, token_server

PRINCIPAL = {"client_id": "the-client", "client_secret": "the-secret"}
GONE = Upstream("http", "127.0.0.1", 9)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def workspace(server: TokenServer, ca_file: str | None = None) -> Upstream:
    scheme, _, rest = server.url.partition("://")
    host, _, port = rest.partition(":")
    return Upstream(scheme, host, int(port), True, ca_file)


async def shown(
    at: Upstream, secrets: Mapping[str, str] = PRINCIPAL, key: str | None = None
) -> Mapping[str, str]:
    to = deployment(auth="databricks", api_key=key, secrets=secrets, upstream=at)
    sign = DatabricksSigner(Tokens(time.time), {})
    return await sign(Departure(to, "POST", "/serving-endpoints/x", {}, b"{}"))


async def failure(at: Upstream, secrets: Mapping[str, str] = PRINCIPAL) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await shown(at, secrets)
    assert "the-secret" not in caught.value.message
    return caught.value


async def test_a_personal_token_is_shown_as_it_is() -> None:
    assert await shown(GONE, PRINCIPAL, "dapi-1") == {"authorization": "Bearer dapi-1"}


async def test_a_principal_s_secret_is_exchanged_at_the_workspace(server: TokenServer) -> None:
    assert await shown(workspace(server)) == {"authorization": "Bearer token-1"}
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/oidc/v1/token")
    assert asked.form == {"grant_type": "client_credentials", "scope": "all-apis"}
    kind, _, basic = asked.headers["authorization"].partition(" ")
    assert (kind, b64decode(basic)) == ("Basic", b"the-client:the-secret")


async def test_the_workspace_s_own_authority_counts(tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with token_server(context) as server:
        assert isinstance(await failure(workspace(server)), Unavailable)
        trusting = workspace(server, str(tmp_path / "ca.pem"))
        assert await shown(trusting) == {"authorization": "Bearer token-1"}


@pytest.mark.parametrize("missing", PRINCIPAL)
async def test_what_is_missing_is_named(missing: str) -> None:
    error = await failure(GONE, {name: v for name, v in PRINCIPAL.items() if name != missing})
    assert error.status == 401
    assert "there is no api_key, and no client_id with a client_secret" in error.message


async def test_a_refused_secret_is_the_provider_s_401(server: TokenServer) -> None:
    server.status = 401
    server.body = '{"error": "invalid_client", "error_description": "the-secret? No."}'
    error = await failure(workspace(server))
    assert isinstance(error, ProviderError)
    assert error.message.endswith("401: invalid_client: ***? No.")


@pytest.mark.parametrize(("status", "body"), [(200, "null"), (502, "<html>")])
async def test_an_endpoint_that_fails_is_unavailable(
    server: TokenServer, status: int, body: str
) -> None:
    server.status, server.body = status, body
    assert isinstance(await failure(workspace(server)), Unavailable)


async def test_a_workspace_that_is_not_there_is_unavailable() -> None:
    assert isinstance(await failure(GONE), Unavailable)

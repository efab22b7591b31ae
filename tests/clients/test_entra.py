"""Azure's keys and Entra's tokens."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from extproc.clients.entra import ASSERTION_TYPE, SCOPE, EntraSigner
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.domain.deployment import Upstream
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.calls import deployment
from tests.clients.endpoints import TokenServer, token_server

CLIENT = {"tenant_id": "the-tenant", "client_id": "the-client", "client_secret": "the-secret"}


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def departing(
    secrets: Mapping[str, str], key: str | None = None, schema: str = "azure", host: str = "a.test"
) -> Departure:
    to = deployment(
        auth="azure",
        schema=schema,
        api_key=key,
        secrets=secrets,
        upstream=Upstream("https", host, 443),
    )
    return Departure(to, "POST", "/openai/x", {}, b"{}")


async def shown(secrets: Mapping[str, str], **environ: str) -> Mapping[str, str]:
    return await EntraSigner(Tokens(time.time), environ)(departing(secrets))


async def failure(secrets: Mapping[str, str], **environ: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await shown(secrets, **environ)
    for value in ("the-secret", "the-password", "the-assertion"):
        assert value not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("schema", "host", "header"),
    [
        ("azure", "x.openai.azure.com", {"api-key": "k"}),
        ("azure", "proxy.test", {"api-key": "k"}),
        ("azure_ai", "x.services.ai.azure.com", {"api-key": "k"}),
        ("azure_ai", "x.eastus.models.ai.azure.com", {"authorization": "Bearer k"}),
    ],
)
async def test_a_key_is_shown_as_its_host_wants_it(
    schema: str, host: str, header: Mapping[str, str]
) -> None:
    sign = EntraSigner(Tokens(time.time), {})
    assert await sign(departing(CLIENT, "k", schema, host)) == header


async def test_a_token_of_the_operator_s_is_shown_as_it_is() -> None:
    assert await shown({**CLIENT, "azure_ad_token": "own"}) == {"authorization": "Bearer own"}


async def test_a_client_s_secret_is_exchanged(server: TokenServer) -> None:
    got = await shown(CLIENT, AZURE_AUTHORITY_HOST=server.url)
    assert got == {"authorization": "Bearer token-1"}
    asked = server.asked[0]
    assert asked.path == "/the-tenant/oauth2/v2.0/token"
    assert asked.form == {
        "grant_type": "client_credentials",
        "client_id": "the-client",
        "client_secret": "the-secret",
        "scope": SCOPE,
    }


async def test_scope_and_tenant_are_the_operator_s(server: TokenServer) -> None:
    secrets = {**CLIENT, "tenant_id": "a/b", "azure_scope": "https://own.test/.default"}
    await shown(secrets, AZURE_AUTHORITY_HOST=f"{server.url}/")
    assert server.asked[0].path == "/a%2Fb/oauth2/v2.0/token"
    assert server.asked[0].form["scope"] == "https://own.test/.default"


async def test_a_person_s_password_is_exchanged(server: TokenServer) -> None:
    secrets = {"client_id": "c", "azure_username": "u", "azure_password": "the-password"}
    await shown(secrets, AZURE_AUTHORITY_HOST=server.url)
    assert server.asked[0].path == "/organizations/oauth2/v2.0/token"
    assert server.asked[0].form == {
        "grant_type": "password",
        "client_id": "c",
        "username": "u",
        "password": "the-password",
        "scope": SCOPE,
    }


async def test_a_cluster_s_assertion_is_read_anew_for_every_token(
    server: TokenServer, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    environ = {"AZURE_AUTHORITY_HOST": server.url, "AZURE_FEDERATED_TOKEN_FILE": str(file)}
    secrets = {"tenant_id": "t", "client_id": "c"}
    for number in ("1", "2"):
        file.write_text(f"the-assertion-{number}\n")
        await shown(secrets, **environ)
    forms = [asked.form for asked in server.asked]
    assert [form["client_assertion"] for form in forms] == ["the-assertion-1", "the-assertion-2"]
    assert forms[0]["client_assertion_type"] == ASSERTION_TYPE
    file.unlink()
    assert "cannot be read" in (await failure(secrets, **environ)).message


async def test_the_machine_s_identity_is_asked_last(server: TokenServer) -> None:
    server.lives_seconds = "86399"
    await shown({"client_id": "c"}, AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url)
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/metadata/identity/oauth2/token")
    assert asked.query == {
        "api-version": "2018-02-01",
        "resource": "https://cognitiveservices.azure.com",
        "client_id": "c",
    }
    assert asked.headers["metadata"] == "true"


async def test_a_container_s_identity_is_asked_where_its_platform_says(
    server: TokenServer,
) -> None:
    await shown({}, IDENTITY_ENDPOINT=f"{server.url}/msi/token", IDENTITY_HEADER="proof")
    asked = server.asked[0]
    assert (asked.path, asked.query["api-version"]) == ("/msi/token", "2019-08-01")
    assert asked.headers["x-identity-header"] == "proof"


async def test_a_machine_without_an_identity_says_what_else_can_be_given() -> None:
    error = await failure({}, AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9")
    assert isinstance(error, Unavailable)
    assert "there is no api_key, azure_ad_token" in error.message


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ({"client_secret": "the-secret"}, "tenant_id, client_id and client_secret"),
        ({**CLIENT, "tenant_id": ""}, "tenant_id, client_id and client_secret"),
        ({"azure_password": "the-password"}, "azure_username, client_id and azure_password"),
        ({"azure_ad_token": "oidc/x"}, "oidc/"),
    ],
)
async def test_what_is_missing_is_named(secrets: Mapping[str, str], why: str) -> None:
    error = await failure(secrets)
    assert error.status == 401
    assert why in error.message


async def test_a_refused_secret_is_the_provider_s_401(server: TokenServer) -> None:
    server.status = 401
    server.body = (
        '{"error": "invalid_client", "error_description": '
        '"AADSTS7000215: Invalid client secret the-secret.\\r\\nTrace ID: 1"}'
    )
    error = await failure(CLIENT, AZURE_AUTHORITY_HOST=server.url)
    assert isinstance(error, ProviderError)
    assert "401: invalid_client: AADSTS7000215: Invalid client secret ***." in error.message


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (500, "{}"), (429, "")])
async def test_an_endpoint_that_fails_is_unavailable(
    server: TokenServer, status: int, body: str
) -> None:
    server.status, server.body = status, body
    assert isinstance(await failure(CLIENT, AZURE_AUTHORITY_HOST=server.url), Unavailable)


async def test_deployments_of_one_client_share_its_token(server: TokenServer) -> None:
    sign = EntraSigner(Tokens(time.time), {"AZURE_AUTHORITY_HOST": server.url})
    hosts = ["a.test", "b.test"] * 10
    got = await asyncio.gather(*(sign(departing(CLIENT, host=host)) for host in hosts))
    assert got == [{"authorization": "Bearer token-1"}] * 20
    other = await sign(departing({**CLIENT, "client_id": "other"}))
    assert other == {"authorization": "Bearer token-2"}
    assert len(server.asked) == 2

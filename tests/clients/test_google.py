"""Google's tokens, of every kind of credential."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from extproc.clients.google import SCOPE, TOKEN_URL, GoogleSigner
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.calls import deployment
from tests.clients.endpoints import TokenServer, token_server

NOWHERE = {"HOME": "/nonexistent", "GCE_METADATA_HOST": "127.0.0.1:9"}
USER = {
    "type": "authorized_user",
    "client_id": "the-client",
    "client_secret": "the-client-secret",
    "refresh_token": "the-refresh-token",
}

Info = dict[str, Any]


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    kind, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, none).decode()


def public(key: rsa.RSAPrivateKey) -> bytes:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind)


@pytest.fixture
def account(key: rsa.RSAPrivateKey, server: TokenServer) -> Info:
    return {
        "type": "service_account",
        "project_id": "the-project",
        "private_key_id": "key-1",
        "private_key": pem(key),
        "client_email": "gateway@the-project.iam.gserviceaccount.com",
        "token_uri": f"{server.url}/token",
    }


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def departing(credentials: str = "") -> Departure:
    secrets = {"vertex_credentials": credentials} if credentials else {}
    return Departure(deployment(auth="google", secrets=secrets), "POST", "/v1/x", {}, b"{}")


def signer(environ: Mapping[str, str] = NOWHERE, clock: Clock | None = None) -> GoogleSigner:
    return GoogleSigner(Tokens(clock or Clock()), environ)


async def shown(credentials: str = "", environ: Mapping[str, str] = NOWHERE) -> Mapping[str, str]:
    return await signer(environ)(departing(credentials))


async def failure(credentials: str, environ: Mapping[str, str] = NOWHERE) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await shown(credentials, environ)
    return caught.value


async def test_a_service_account_signs_an_assertion_for_the_token(
    account: Info, server: TokenServer, key: rsa.RSAPrivateKey
) -> None:
    assert await shown(json.dumps(account)) == {"authorization": "Bearer token-1"}
    form = server.asked[0].form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], certs=public(key), audience=TOKEN_URL)
    assert claims["iss"] == account["client_email"]
    assert claims["scope"] == SCOPE
    assert claims["exp"] - claims["iat"] == 3600


async def test_the_credentials_may_be_in_a_file(
    account: Info, server: TokenServer, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account))
    assert await shown(str(file)) == {"authorization": "Bearer token-1"}


async def test_a_token_is_kept_until_it_is_over(account: Info, server: TokenServer) -> None:
    clock = Clock()
    sign = signer(clock=clock)
    departure = departing(json.dumps(account))
    for _ in range(3):
        assert await sign(departure) == {"authorization": "Bearer token-1"}
    clock.ahead = 3599
    assert await sign(departure) == {"authorization": "Bearer token-2"}


async def test_a_person_s_refresh_token_is_exchanged(server: TokenServer) -> None:
    user = {**USER, "token_uri": f"{server.url}/token"}
    assert await shown(json.dumps(user)) == {"authorization": "Bearer token-1"}
    sent = {"grant_type": "refresh_token", **{k: v for k, v in USER.items() if k != "type"}}
    assert server.asked[0].form == sent


async def test_gcloud_s_file_serves_where_nothing_is_given(
    server: TokenServer, tmp_path: Path
) -> None:
    folder = tmp_path / ".config/gcloud"
    folder.mkdir(parents=True)
    user = {**USER, "token_uri": f"{server.url}/token"}
    (folder / "application_default_credentials.json").write_text(json.dumps(user))
    assert await shown("", {"HOME": str(tmp_path)}) == {"authorization": "Bearer token-1"}
    named = {"HOME": "/nonexistent", "CLOUDSDK_CONFIG": str(folder)}
    assert await shown("", named) == {"authorization": "Bearer token-2"}


async def test_a_workload_s_own_token_is_exchanged(server: TokenServer, tmp_path: Path) -> None:
    subject = tmp_path / "subject"
    subject.write_text("a-subject-token")
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{server.url}/v1/token",
        "credential_source": {"file": str(subject)},
    }
    assert await shown(json.dumps(info)) == {"authorization": "Bearer token-1"}
    form = server.asked[0].form
    assert form["subject_token"] == "a-subject-token"
    assert (form["audience"], form["scope"]) == (info["audience"], SCOPE)
    subject.unlink()
    assert isinstance(await failure(json.dumps(info)), ProviderError)


async def test_the_machine_s_own_account_is_asked_last(server: TokenServer) -> None:
    environ = {**NOWHERE, "GCE_METADATA_HOST": server.url.removeprefix("http://")}
    assert await shown("", environ) == {"authorization": "Bearer token-1"}
    asked = server.asked[0]
    assert asked.path == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert (asked.method, asked.headers["metadata-flavor"]) == ("GET", "Google")


async def test_with_no_credentials_at_all_that_is_said() -> None:
    error = await failure("")
    assert isinstance(error, Unavailable)
    assert "there are no vertex_credentials" in error.message


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        ("{", "vertex_credentials: this is not JSON"),
        ("/nonexistent/file.json", "cannot be read"),
        ("\0", "cannot be read"),
        ("{}", "is none of authorized_user, service_account"),
        ('{"type": "unheard_of"}', "is none of"),
        ('{"type": ["service_account"]}', "is none of"),
        ('{"type": "service_account"}', "service_account: "),
        ('{"type": "external_account"}', "external_account: "),
        ('{"type": "impersonated_service_account"}', "impersonated_service_account: "),
        ('{"type": "external_account_authorized_user"}', "external_account_authorized_user: "),
        ('{"type": "authorized_user", "client_id": "c"}', "lack client_secret, refresh_token"),
    ],
)
async def test_credentials_that_cannot_be_used_are_refused(credentials: str, why: str) -> None:
    error = await failure(credentials)
    assert (error.status, error.type) == (401, "authentication_error")
    assert why in error.message


async def test_a_key_that_is_none_is_refused_unquoted(account: Info) -> None:
    account["private_key"] = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    error = await failure(json.dumps(account))
    assert error.status == 401
    assert "c2VjcmV0" not in error.message


async def test_a_refused_assertion_is_the_provider_s_401(
    account: Info, server: TokenServer
) -> None:
    server.status = 400
    server.body = '{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
    error = await failure(json.dumps(account))
    assert error.status == 401
    assert error.message.endswith("service_account: invalid_grant: Invalid JWT Signature.")


async def test_nothing_that_was_sent_is_quoted(
    account: Info, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.status, server.body = 400, json.dumps({"error": "invalid_grant", **account})
    spoken = (await failure(json.dumps(account))).message
    user = {**USER, "token_uri": f"{server.url}/token"}
    server.body = json.dumps(
        {"error": "the-refresh-token", "error_description": "the-client-secret"}
    )
    spoken += (await failure(json.dumps(user))).message
    written = [*account["private_key"].split("\n")[1:-2], "the-refresh-token", "the-client-secret"]
    for secret in [*written, *(asked.form.get("assertion", "none") for asked in server.asked[:1])]:
        assert secret not in spoken
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", "{}", '{"access_token": 5}', '{"access_token": "a\\nb"}', b"\xff"],
)
async def test_an_answer_without_a_token_is_no_token(
    account: Info, server: TokenServer, body: str | bytes
) -> None:
    server.body = body
    assert (await failure(json.dumps(account))).status in (401, 503)


async def test_an_endpoint_that_is_not_there_is_unavailable(account: Info) -> None:
    account["token_uri"] = "http://127.0.0.1:9/token"
    error = await failure(json.dumps(account))
    assert isinstance(error, Unavailable)
    assert "service_account: the token endpoint cannot be reached" in error.message


async def test_a_secret_is_not_sent_on_to_where_an_endpoint_redirects(
    account: Info, server: TokenServer
) -> None:
    with token_server() as elsewhere:
        server.status, server.location = 307, elsewhere.url
        assert "leads elsewhere" in (await failure(json.dumps(account))).message
        assert elsewhere.asked == []

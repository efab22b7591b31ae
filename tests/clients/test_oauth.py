"""How tokens are asked for."""

import logging
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
import trustme
from urllib3.exceptions import InsecureRequestWarning

from extproc.clients.oauth import Endpoint, asked, session
from extproc.clients.tokens import Token
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.clients.endpoints import TokenServer, token_server

NOW = 1_700_000_000.0
SECRET = "a-secret-of-the-operator"
FORM = {"grant_type": "client_credentials", "client_secret": SECRET}
REFUSED_PORT = "http://127.0.0.1:9"

plain = partial(session, {}, None)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def endpoint(url: str, opener: Callable[[], requests.Session] = plain) -> Endpoint:
    return Endpoint("Cloud", url, opener, secrets=(SECRET,), patience_seconds=0.3)


def failure(url: str, opener: Callable[[], requests.Session] = plain) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        asked(endpoint(url, opener), FORM, NOW)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("lives", [3600, "3600", 3600.7])
def test_a_token_and_its_end(server: TokenServer, lives: object) -> None:
    server.lives_seconds = lives
    assert asked(endpoint(server.url), FORM, NOW) == Token("token-1", NOW + 3600)
    assert server.asked[0].form == FORM
    assert server.asked[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        '{"access_token": ""}',
        '{"access_token": 1}',
        '{"access_token": "a\\nb"}',
        '{"access_token": "ü"}',
        '{"access_token": "a", "expires_in": "soon"}',
        '{"access_token": "a", "expires_in": null}',
        '{"access_token": "a", "expires_in": 1e999}',
        '{"access_token": "' + "a" * 2_000_000 + '"}',
    ],
    ids=lambda body: body[:30] or "empty",
)
def test_an_answer_without_a_token_is_unavailable(server: TokenServer, body: str) -> None:
    server.body = body
    error = failure(server.url)
    assert isinstance(error, Unavailable)
    assert "answered without a token" in error.message


def test_a_token_of_unknown_end_is_used_for_a_while(server: TokenServer) -> None:
    server.body = '{"access_token": "a"}'
    assert asked(endpoint(server.url), FORM, NOW) == Token("a", NOW + 300)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_the_provider_s_401(server: TokenServer, status: int) -> None:
    server.status = status
    server.body = f'{{"error": "invalid_client", "error_description": "not {SECRET}\\nat all"}}'
    error = failure(server.url)
    assert isinstance(error, ProviderError)
    assert (error.status, error.type) == (401, "authentication_error")
    assert error.message.endswith(f" answered {status}: invalid_client: not *** at all")


def test_what_looks_like_a_key_is_not_quoted(server: TokenServer) -> None:
    server.status = 401
    assertion = f"{'h' * 20}.{'p' * 40}.{'s' * 20}"
    server.body = f'{{"error": "invalid_grant", "error_description": "assertion {assertion}"}}'
    assert failure(server.url).message.endswith("invalid_grant: assertion ***")


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"error": {"a": 1}}'])
def test_a_refusal_without_words_tells_its_status(server: TokenServer, body: str) -> None:
    server.status, server.body = 401, body
    assert failure(server.url).message.endswith(" answered 401")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_endpoint_is_unavailable(server: TokenServer, status: int) -> None:
    server.status = status
    assert isinstance(failure(server.url), Unavailable)


def test_a_secret_is_not_sent_on_to_where_an_endpoint_redirects(server: TokenServer) -> None:
    with token_server() as elsewhere:
        server.status, server.location = 307, f"{elsewhere.url}/token"
        assert "leads elsewhere" in failure(server.url).message
        assert elsewhere.asked == []


def test_a_silent_endpoint_is_given_up(server: TokenServer) -> None:
    server.gate.clear()
    error = failure(server.url)
    server.gate.set()
    assert isinstance(error, Unavailable)
    assert "gives no answer" in error.message


@pytest.mark.parametrize(
    ("url", "why"),
    [(REFUSED_PORT, "127.0.0.1:9 cannot be reached"), ("nothing", "(MissingSchema)")],
)
def test_an_endpoint_that_is_not_there_is_unavailable(url: str, why: str) -> None:
    error = failure(url)
    assert isinstance(error, Unavailable)
    assert why in error.message


def test_nothing_secret_is_in_a_repr(server: TokenServer) -> None:
    told = Endpoint("Cloud", server.url, plain, {"authorization": SECRET}, (SECRET,))
    assert SECRET not in repr(told)
    assert SECRET not in repr(Token(SECRET, NOW))


def test_nothing_secret_is_logged(server: TokenServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked(endpoint(server.url), FORM, NOW)
    assert caplog.messages
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text


# --- TLS


def serving(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def written(ca: trustme.CA, folder: Path, name: str) -> str:
    ca.cert_pem.write_to_path(folder / name)
    return str(folder / name)


def test_the_deployment_s_authority_counts_beside_the_usual(tmp_path: Path) -> None:
    usual, own, strange = trustme.CA(), trustme.CA(), trustme.CA()
    environ = {"SSL_CERT_FILE": written(usual, tmp_path, "usual.pem")}
    both = partial(session, environ, written(own, tmp_path, "own.pem"))
    for ca in (usual, own):
        with token_server(serving(ca)) as server:
            assert asked(endpoint(server.url, both), FORM, NOW).value == "token-1"
    with token_server(serving(strange)) as server:
        assert "not trusted" in failure(server.url, both).message
        with pytest.warns(InsecureRequestWarning):
            asked(endpoint(server.url, partial(session, {}, None, False)), FORM, NOW)


def test_only_the_usual_authorities_count_without_one(tmp_path: Path) -> None:
    with token_server(serving(trustme.CA())) as server:
        assert "not trusted" in failure(server.url).message


def test_an_authority_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with token_server(serving(trustme.CA())) as server:
        error = failure(server.url, partial(session, {}, str(tmp_path / "missing.pem")))
    assert "(FileNotFoundError)" in error.message


def test_the_way_goes_through_the_proxy_of_the_environment(tmp_path: Path) -> None:
    """Which here is no proxy: nobody listens there."""
    own = trustme.CA()
    environ = {"HTTPS_PROXY": REFUSED_PORT}
    opener = partial(session, environ, written(own, tmp_path, "own.pem"))
    with token_server(serving(own)) as server:
        assert isinstance(failure(server.url, opener), Unavailable)
        assert server.asked == []

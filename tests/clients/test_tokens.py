"""How tokens are asked for, and how long they are kept."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
import trustme
from urllib3.exceptions import InsecureRequestWarning

from extproc.clients.tokens import (
    AGAIN_SECONDS,
    MOST_KEPT,
    Endpoint,
    Token,
    Tokens,
    asked,
    session,
)
from extproc.errors import GatewayError, ProviderError, Unavailable
from tests.clients.endpoints import TokenServer, token_server
from tests.servers import eventually

NOW = 1_700_000_000.0
SECRET = "a-secret-of-the-operator"
FORM = {"grant_type": "client_credentials", "client_secret": SECRET}
REFUSED_PORT = "http://127.0.0.1:9"

plain = partial(session, {}, None)


class Fetches:
    """Tokens that live ten minutes, of which five are fresh; made one by one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.times = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, now: float) -> Token:
        self.times += 1
        made = self.times
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return Token(f"t{made}", now + 600)

    def tokens(self, wait_seconds: float = 30.0) -> Tokens:
        return Tokens(lambda: self.now, wait_seconds)


async def idle(tokens: Tokens) -> None:
    """Until the fetch that a use began has ended."""
    await eventually(lambda: tokens._kept["a"].fetching is None, "the fetch's end")


async def test_callers_at_the_same_time_fetch_once() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    got = await asyncio.gather(*(tokens.get("a", fetches) for _ in range(50)))
    assert got == ["t1"] * 50
    assert fetches.times == 1


async def test_a_fresh_token_is_not_fetched_again() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 299
    assert await tokens.get("a", fetches) == "t1"
    assert fetches.times == 1


async def test_an_old_token_serves_while_the_next_is_fetched() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 300
    fetches.gate.clear()
    assert [await tokens.get("a", fetches) for _ in range(5)] == ["t1"] * 5
    fetches.gate.set()
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t2"
    assert fetches.times == 2


async def test_a_token_that_is_nearly_over_is_not_used() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.now = 591
    assert await tokens.get("a", fetches) == "t2"


@pytest.mark.parametrize("error", [Unavailable("away"), OSError("odd")], ids=["known", "unknown"])
async def test_an_old_token_serves_while_the_refresh_fails(error: Exception) -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("a", fetches)
    fetches.error, fetches.now = error, 400
    assert await tokens.get("a", fetches) == "t1"
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t1"
    fetches.now = 589
    assert await tokens.get("a", fetches) == "t1"
    await idle(tokens)
    assert fetches.times == 3
    fetches.now = 600
    with pytest.raises(type(error)):
        await tokens.get("a", fetches)


async def test_a_failure_is_asked_again_only_after_a_while() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    fetches.error = Unavailable("away")
    for _ in range(10):
        with pytest.raises(Unavailable, match="away"):
            await tokens.get("a", fetches)
    assert fetches.times == 1
    fetches.error, fetches.now = None, AGAIN_SECONDS
    assert await tokens.get("a", fetches) == "t2"


async def test_a_caller_who_leaves_does_not_end_the_fetch() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    fetches.gate.clear()
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(tokens.get("a", fetches))
        await eventually(lambda: fetches.times == 1, "the fetch")
        staying = group.create_task(tokens.get("a", fetches))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        fetches.gate.set()
    assert staying.result() == "t1"
    assert fetches.times == 1


async def test_nobody_waits_longer_than_the_bound() -> None:
    fetches = Fetches()
    tokens = fetches.tokens(wait_seconds=0.05)
    fetches.gate.clear()
    for _ in range(2):
        with pytest.raises(Unavailable, match="no token within") as caught:
            await tokens.get("a", fetches)
        assert caught.value.status == 503
    assert fetches.times == 1
    fetches.gate.set()
    await idle(tokens)
    assert await tokens.get("a", fetches) == "t1"


async def test_each_identity_has_its_own() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    assert [await tokens.get(name, fetches) for name in "aba"] == ["t1", "t2", "t1"]


async def test_how_many_are_kept_is_bounded_and_the_unused_go_first() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()
    await tokens.get("often", fetches)
    await tokens.get("once", fetches)
    for number in range(MOST_KEPT - 1):
        await tokens.get(number, fetches)
        await tokens.get("often", fetches)
    assert fetches.times == MOST_KEPT + 1
    assert await tokens.get("often", fetches) == "t1"
    assert await tokens.get("once", fetches) == f"t{MOST_KEPT + 2}"


async def test_a_token_of_a_few_seconds_is_used_most_of_them() -> None:
    fetches = Fetches()
    tokens = fetches.tokens()

    def brief(now: float) -> Token:
        return Token(f"at-{now:g}", now + 8)

    assert await tokens.get("a", brief) == "at-0"
    fetches.now = 3.9
    assert await tokens.get("a", brief) == "at-0"
    fetches.now = 6
    assert await tokens.get("a", brief) == "at-6"


async def test_a_failed_refresh_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    fetches = Fetches()
    fetches.error = Unavailable("Azure credentials cannot be had now: away")
    with pytest.raises(Unavailable):
        await fetches.tokens().get("a", fetches)
    assert caplog.messages == ["Azure credentials cannot be had now: away"]


# --- one request


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
            assert asked(endpoint(server.url, both), FORM, NOW).text == "token-1"
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

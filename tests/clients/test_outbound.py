"""Requests of the gateway's own, at a real server."""

import socket
from collections.abc import Iterator, Mapping
from threading import Thread

import pytest
import requests

from extproc.clients.outbound import Declined, Outbound, Unreached, threads
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment, Upstream
from tests.calls import deployment

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\none\ntwo\n"


class Server:
    """Answers one request with these bytes, then hangs up."""

    def __init__(self, answer: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = b""
        self._answer = answer
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while b"\r\n\r\n" not in self.asked:
                self.asked += connection.recv(65536)
            connection.sendall(self._answer)

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


async def sign(departure: Departure) -> Mapping[str, str]:
    return {"authorization": f"Bearer for {departure.method} {departure.path}"}


def session(_: Deployment) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    return made


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    pool = threads()
    yield Outbound(sign, session, pool)
    pool.shutdown()


def at(port: int) -> Deployment:
    upstream = Upstream("http", "127.0.0.1", port)
    return deployment(upstream=upstream, headers={"OpenAI-Organization": "org"})


async def test_it_is_signed_and_read_by_lines(outbound: Outbound) -> None:
    server = Server(WHOLE)
    assert await outbound.get(at(server.port), "/v1/files?a=b", list) == [b"one", b"two"]
    server.close()
    head = server.asked.decode().lower()
    assert head.startswith("get /v1/files?a=b http/1.1")
    assert "authorization: bearer for get /v1/files?a=b" in head
    assert "openai-organization: org" in head
    assert f"host: 127.0.0.1:{server.port}" in head


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oh", b"302 Found\r\nlocation: /x"])
async def test_another_status_is_no_answer(outbound: Outbound, status: bytes) -> None:
    server = Server(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
    with pytest.raises(Declined, match="answered"):
        await outbound.get(at(server.port), "/", list)
    server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        WHOLE[:-3],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n",
    ],
)
async def test_a_broken_answer_is_never_taken_for_whole(outbound: Outbound, answer: bytes) -> None:
    server = Server(answer)
    with pytest.raises(Unreached):
        await outbound.get(at(server.port), "/", list)
    server.close()


async def test_nobody_there(outbound: Outbound) -> None:
    with pytest.raises(Unreached):
        await outbound.get(at(1), "/", list)

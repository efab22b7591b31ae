"""The simulated provider's HTTP/1.1 server, written by hand for full control over the bytes."""

import asyncio
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
import uvloop

from extproc.demo.answers import Answer, error, models, prompt_tokens
from extproc.demo.orders import BadOrders, read_orders
from extproc.demo.record import (
    ANSWERED,
    CUT,
    FAILED,
    KEPT_BODY_BYTES,
    LEFT,
    Record,
    Seen,
    safe_headers,
)
from extproc.demo.script import Cut, Pause, Step, Write, head, script

HEAD_LIMIT_BYTES = 1024 * 1024
ENDPOINTS = ("chat/completions", "completions", "embeddings")
_PREFIXES = dict(zip(ENDPOINTS, ("chatcmpl", "cmpl", "embd"), strict=True))
_WRONG_SHAPE = (TypeError, AttributeError, KeyError, IndexError, ValueError)
"""What answering a request of odd types raises; orjson's error is a ValueError."""
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/") if part]


class Reader(asyncio.StreamReader):
    """A stream reader that can be asked, without reading, to wait until the client has gone."""

    def __init__(self) -> None:
        super().__init__(limit=HEAD_LIMIT_BYTES)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


class Demo:
    """The provider: one instance serves one port."""

    def __init__(self) -> None:
        self.record = Record()
        self._writers: set[asyncio.StreamWriter] = set()

    def protocol(self) -> asyncio.StreamReaderProtocol:
        """The factory that an asyncio server wants: one for each connection."""
        reader = Reader()

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer)

        return asyncio.StreamReaderProtocol(reader, connected)

    async def _serve(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self._writers.add(writer)
        writer.transport.set_write_buffer_limits(0)
        try:
            while (request := await read_request(reader, writer)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except _BROKEN:
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()

    def abort(self) -> None:
        """Drop every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _answer(self, request: Request, reader: Reader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        endpoint = next((e for e in ENDPOINTS if request.path.endswith("/" + e)), None)
        if request.method != "POST" or endpoint is None:
            for step in _plain_answer(*self._plain(request)):
                if isinstance(step, Write):
                    writer.write(step.data)
            await writer.drain()
            return True
        seen, steps = self._begin(request, endpoint)
        self.record.add(seen)
        try:
            seen.outcome = await _perform(steps, seen, reader, writer)
        except ConnectionError:
            seen.outcome = LEFT
        return seen.outcome in (ANSWERED, FAILED)

    def _plain(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Status and body of everything but a generation."""
        if request.method == "GET" and request.path == "/_demo/requests":
            query = parse_qs(urlsplit(request.target).query)
            return 200, self.record.as_json(query.get("run", [""])[0])
        if request.method == "GET" and request.segments[-1:] == ["models"]:
            return 200, models()
        return 404, error(404, f"Invalid URL ({request.method} {request.path})")

    def _begin(self, request: Request, endpoint: str) -> tuple[Seen, Iterator[Step]]:
        number = self.record.next_id()
        seen = Seen(
            id=number,
            at=request.path,
            headers=safe_headers(request.headers),
            body_bytes=len(request.body),
            body_head=request.body[:KEPT_BODY_BYTES].decode(errors="replace"),
        )
        try:
            body = _object(request.body)
            entries = list(read_orders(request.segments, request.headers, body))
            orders = self.record.choose(entries, request.segments)
            answer = Answer(f"{_PREFIXES[endpoint]}-{number}", endpoint, body, orders)
            seen.prompt_tokens = prompt_tokens(body)
            answer.usage()
        except (BadOrders, *_WRONG_SHAPE) as problem:
            seen.status = 400
            return seen, _plain_answer(400, error(400, f"{type(problem).__name__}: {problem}"))
        seen.run = next((entry.run for entry in entries if entry.run), "")
        seen.status = orders.status
        return seen, script(answer)


def _object(data: bytes) -> dict[str, Any]:
    body = orjson.loads(data)
    if not isinstance(body, dict):
        raise BadOrders("the body must be a JSON object")
    return body


def _plain_answer(status: int, body: dict[str, Any]) -> Iterator[Step]:
    data = orjson.dumps(body)
    length = str(len(data))
    yield head(status, {"content-type": "application/json", "content-length": length})
    yield Write(data)


async def _perform(
    steps: Iterator[Step], seen: Seen, reader: Reader, writer: asyncio.StreamWriter
) -> str:
    """Do the steps; how it ended. Raises ConnectionError when the client is gone."""
    for step in steps:
        if isinstance(step, Write):
            if reader.gone.is_set():
                return LEFT
            seen.produced += step.tokens
            writer.write(step.data)
            await writer.drain()
            seen.sent += step.tokens
        elif isinstance(step, Pause):
            if not await _wait(step.seconds, reader):
                return LEFT
        elif isinstance(step, Cut):
            _cut(writer, reset=step.reset)
            return CUT
    return ANSWERED if seen.status < 400 else FAILED


async def _wait(seconds: float, reader: Reader) -> bool:
    """Wait, unless the client leaves first: whether it is still there."""
    try:
        async with asyncio.timeout(seconds):
            await reader.gone.wait()
    except TimeoutError:
        return True
    return False


def _cut(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_request(reader: Reader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection, or None at its end. Raises one of _BROKEN."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError as error_:
        if error_.partial:
            raise
        return None
    method, target, _ = lines[0].split(" ", 2)
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


async def _read_chunks(reader: Reader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return bytes(body)


async def listen(host: str, port: int, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; `ready` is told the port, which is chosen freely for port 0."""
    demo = Demo()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(demo.protocol, host, port, backlog=1024)
    ready(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    demo.abort()
    await server.wait_closed()


def serve(host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is taken."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await listen(host, port, ready, stop)

    uvloop.run(main())

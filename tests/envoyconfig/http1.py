"""HTTP/1.1 by hand on both sides of a gateway: a client and an upstream that obey a test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

CEILING = 30
Handler = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """One request that reached the upstream, and the means to answer it byte by byte."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: str = ""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes, status: str = "200 OK", headers: Sequence[str] = ()) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode() + body)

    async def start(self, *headers: str, status: str = "200 OK") -> None:
        """The head of a chunked answer."""
        lines = [f"HTTP/1.1 {status}", "transfer-encoding: chunked", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def reset(self) -> None:
        self.writer.transport.abort()

    async def closed(self) -> None:
        """Until the other side has closed the connection."""
        with suppress(ConnectionError):
            await asyncio.wait_for(self.reader.read(), CEILING)


class ScriptedUpstream:
    """Raw HTTP/1.1 on a free port. `handler` answers; `exchanges` remembers."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.exchanges: list[Exchange] = []
        self.port = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while exchange := await self._request(reader, writer):
                self.exchanges.append(exchange)
                assert self.handler is not None
                await self.handler(exchange)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Exchange | None:
        head = await read_head(reader)
        if not head:
            return None
        line, headers = head
        body, _ = await read_body(reader, dict(headers), empty_without_length=True)
        return Exchange(line, headers, body, reader, writer)


@asynccontextmanager
async def serve_upstream() -> AsyncIterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    server = await asyncio.start_server(upstream.connected, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()


async def read_head(
    reader: asyncio.StreamReader,
) -> tuple[str, list[tuple[str, str]]] | None:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    line, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
    pairs = (each.partition(":") for each in lines)
    return line, [(name.lower(), value.strip()) for name, _, value in pairs]


async def read_body(
    reader: asyncio.StreamReader,
    headers: Mapping[str, str],
    empty_without_length: bool = False,
    saw: Callable[[bytes], None] = lambda part: None,
) -> tuple[bytes, bool]:
    """The body, and whether it came to its proper end."""
    body = b""
    try:
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int(await reader.readuntil(b"\r\n"), 16):
                part = (await reader.readexactly(size + 2))[:-2]
                saw(part)
                body += part
            await reader.readuntil(b"\r\n")
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif not empty_without_length:
            body = await reader.read()
    except asyncio.IncompleteReadError as error:
        return body + error.partial, False
    except (ConnectionError, ValueError):
        return body, False
    return body, True


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool
    parts: list[bytes]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.parts: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(
        self,
        body: bytes = b"",
        path: str = "/v1/chat/completions",
        method: str = "POST",
        headers: Sequence[str] = (),
        declared: int | None = None,
    ) -> None:
        """A request; `declared` may promise more than `body` has, -1 leaves the length out."""
        length = len(body) if declared is None else declared
        lengths = [] if length < 0 else [f"content-length: {length}"]
        lines = [f"{method} {path} HTTP/1.1", "host: gateway.test", *lengths, *headers, "", ""]
        self.writer.write("\r\n".join(lines).encode("latin-1") + body)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> Answer:
        head = await read_head(self.reader)
        assert head, "the gateway closed the connection without an answer"
        line, headers = head
        parts: list[bytes] = []

        def saw(part: bytes) -> None:
            parts.append(part)
            self.parts.put_nowait(part)

        status = int(line.split()[1])
        if status == 204:
            return Answer(status, headers, b"", True, parts)
        body, complete = await read_body(self.reader, dict(headers), saw=saw)
        return Answer(status, headers, body, complete, parts)

    def close(self) -> None:
        self.writer.transport.abort()

"""The simulated provider's HTTP/1.1 server, written by hand for full control over the bytes."""

import asyncio
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import uvloop

from extproc.demo.answers import Answer, Question
from extproc.demo.orders import BadOrders, Orders, read_orders
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
from extproc.demo.request import Request
from extproc.demo.script import Cut, Pause, Step, Write, plain, script
from extproc.demo.voices import VOICES, find
from extproc.demo.voices.base import Asked, Endpoint, Refused, Voice, json_body

HEAD_LIMIT_BYTES = 1024 * 1024
RECORD_PATH = "/_demo/requests"
KEPT_ANSWERS = 1000
ALL: Sequence[Voice] = tuple(VOICES.values())
UNKNOWN = VOICES["openai"]
"""Whose errors are told where no voice is known."""
_WRONG_SHAPE = (TypeError, AttributeError, KeyError, IndexError, ValueError)
"""What answering a request of odd types raises; orjson's error is a ValueError."""
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


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

    def __init__(self, voices: Sequence[Voice]) -> None:
        self.record = Record()
        self._voices = voices
        self._kept: dict[str, Answer] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def protocol(self) -> asyncio.StreamReaderProtocol:
        """The factory that an asyncio server wants: one for each connection."""
        reader = Reader()

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer)

        return asyncio.StreamReaderProtocol(reader, connected)

    async def _serve(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self._writers.add(writer)
        self._idle.clear()
        writer.transport.set_write_buffer_limits(0)
        try:
            while (request := await read_request(reader, writer)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except _BROKEN:
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            if not self._writers:
                self._idle.set()
            writer.close()

    async def abort(self) -> None:
        """Drop every connection, and wait until each has noticed."""
        for writer in self._writers:
            writer.transport.abort()
        await self._idle.wait()

    async def _answer(self, request: Request, reader: Reader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        found = find(request, self._voices)
        if found is None:
            for step in self._elsewhere(request):
                if isinstance(step, Write):
                    writer.write(step.data)
            await writer.drain()
            return True
        seen, steps = self._begin(request, *found)
        self.record.add(seen)
        try:
            seen.outcome = await _perform(steps, seen, reader, writer)
        except ConnectionError:
            seen.outcome = LEFT
        return seen.outcome in (ANSWERED, FAILED)

    def _elsewhere(self, request: Request) -> Iterator[Step]:
        """What was seen; 404 at a path that no voice has."""
        if request.method == "GET" and request.path == RECORD_PATH:
            return plain(200, json_body(self.record.as_json(request.query.get("run", ""))))
        error = self._voices[0].error if len(self._voices) == 1 else UNKNOWN.error
        return plain(404, error(404, f"Invalid URL ({request.method} {request.path})"))

    def _begin(
        self, request: Request, voice: Voice, endpoint: Endpoint, part: Mapping[str, str]
    ) -> tuple[Seen, Iterator[Step]]:
        number = self.record.next_id()
        seen = Seen(
            id=number,
            at=request.path,
            headers=safe_headers(request.headers),
            body_bytes=len(request.body),
            body_head=request.body[:KEPT_BODY_BYTES].decode(errors="replace"),
        )
        try:
            fields = request.fields() if request.body or not endpoint.bare else {}
            entries = list(read_orders(request.segments, request.headers, fields))
            orders = self.record.choose(entries, request.segments)
            asked = Asked(request, number, fields, part, self._kept)
            voice.admit(asked)
            answer = _answered(endpoint.ask(asked), orders)
            endpoint.whole(answer)
        except Refused as refused:
            seen.status = refused.status
            body = refused.body or voice.error(refused.status, str(refused))
            return seen, plain(refused.status, body)
        except (BadOrders, *_WRONG_SHAPE) as problem:
            seen.status = 400
            return seen, plain(400, voice.error(400, f"{type(problem).__name__}: {problem}"))
        seen.run = next((entry.run for entry in entries if entry.run), "")
        seen.prompt_tokens = answer.prompt
        seen.status = orders.status
        if endpoint.keeps and answer.question.body.get("store") is not False:
            self._keep(answer)
        elif endpoint.forgets:
            del self._kept[answer.id]
        return seen, script(answer, endpoint, voice)

    def _keep(self, answer: Answer) -> None:
        self._kept[answer.id] = answer
        if len(self._kept) > KEPT_ANSWERS:
            del self._kept[next(iter(self._kept))]


def _answered(said: Question | Answer, orders: Orders) -> Answer:
    """The answer to a question; one given before keeps its words and takes today's faults."""
    if isinstance(said, Question):
        return Answer(said, orders)
    faults = orders.model_copy(update={"words": said.orders.words, "usage": said.orders.usage})
    return replace(said, orders=faults)


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


async def listen(
    host: str,
    port: int,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    voices: Sequence[Voice] = ALL,
) -> None:
    """Serve until `stop` is set; `ready` is told the port, which is chosen freely for port 0."""
    demo = Demo(voices)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(demo.protocol, host, port, backlog=1024)
    ready(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    await demo.abort()
    await server.wait_closed()


def serve(
    host: str, port: int, ready: Callable[[int], None], voices: Sequence[Voice] = ALL
) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is taken."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await listen(host, port, ready, stop, voices)

    uvloop.run(main())

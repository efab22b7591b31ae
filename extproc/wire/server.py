"""The gRPC server: one flow a stream, health beside it, and an end that loses nothing."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import grpc
import orjson
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest, ProcessingResponse
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc.clients.logs import bug
from extproc.errors import Internal
from extproc.flow.commands import Immediate, Pass, PassTrailers, Reply
from extproc.flow.entry import Entry
from extproc.wire import convert
from extproc.wire.background import Background
from extproc.wire.driver import Drive
from extproc.wire.effects import Effects
from extproc.wire.watchdog import Watchdog

log = logging.getLogger(__name__)

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.lookahead_bytes", 16 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1_000_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 1),
)


BUG = Immediate(
    500,
    orjson.dumps(Internal("Internal server error.").envelope()),
    {"content-type": "application/json"},
)


def is_last(reply: Reply) -> bool:
    """Whether nothing more can be said to Envoy on this stream."""
    ended = isinstance(reply, Immediate | PassTrailers)
    return ended or (isinstance(reply, Pass) and reply.end)


class Stream:
    """One gRPC stream: Envoy's messages in, the flow's replies out, the last of them kept back.

    The last reply leaves in one piece with the stream's status. Envoy resets the stream when it
    reads that reply, and a status still on its way is then an operation that fails: grpc.aio frees
    none of these, a hundred bytes a request (https://github.com/grpc/grpc/issues/43360).
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._reading = False
        self.last: Reply | None = None

    async def read(self) -> Any:
        """Envoy's next message; EOF when it has left, or nothing more can be said to it."""
        if self.last is not None:
            return grpc.aio.EOF
        self._reading = True
        message = await self._context.read()
        self._reading = False
        return message

    async def write(self, reply: Reply) -> None:
        # What the watchdog says while we wait for Envoy cannot wait for Envoy.
        if is_last(reply) and not self._reading:
            self.last = reply
        else:
            await self._context.write(convert.response(reply).SerializeToString())

    async def end(self) -> Any:
        """The last reply, for gRPC to send with the status; raises when there is none."""
        if self.last is None:  # Envoy has left
            await self._context.abort(grpc.StatusCode.CANCELLED)
        else:
            return convert.response(self.last)


class Processor:
    """Envoy's ExternalProcessor service: every stream is one attempt."""

    def __init__(
        self,
        effects: Effects,
        background: Background,
        now: Callable[[], float],
        watchdog: Watchdog,
    ) -> None:
        self._effects = effects
        self._spawn = background.spawn
        self._now = now
        self._watchdog = watchdog

    async def process(self, _: Any, context: Any) -> Any:
        stream, now = Stream(context), self._now
        run, spawn = self._effects.run, self._spawn
        drive = Drive(Entry(), stream.write, run, spawn, now, self._watchdog)
        metrics = self._effects.metrics
        metrics.in_flight += 1
        try:
            while (message := await stream.read()) is not grpc.aio.EOF:
                await drive.feed(convert.event(message, now()))
        except (grpc.aio.BaseError, asyncio.CancelledError):
            raise  # the stream ended: Envoy has left, or this server stops
        except Exception as error:
            log.error("an attempt failed inside the gateway: %s", bug(error))
            await stream.write(BUG)
        finally:
            metrics.in_flight -= 1
            drive.close()
        return await stream.end()

    def handler(self) -> grpc.GenericRpcHandler:
        # On the wire a single response is a stream of responses: all but the last we write.
        method = grpc.stream_unary_rpc_method_handler(
            self.process,
            request_deserializer=ProcessingRequest.FromString,
            response_serializer=ProcessingResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"Process": method})


class Server:
    """The worker's two doors: its Unix socket for Envoy, and a TCP port for health probes."""

    def __init__(self, processor: Processor) -> None:
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers((processor.handler(),))
        self._probes = grpc.aio.server(options=OPTIONS)
        for server in (self._server, self._probes):
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)

    async def start(self, socket: str, health_address: str) -> None:
        self._server.add_insecure_port(f"unix:{socket}")
        self._probes.add_insecure_port(health_address)
        await self._server.start()
        await self._probes.start()

    async def serving(self, good: bool) -> None:
        """What the health service says, for the whole server and for ExternalProcessor."""
        status = health_pb2.HealthCheckResponse.ServingStatus
        state = status.SERVING if good else status.NOT_SERVING
        for service in ("", SERVICE):
            await self._health.set(service, state)

    async def stop(self, grace_seconds: float) -> None:
        """Say so, let open streams finish for `grace_seconds`, then cut what is left."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)
        await self._probes.stop(0)

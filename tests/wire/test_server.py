"""A stream's last reply and its status leave as one, so Envoy's reset cannot come between them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpHeaders,
    ProcessingRequest,
    ProcessingResponse,
)
from prometheus_client import CollectorRegistry

from extproc.clients.metrics import Metrics
from extproc.errors import NotFound
from extproc.flow.commands import Identify, Pass, Refused, Reply
from extproc.wire.background import Background
from extproc.wire.server import SERVICE, Processor, Stream
from extproc.wire.watchdog import Watchdog

NOWHERE = ProcessingRequest(
    request_headers=HttpHeaders(
        headers=HeaderMap(
            headers=[
                HeaderValue(key=":method", raw_value=b"GET"),
                HeaderValue(key=":path", raw_value=b"/nowhere"),
            ]
        ),
        end_of_stream=True,
    )
)
LAST = Pass(b"bye", end=True)


class Context:
    """gRPC's side of a stream: gives `messages`, then waits for `more`, and keeps what is said."""

    def __init__(self, messages: Sequence[Any] = ()) -> None:
        self._messages = list(messages)
        self.more = asyncio.Event()
        self.reading = asyncio.Event()
        self.written: list[ProcessingResponse] = []

    async def read(self) -> Any:
        if not self._messages:
            self.reading.set()
            await self.more.wait()
            return grpc.aio.EOF
        return self._messages.pop(0)

    async def write(self, message: bytes) -> None:
        self.written.append(ProcessingResponse.FromString(message))

    async def abort(self, code: grpc.StatusCode) -> None:
        raise grpc.aio.AbortError(code)


class Effects:
    """Refuses every caller: a refusal needs nothing else performed."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())

    async def run(self, command: Any) -> None:
        if isinstance(command, Identify):
            raise NotFound("There is no such route.")
        assert isinstance(command, Refused)


def processor(group: asyncio.TaskGroup) -> Processor:
    def ignore(*_: Any) -> None:
        pass

    effects: Any = Effects()
    return Processor(effects, Background(group, ignore, ignore), lambda: 0.0, Watchdog())


async def test_last_reply_is_left_to_grpc_to_send_with_the_status() -> None:
    context = Context([NOWHERE])
    async with asyncio.TaskGroup() as group:
        last = await processor(group).process(None, context)
    assert last.immediate_response.status.code == 404
    assert context.written == []


@pytest.mark.parametrize(("reply", "kept"), [(Pass(b"hello"), False), (LAST, True)])
async def test_no_reply_but_the_last_waits(reply: Reply, kept: bool) -> None:
    context = Context()
    stream = Stream(context)
    await stream.write(reply)
    assert (not context.written, stream.last is reply) == (kept, kept)


async def test_nothing_is_read_after_the_last_reply() -> None:
    stream = Stream(Context([NOWHERE]))
    await stream.write(LAST)
    assert await stream.read() is grpc.aio.EOF


async def test_last_reply_said_while_envoy_is_silent_does_not_wait_for_envoy() -> None:
    context = Context()
    stream = Stream(context)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stream.read())
        await context.reading.wait()
        await stream.write(LAST)
        (said,) = context.written
        context.more.set()
    assert said.response_body.response.body_mutation.streamed_response.end_of_stream
    assert reading.result() is grpc.aio.EOF


async def test_stream_without_a_last_reply_ends_without_one() -> None:
    context = Context()
    context.more.set()
    async with asyncio.TaskGroup() as group:
        with pytest.raises(grpc.aio.AbortError):
            await processor(group).process(None, context)
    assert context.written == []


async def test_client_gets_the_last_reply_and_a_good_status(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/worker.sock"
    server = grpc.aio.server()
    async with asyncio.TaskGroup() as group:
        server.add_generic_rpc_handlers((processor(group).handler(),))
        server.add_insecure_port(address)
        await server.start()
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.stream_stream(
                f"/{SERVICE}/Process",
                request_serializer=ProcessingRequest.SerializeToString,
                response_deserializer=ProcessingResponse.FromString,
            )()
            await call.write(NOWHERE)
            said = await call.read()
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK
        await server.stop(None)
    assert said.immediate_response.status.code == 404

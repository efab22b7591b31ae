"""The static provider: one fixed chat completion, whole or as a stream of 31 events.

Run as `python -m bench.origin PORT`. It reads no more of a request than it must and sends constant
bytes, so that what is measured is what stands before it. Each event of a stream is a write of its
own: a provider's events do not arrive in one packet either.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import uvloop

EVENTS = 31
MODEL = "bench"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s\r\n\r\n"
HEADER_END = b"\r\n\r\n"
LENGTH = b"content-length:"
STREAMING = (b'"stream":true', b'"stream": true')
USAGE = {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42}


def completion() -> bytes:
    """The whole answer, head and body."""
    message = {"role": "assistant", "content": "A static answer of a few words."}
    body = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    data = json.dumps(body).encode()
    return HEAD % (b"application/json", b"content-length: %d" % len(data)) + data


def events() -> list[bytes]:
    """The head of a stream, then each piece of its body as one HTTP chunk; [DONE] is the last."""
    head = HEAD % (b"text/event-stream", b"transfer-encoding: chunked")
    texts = [json.dumps(_event(number)).encode() for number in range(EVENTS)]
    chunks = [_chunk(b"data: %s\n\n" % text) for text in [*texts, b"[DONE]"]]
    chunks[-1] += b"0\r\n\r\n"
    return [head + chunks[0], *chunks[1:]]


def _event(number: int) -> dict[str, object]:
    last = number == EVENTS - 1
    delta = {} if last else {"role": "assistant", "content": f"word{number} "}
    event: dict[str, object] = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if last else None}],
    }
    if last:
        event["usage"] = USAGE
    return event


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def next_request(data: bytes) -> tuple[bytes, bytes] | None:
    """The body of the first whole request in `data`, and what follows it."""
    head_end = data.find(HEADER_END)
    if head_end < 0:
        return None
    start = head_end + len(HEADER_END)
    head = data[:start].lower()
    if b"transfer-encoding: chunked" in head:
        end = data.find(b"0\r\n\r\n", start)
        return None if end < 0 else (data[start:end], data[end + 5 :])
    at = head.find(LENGTH)
    length = int(head[at + len(LENGTH) : head.index(b"\r\n", at)]) if at >= 0 else 0
    if len(data) < start + length:
        return None
    return data[start : start + length], data[start + length :]


class Connection(asyncio.Protocol):
    """One keep-alive connection; clients do not pipeline."""

    def __init__(self, answer: bytes, stream: list[bytes]) -> None:
        self._answer = answer
        self._stream = stream
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:  # uvloop's is no subclass of asyncio's
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while found := next_request(self._waiting):
            body, self._waiting = found
            if any(sign in body for sign in STREAMING):
                self._send_next(iter(self._stream))
            else:
                self._transport.write(self._answer)

    def _send_next(self, pieces: Iterator[bytes]) -> None:
        piece = next(pieces, None)
        if piece is not None and not self._transport.is_closing():
            self._transport.write(piece)
            self._loop.call_soon(self._send_next, pieces)


async def serve(port: int) -> None:
    answer, stream = completion(), events()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer, stream), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

"""An answer as steps that a connection performs: bytes to write, seconds to wait, a cut.

    events ─► sse ─► stall, cut, error ─► gzip ─► split ─► chunked ─► the connection

Each arrow is one generator over steps; nothing here awaits, so that a test reads the list.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson

from extproc.demo.answers import Answer, Event, error
from extproc.demo.orders import Orders, Place

SPLIT_PAUSE_SECONDS = 0.0005
CUT_PAUSE_SECONDS = 0.05
"""Before a cut, so that a reset does not overtake the bytes before it."""

ERROR_EVENT = orjson.dumps(error(500, "The server had an error while processing your request."))


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes, and how many tokens of answer are complete once they are written."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Break the connection, by FIN or by RST; nothing follows."""

    reset: bool = False


Step = Write | Pause | Cut


def script(answer: Answer) -> Iterator[Step]:
    """All steps of an answer, head included."""
    orders = answer.orders
    yield from _incidents(orders, "headers")
    failed = orders.status >= 400 or orders.body is not None
    streamed = bool(answer.request.get("stream")) and not orders.json_answer and not failed
    if answer.endpoint == "embeddings":
        streamed = False
    pieces = _sse(answer.events(), orders) if streamed else _halves(_whole(answer, failed))
    steps = _with_incidents(pieces, orders)
    if orders.gzip:
        steps = _gzip(steps, whole=orders.gzip == "whole")
    headers = {"content-type": "text/event-stream" if streamed else "application/json"}
    if orders.gzip:
        headers["content-encoding"] = "gzip"
    headers |= {name.lower(): value for name, value in orders.headers.items()}
    if orders.content_length is None and streamed:
        yield head(orders.status, headers | {"transfer-encoding": "chunked"})
        yield from _chunked(_split(steps, orders.split))
        return
    ready = list(steps)
    true_length = sum(len(step.data) for step in ready if isinstance(step, Write))
    if orders.content_length is not None:
        headers["connection"] = "close"
        ready.append(Cut())
    length = _declared(ready, answer, failed, true_length) + (orders.content_length or 0)
    yield head(orders.status, headers | {"content-length": str(max(0, length))})
    yield from _split(ready, orders.split)


def head(status: int, headers: dict[str, str]) -> Write:
    """The status line and headers."""
    known = {item.value: item.phrase for item in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Write(("\r\n".join(lines) + "\r\n\r\n").encode())


def _declared(ready: list[Step], answer: Answer, failed: bool, true_length: int) -> int:
    """A JSON answer that will be cut still declares what it would have been."""
    if any(isinstance(step, Cut) for step in ready) and answer.orders.cut_at is not None:
        return len(_whole(answer, failed).data)
    return true_length


def _whole(answer: Answer, failed: bool) -> Write:
    orders = answer.orders
    if orders.body is not None:
        return Write(orders.body.encode())
    if failed:
        return Write(orjson.dumps(error(orders.status, f"commanded to fail: {orders.status}")))
    return Write(orjson.dumps(answer.json()), answer.tokens)


def _halves(whole: Write) -> Iterator[Write]:
    middle = len(whole.data) // 2
    yield Write(whole.data[:middle])
    yield Write(whole.data[middle:], whole.tokens)


def _sse(events: Iterable[Event], orders: Orders) -> Iterator[Write]:
    """Events in their wire form; a missing last newline is missing from the very last one."""
    eol = b"\r\n" if orders.crlf else b"\n"
    before = b": ping" + eol + eol if orders.comments else b""
    held: Write | None = None
    for event in events:
        if held is not None:
            yield held
        held = Write(before + b"data: " + event.data + eol + eol, event.tokens)
    if held is not None:
        yield replace(held, data=held.data.rstrip()) if orders.no_last_newline else held


def _incidents(orders: Orders, place: Place) -> Iterator[Step]:
    """What was ordered to happen at `place`: silence, then a cut."""
    if orders.stall_at == place:
        yield Pause(orders.stall)
    if orders.cut_at == place:
        yield Pause(CUT_PAUSE_SECONDS)
        yield Cut(reset=orders.cut_how == "rst")


def _with_incidents(pieces: Iterable[Write], orders: Orders) -> Iterator[Step]:
    yield from _incidents(orders, 0)
    if orders.error_at == 0:
        yield Write(b"data: " + ERROR_EVENT + b"\n\n")
        return
    for count, piece in enumerate(pieces, start=1):
        if orders.delay:
            yield Pause(orders.delay)
        yield piece
        yield from _incidents(orders, count)
        if orders.error_at == count:
            yield Write(b"data: " + ERROR_EVENT + b"\n\n")
            return


def _gzip(steps: Iterable[Step], *, whole: bool) -> Iterator[Step]:
    """One member; `whole` lets nothing out before the end, otherwise each write is flushed."""
    squeeze = zlib.compressobj(wbits=31)
    held = 0
    for step in steps:
        if not isinstance(step, Write):
            yield step
        elif whole:
            held += step.tokens
            yield Write(squeeze.compress(step.data))
        else:
            data = squeeze.compress(step.data) + squeeze.flush(zlib.Z_SYNC_FLUSH)
            yield Write(data, step.tokens)
    yield Write(squeeze.flush(), held)


def _split(steps: Iterable[Step], size: int) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, Write) or not size:
            yield step
            continue
        for start in range(0, len(step.data), size):
            last = start + size >= len(step.data)
            yield Write(step.data[start : start + size], step.tokens if last else 0)
            yield Pause(SPLIT_PAUSE_SECONDS)


def _chunked(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, Write):
            yield step
        elif step.data:
            data = b"%x\r\n%b\r\n" % (len(step.data), step.data)
            yield Write(data, step.tokens)
    yield Write(b"0\r\n\r\n")

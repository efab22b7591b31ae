"""An answer as steps that a connection performs: bytes to write, seconds to wait, a cut.

    events ─► framing ─► stall, cut, error ─► gzip ─► split ─► chunked ─► the connection

Each arrow is one generator over steps; nothing here awaits, so that a test reads the list.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from extproc.demo.answers import Answer
from extproc.demo.frames import LINES, SSE, Event, Framing
from extproc.demo.orders import Orders, Place
from extproc.demo.voices.base import Body, Endpoint, Voice

OK = 200
SPLIT_PAUSE_SECONDS = 0.0005
CUT_PAUSE_SECONDS = 0.05
"""Before a cut, so that a reset does not overtake the bytes before it."""


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


def script(answer: Answer, endpoint: Endpoint, voice: Voice) -> Iterator[Step]:
    """All steps of an answer, head included."""
    orders = answer.orders
    yield from _incidents(orders, "headers")
    failed = orders.status >= 400 or orders.body is not None
    streamed = answer.question.stream and not orders.json_answer and not failed
    if streamed and endpoint.events is not None:
        media, more = endpoint.framing.media, endpoint.headers(answer)
        pieces = _framed(endpoint.events(answer), endpoint.framing, orders)
        length = None
    else:
        whole = _whole(answer, endpoint, voice)
        media, more, length = whole.media, whole.headers, len(whole.data)
        pieces = _halves(Write(whole.data, 0 if failed else answer.tokens))
    failure = Write(endpoint.framing.write(endpoint.failure, Orders()))
    headers = {"content-type": media, **more}
    headers |= {name.lower(): value for name, value in orders.headers.items()}
    status = endpoint.status if orders.status == OK else orders.status
    yield from _sent(_with_incidents(pieces, orders, failure), orders, (status, headers), length)


def plain(status: int, body: Body) -> Iterator[Step]:
    """A whole answer that no order touches."""
    length = str(len(body.data))
    yield head(status, {"content-type": body.media, **body.headers, "content-length": length})
    yield Write(body.data)


def head(status: int, headers: dict[str, str]) -> Write:
    """The status line and headers."""
    known = {item.value: item.phrase for item in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Write(("\r\n".join(lines) + "\r\n\r\n").encode())


def _sent(
    steps: Iterator[Step], orders: Orders, told: tuple[int, dict[str, str]], length: int | None
) -> Iterator[Step]:
    """Head (of what is `told`) and body; `length` is that of a whole body, None for a stream."""
    status, headers = told
    if orders.gzip:
        steps = _gzip(steps, whole=orders.gzip == "whole")
        headers["content-encoding"] = "gzip"
    if orders.content_length is None and length is None:
        yield head(status, headers | {"transfer-encoding": "chunked"})
        yield from _chunked(_split(steps, orders.split))
        return
    ready = list(steps)
    cut = any(isinstance(step, Cut) for step in ready)
    if length is None or not cut:
        # A whole body that will be cut still declares what it would have been.
        length = sum(len(step.data) for step in ready if isinstance(step, Write))
    if orders.content_length is not None:
        headers["connection"] = "close"
        ready.append(Cut())
        length += orders.content_length
    yield head(status, headers | {"content-length": str(max(0, length))})
    yield from _split(ready, orders.split)


def _whole(answer: Answer, endpoint: Endpoint, voice: Voice) -> Body:
    orders = answer.orders
    refusal = voice.error(orders.status, f"commanded to fail: {orders.status}")
    if orders.body is not None:
        return replace(refusal, data=orders.body.encode())
    if orders.status >= 400:
        return refusal
    whole = endpoint.whole(answer)
    return replace(whole, headers={**endpoint.headers(answer), **whole.headers})


def _halves(whole: Write) -> Iterator[Write]:
    middle = len(whole.data) // 2
    yield Write(whole.data[:middle])
    yield Write(whole.data[middle:], whole.tokens)


def _framed(events: Iterable[Event], framing: Framing, orders: Orders) -> Iterator[Write]:
    """Events in their wire form; a missing last newline is missing from the very last one."""
    held: Write | None = None
    for event in events:
        if event.ends and orders.no_done:
            break
        if held is not None:
            yield held
        held = Write(framing.write(event, orders), event.tokens)
    if held is not None:
        bare = orders.no_last_newline and framing in (SSE, LINES)
        yield replace(held, data=held.data.rstrip()) if bare else held


def _incidents(orders: Orders, place: Place) -> Iterator[Step]:
    """What was ordered to happen at `place`: silence, then a cut."""
    if orders.stall_at == place:
        yield Pause(orders.stall)
    if orders.cut_at == place:
        yield Pause(CUT_PAUSE_SECONDS)
        yield Cut(reset=orders.cut_how == "rst")


def _with_incidents(pieces: Iterable[Write], orders: Orders, failure: Write) -> Iterator[Step]:
    yield from _incidents(orders, 0)
    if orders.error_at == 0:
        yield failure
        return
    for count, piece in enumerate(pieces, start=1):
        if orders.delay:
            yield Pause(orders.delay)
        yield piece
        yield from _incidents(orders, count)
        if orders.error_at == count:
            yield failure
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

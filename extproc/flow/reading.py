"""What an answer says of its usage, read while it passes: nothing here changes a byte of it.

A reader that cannot go on stops reading; the answer passes all the same, and what was read counts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from extproc.domain.call import Json
from extproc.domain.passage import Passage
from extproc.domain.usage import NOTHING, Usage
from extproc.errors import GatewayError
from extproc.providers import registry
from extproc.providers.base import Request, Translator
from extproc.providers.decoders import decoder_of, is_stream
from extproc.providers.encoding import BadEncoding, Inflater
from extproc.providers.frames import BadFrame, Frame

MAX_WHOLE_BYTES = 64 * 1024 * 1024


class Reader(Protocol):
    """One answer's reader. Its methods never raise."""

    @property
    def usage(self) -> Usage | None:
        """None where it is not known, though something was used."""
        ...

    @property
    def text(self) -> str:
        """What was produced, for an estimate."""
        ...

    @property
    def model(self) -> str:
        """As the answer names it; empty where it does not."""
        ...

    @property
    def done(self) -> bool:
        """Whether the answer itself says that nothing follows."""
        ...

    @property
    def broken(self) -> bool:
        """Whether the answer says that it failed, or ended before it was complete."""
        ...

    def feed(self, piece: bytes) -> None: ...

    def finish(self) -> None:
        """The answer is complete."""
        ...


class Unread:
    """Of an answer in no known format: nothing is known to be used."""

    text, model, done, broken = "", "", False, False

    def __init__(self, usage: Usage | None = NOTHING) -> None:
        self.usage = usage

    def feed(self, piece: bytes) -> None:
        pass

    def finish(self) -> None:
        pass


class WholeReader:
    """Collects a JSON answer; Google's streams without events are a JSON array, read as it comes.

    Of such a stream every item that is complete counts, whether or not the client waits for more.
    """

    def __init__(self, translator: Translator, request: Request) -> None:
        self._translator = translator
        self._request = request
        self._body = bytearray()
        self._items: Items | None = None
        self._full = False
        self.usage: Usage | None = None
        self.text = ""
        self.model = ""
        self.broken = False

    @property
    def done(self) -> bool:
        return self._items is not None and self._items.done

    def feed(self, piece: bytes) -> None:
        if self._items is None and not self._body:
            piece = piece.lstrip()
            self._items = Items() if piece[:1] == b"[" else None
        if self._items is not None:
            for item in self._items.feed(piece):
                self._parse(item)
            return
        self._full = self._full or len(self._body) + len(piece) > MAX_WHOLE_BYTES
        if not self._full:
            self._body += piece

    def finish(self) -> None:
        if self._items is not None:
            self.broken = self.broken or not self._items.done
        elif not self._full:
            self._parse(bytes(self._body))
        self._body.clear()

    def _parse(self, data: bytes) -> None:
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        if isinstance(body, dict):
            self._read(body)

    def _read(self, body: Json) -> None:
        self.model = self.model or _model(body)
        try:
            incoming = self._translator.response(body, self._request)
        except GatewayError:
            self.broken = True
            return
        self.usage = incoming.usage or self.usage
        self.text += incoming.text


class Items:
    """Cuts a JSON array into its items as it comes, without reading them."""

    def __init__(self) -> None:
        self.done = False
        self._rest = bytearray()
        self._seen = 0
        self._depth = 0
        self._start = 0
        self._in_text = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The items that are objects or arrays and that are complete by now."""
        found: list[bytes] = []
        if self.done:
            return found
        self._rest += piece
        for mark in _MARKS.finditer(self._rest, self._seen):
            sign = mark[0]
            if sign[:1] == b"\\":
                if len(sign) == 1:
                    self._seen = mark.start()  # what it escapes is still to come
                    break
            elif sign == b'"':
                self._in_text = not self._in_text
            elif not self._in_text:
                self._step(sign in b"[{", mark.start(), found)
            self._seen = mark.end()
        else:
            self._seen = len(self._rest)
        self._forget()
        return found

    def _step(self, opens: bool, at: int, found: list[bytes]) -> None:
        if opens:
            self._depth += 1
            self._start = at if self._depth == 2 else self._start
            return
        self._depth -= 1
        if self._depth == 1:
            found.append(bytes(self._rest[self._start : at + 1]))
            self._start = at + 1
        self.done = self.done or self._depth == 0

    def _forget(self) -> None:
        """What lies before the item in progress; or all of one that is too large to be one."""
        past = self._start if self._depth > 1 else self._seen
        if len(self._rest) - past > MAX_WHOLE_BYTES:
            self.done, past = True, len(self._rest)
        del self._rest[:past]
        self._seen, self._start = self._seen - past, 0


_MARKS = re.compile(rb'\\.?|["\[\]{}]', re.DOTALL)


def _model(body: Json) -> str:
    """As OpenAI, Anthropic and Google name it, also in the first event of a stream."""
    for holder in (body, body.get("message"), body.get("response")):
        if isinstance(holder, dict):
            name = holder.get("model") or holder.get("modelVersion")
            if isinstance(name, str):
                return name.removeprefix("models/")
    return ""


class StreamReader:
    """Takes a stream apart as its translator would."""

    def __init__(self, translator: Translator, request: Request, content_type: str) -> None:
        self._decoder = decoder_of(content_type)
        self._chunks = translator.chunks(request)
        self._named = False
        self.model = ""
        self.broken = False

    @property
    def usage(self) -> Usage | None:
        return self._chunks.usage

    @property
    def text(self) -> str:
        return self._chunks.text

    @property
    def done(self) -> bool:
        return self._chunks.done

    def feed(self, piece: bytes) -> None:
        self._take(lambda: self._decoder.feed(piece))

    def finish(self) -> None:
        self._take(self._decoder.flush)
        if not self.broken and not self.done:
            try:
                self._chunks.finish()
            except GatewayError:
                self.broken = True
        self.broken = self.broken or not self.done

    def _take(self, frames: Callable[[], list[Frame]]) -> None:
        if self.broken or self.done:
            return
        try:
            for frame in frames():
                if frame.data or not frame.comment:
                    self._name(frame)
                    self._chunks.feed(frame)
        except (BadFrame, GatewayError):
            self.broken = True

    def _name(self, frame: Frame) -> None:
        """The first event says it, if any does."""
        if self._named or not frame.data:
            return
        self._named = True
        try:
            body = orjson.loads(frame.data)
        except orjson.JSONDecodeError:
            return
        self.model = _model(body) if isinstance(body, dict) else ""


class Inflating:
    """Undoes the compression of what another reader reads."""

    def __init__(self, reader: Reader, inflater: Inflater) -> None:
        self._reader = reader
        self._inflater = inflater
        self._lost = False

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage

    @property
    def text(self) -> str:
        return self._reader.text

    @property
    def model(self) -> str:
        return self._reader.model

    @property
    def done(self) -> bool:
        return self._reader.done

    @property
    def broken(self) -> bool:
        return self._lost or self._reader.broken

    def feed(self, piece: bytes) -> None:
        if self._lost:
            return
        try:
            self._reader.feed(self._inflater.feed(piece))
        except BadEncoding:
            self._lost = True

    def finish(self) -> None:
        self._reader.finish()


def reader_of(passage: Passage, status: int, answer: Mapping[str, str]) -> Reader:
    """The reader of an answer with this status and these headers."""
    if passage.format is None or not 200 <= status < 300:
        return Unread()
    translator = registry.find(*passage.format)
    call = passage.call
    request = Request(call.body if translator.raw else {}, passage.deployment, call_id=call.id)
    content_type = answer.get("content-type", "")
    reader: Reader
    if is_stream(content_type):
        reader = StreamReader(translator, request, content_type)
    elif translator.raw is not None and not content_type.startswith("application/json"):
        return Unread(translator.raw(request))
    else:
        reader = WholeReader(translator, request)
    try:
        return Inflating(reader, Inflater(answer.get("content-encoding", "")))
    except BadEncoding:
        return Unread(None)

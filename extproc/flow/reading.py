"""What an answer says of its usage, read while it passes: nothing here changes a byte of it.

A reader that cannot go on stops reading; the answer passes all the same, and what was read counts.
"""

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

    text, done, broken = "", False, False

    def __init__(self, usage: Usage | None = NOTHING) -> None:
        self.usage = usage

    def feed(self, piece: bytes) -> None:
        pass

    def finish(self) -> None:
        pass


class WholeReader:
    """Collects a JSON answer; Google's streams without events are a JSON array."""

    done = False

    def __init__(self, translator: Translator, request: Request) -> None:
        self._translator = translator
        self._request = request
        self._body = bytearray()
        self._full = False
        self.usage: Usage | None = None
        self.text = ""
        self.broken = False

    def feed(self, piece: bytes) -> None:
        self._full = self._full or len(self._body) + len(piece) > MAX_WHOLE_BYTES
        if not self._full:
            self._body += piece

    def finish(self) -> None:
        try:
            parsed = orjson.loads(self._body) if not self._full else None
        except orjson.JSONDecodeError:
            parsed = None
        self._body.clear()
        for body in parsed if isinstance(parsed, list) else [parsed]:
            if isinstance(body, dict):
                self._read(body)

    def _read(self, body: Json) -> None:
        try:
            incoming = self._translator.response(body, self._request)
        except GatewayError:
            self.broken = True
            return
        self.usage = incoming.usage or self.usage
        self.text += incoming.text


class StreamReader:
    """Takes a stream apart as its translator would."""

    def __init__(self, translator: Translator, request: Request, content_type: str) -> None:
        self._decoder = decoder_of(content_type)
        self._chunks = translator.chunks(request)
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
                    self._chunks.feed(frame)
        except (BadFrame, GatewayError):
            self.broken = True


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

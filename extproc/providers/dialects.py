"""The formats clients speak: how an answer, a stream and an error are written in each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import orjson

from extproc.domain.call import Json
from extproc.domain.routes import Served
from extproc.errors import GatewayError
from extproc.providers import sse

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One client format. What it is given to write comes from a translator, and may be changed."""

    stamp: Callable[[Json, str], Json]
    """The whole answer with the model's name that the client used."""
    chunk: Callable[[Json, str, bool], Json | None]
    """The same for a chunk (model, whether usage was asked for); None for one that is not shown."""
    frame: Callable[[Json], bytes]
    """A chunk on the wire. Raises orjson.JSONEncodeError for what is nested too deeply."""
    end: bytes
    """What the format ends its streams with."""
    error: Callable[[GatewayError], Json]
    failure: Callable[[GatewayError, int], bytes]
    """An error in a stream that has begun, after so many events."""
    comment: Callable[[bytes], bytes] = sse.encode_comment
    """A provider's keep-alive."""
    opening: bytes = b""
    """What stands before a stream's first event."""
    between: bytes = b""
    """What stands before each of the others."""
    content_type: str = "text/event-stream"
    """Of a stream."""

    def frames(self, chunks: Iterable[Json], told: int) -> list[bytes]:
        """Chunks on the wire, after so many. Raises as `frame` does."""
        framed = [self.frame(chunk) for chunk in chunks]
        if not self.between:
            return framed
        return [self._before(told + place) + each for place, each in enumerate(framed)]

    def ended(self, told: int) -> bytes:
        """A stream's end, after so many events."""
        return self.end if told else self.opening + self.end

    def _before(self, told: int) -> bytes:
        return self.between if told else self.opening


def _plain(chunk: Json) -> bytes:
    return sse.encode(orjson.dumps(chunk))


def _named(chunk: Json) -> bytes:
    return b"event: %s\n%s" % (str(chunk.get("type", "message")).encode(), _plain(chunk))


def _model(answer: Json, model: str) -> Json:
    return {**answer, "model": model}


def _chat_chunk(chunk: Json, model: str, usage_asked: bool) -> Json | None:
    if not usage_asked and "usage" in chunk:
        usage = chunk.pop("usage")
        if usage and not chunk.get("choices"):
            return None
    chunk["model"] = model
    return chunk


def _messages_chunk(chunk: Json, model: str, usage_asked: bool) -> Json:
    if chunk.get("type") == "message_start" and isinstance(chunk.get("message"), dict):
        chunk["message"]["model"] = model
    return chunk


def _responses_chunk(chunk: Json, model: str, usage_asked: bool) -> Json:
    if isinstance(chunk.get("response"), dict):
        chunk["response"]["model"] = model
    return chunk


def _unstamped(answer: Json, model: str) -> Json:
    return answer


def _version(answer: Json, model: str) -> Json:
    return {**answer, "modelVersion": model}


def _google_chunk(chunk: Json, model: str, usage_asked: bool) -> Json:
    chunk["modelVersion"] = model
    return chunk


GOOGLE_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""https://cloud.google.com/apis/design/errors#handling_errors"""


def _google_error(error: GatewayError) -> Json:
    status = GOOGLE_STATUSES.get(error.status, "UNKNOWN")
    return {"error": {"code": error.status, "message": error.message, "status": status}}


def _blank_line(text: bytes) -> bytes:
    """Google's SDK takes a comment for broken JSON, an empty line for nothing."""
    return b"\n"


def _responses_failure(error: GatewayError, told: int) -> bytes:
    """Events are numbered from 0. https://platform.openai.com/docs/api-reference/responses-streaming/error"""
    envelope = error.envelope()["error"]
    said = {name: envelope[name] for name in ("code", "message", "param")}
    return _named({"type": "error", "sequence_number": told, **said})


OPENAI = Dialect(
    stamp=_model,
    chunk=_chat_chunk,
    frame=_plain,
    end=DONE,
    error=GatewayError.envelope,
    failure=lambda error, told: _plain(error.envelope()),
)
ANTHROPIC = Dialect(
    stamp=_model,
    chunk=_messages_chunk,
    frame=_named,
    end=b"",
    error=GatewayError.anthropic_envelope,
    failure=lambda error, told: _named(error.anthropic_envelope()),
)
GOOGLE = Dialect(
    stamp=_version,
    chunk=_google_chunk,
    frame=_plain,
    end=b"",
    error=_google_error,
    failure=lambda error, told: _plain(_google_error(error)),
    comment=_blank_line,
)


def _array_failure(error: GatewayError, told: int) -> bytes:
    return (b",\r\n" if told else b"[") + orjson.dumps(_google_error(error)) + b"]"


GOOGLE_ARRAY = replace(
    GOOGLE,
    frame=orjson.dumps,
    opening=b"[",
    between=b",\r\n",
    end=b"]",
    failure=_array_failure,
    content_type="application/json",
)
"""How Google streams to a client that does not ask for events: an array that grows.
https://cloud.google.com/apis/docs/system-parameters (`alt`)"""

RESPONSES = Dialect(
    stamp=_model,
    chunk=_responses_chunk,
    frame=_named,
    end=b"",
    error=GatewayError.envelope,
    failure=_responses_failure,
)

EVENTS = Dialect(
    stamp=_unstamped,
    chunk=lambda chunk, model, usage_asked: chunk,
    frame=_named,
    end=b"",
    error=GatewayError.envelope,
    failure=_responses_failure,
)
"""OpenAI's typed events, of what names no model: pictures, speech, transcripts."""

DIALECTS: Mapping[Served, Dialect] = {
    "messages": ANTHROPIC,
    "count_tokens": replace(ANTHROPIC, stamp=_unstamped),
    "generate": GOOGLE,
    "count_contents": replace(GOOGLE, stamp=_unstamped),
    "responses": RESPONSES,
    "response_tokens": replace(RESPONSES, stamp=_unstamped),
    "images": EVENTS,
    "image_edits": EVENTS,
    "speech": EVENTS,
    "transcriptions": EVENTS,
    "translations": EVENTS,
    "rerank": EVENTS,
}


def dialect_of(endpoint: Served, target: str = "") -> Dialect:
    """OpenAI's for every endpoint that is not another's; Google's streams in two ways."""
    if endpoint == "generate" and target and not _asks_for_events(target):
        return GOOGLE_ARRAY
    return DIALECTS.get(endpoint, OPENAI)


def _asks_for_events(target: str) -> bool:
    asked = parse_qs(target.partition("?")[2])
    return "sse" in (*asked.get("alt", ()), *asked.get("$alt", ()))

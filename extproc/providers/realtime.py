"""OpenAI's Realtime API: where a session is opened, and what its events say that it used.

https://platform.openai.com/docs/guides/realtime-websocket
https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio-websockets
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest
from extproc.providers import openai
from extproc.providers.answers import MOST
from extproc.providers.azure import VERSIONLESS
from extproc.providers.base import Outgoing, Request, Translator
from extproc.providers.failures import provider_error
from extproc.providers.websocket import Messages

LONGEST_MESSAGE = 4 * 1024 * 1024
"""Characters of an event that is read; a response's end tells its text again, not its audio."""
MOST_SECONDS = 24 * 3600
MOST_MODELS = 16
TRANSCRIPTION = "transcription"


def asked(target: str) -> Json:
    """What a handshake's query says, as the body of a request. Raises InvalidRequest."""
    try:
        query = parse_qs(target.partition("?")[2], max_num_fields=100)
    except ValueError:
        raise InvalidRequest("The query has too many parameters.") from None
    named = {"model": query.get("model") or query.get("deployment"), "intent": query.get("intent")}
    return {name: values[0] for name, values in named.items() if values}


def _openai(request: Request) -> Outgoing:
    return Outgoing(f"/realtime?{urlencode(_session(request))}", {})


def _azure(request: Request) -> Outgoing:
    """`/openai/v1/realtime?model=`; for a dated API version the preview's path and parameters."""
    version = request.deployment.options.get("api_version", "v1")
    query = _session(request)
    if version in VERSIONLESS:
        return Outgoing(f"/openai/v1/realtime?{urlencode(query)}", {})
    query["deployment"] = query.pop("model", request.deployment.model)
    return Outgoing(f"/openai/realtime?{urlencode({'api-version': version, **query})}", {})


def _session(request: Request) -> dict[str, str]:
    """A session that only transcribes is opened without a model: its client names one later."""
    intent = request.body.get("intent")
    if intent == TRANSCRIPTION:
        return {"intent": intent}
    return {"model": request.deployment.model, **({"intent": intent} if intent else {})}


def _at(path: Callable[[Request], Outgoing]) -> Translator:
    """Only the handshake is translated: what is said then passes as it is."""
    return replace(openai.CHAT, request=path, error=provider_error)


OPENAI, AZURE = _at(_openai), _at(_azure)


class Tally:
    """What one session used, read from the server's side of it. Every usage is one of its own."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.beside: dict[str, Usage] = {}
        """What other models used for it: those that write down what the user says."""
        self.session_id = ""
        self._messages = Messages(LONGEST_MESSAGE)
        self._transcriber = ""

    @property
    def closing(self) -> bool:
        """Whether the server has taken its leave."""
        return self._messages.closing

    @property
    def broken(self) -> bool:
        """Whether the server's frames can no longer be read."""
        return self._messages.broken

    def feed(self, data: bytes) -> bool:
        """Whether anything was used that was not known before."""
        before = self.usage, dict(self.beside)
        for message in self._messages.feed(data):
            if any(kind in message for kind in READERS):
                self._read(message)
        return before != (self.usage, self.beside)

    def _read(self, message: str) -> None:
        try:
            event = orjson.loads(message)
        except orjson.JSONDecodeError:
            return
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            reader = READERS.get(f'"{event["type"]}"')
            if reader is not None:
                reader(self, event)

    def _session(self, event: Json) -> None:
        session = _object(event.get("session"))
        if isinstance(session.get("id"), str):
            self.session_id = session["id"]
        audio_input = _object(_object(session.get("audio")).get("input"))
        for holder in (audio_input.get("transcription"), session.get("input_audio_transcription")):
            model = _object(holder).get("model")
            if isinstance(model, str):
                self._transcriber = model

    def _response(self, event: Json) -> None:
        self.usage += response_usage(_object(event.get("response")).get("usage"))

    def _transcription(self, event: Json) -> None:
        model = self._transcriber
        if model not in self.beside and len(self.beside) == MOST_MODELS:
            model = next(iter(self.beside))
        used = transcription_usage(event.get("usage"))
        self.beside[model] = self.beside.get(model, Usage()) + used


READERS: Mapping[str, Callable[[Tally, Json], None]] = {
    '"session.created"': Tally._session,
    '"session.updated"': Tally._session,
    '"transcription_session.created"': Tally._session,
    '"transcription_session.updated"': Tally._session,
    '"response.done"': Tally._response,
    '"conversation.item.input_audio_transcription.completed"': Tally._transcription,
}
"""The events that are read, as JSON writes their types."""


def response_usage(raw: Any) -> Usage:
    """One response's. Cached tokens are parts of text, audio and pictures: each counts once."""
    usage = _object(raw)
    details = _object(usage.get("input_token_details"))
    produced = _object(usage.get("output_token_details"))
    cached = _object(details.get("cached_tokens_details"))

    def fresh(kind: str) -> int:
        return max(0, _count(details.get(kind)) - _count(cached.get(kind)))

    return Usage(
        input=_count(usage.get("input_tokens")),
        output=_count(usage.get("output_tokens")),
        cached=_count(details.get("cached_tokens")),
        audio_input=fresh("audio_tokens"),
        image_input=fresh("image_tokens"),
        audio_output=_count(produced.get("audio_tokens")),
    )


def transcription_usage(raw: Any) -> Usage:
    """Counted in tokens, or in seconds of speech."""
    usage = _object(raw)
    details = _object(usage.get("input_token_details"))
    stated = usage.get("seconds")
    seconds = stated if isinstance(stated, int | float) and 0 < stated <= MOST_SECONDS else 0
    return Usage(
        input=_count(usage.get("input_tokens")),
        output=_count(usage.get("output_tokens")),
        audio_input=_count(details.get("audio_tokens")),
        audio_milliseconds=round(seconds * 1000),
    )


def _count(value: Any) -> int:
    """A null, a string, a negative or an absurd number is no count."""
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST
    return value if counts else 0


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}

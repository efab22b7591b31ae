"""OpenAI's endpoints for pictures, sound and moderation: they pass as they are, and are measured.

https://platform.openai.com/docs/api-reference/images
https://platform.openai.com/docs/api-reference/audio
https://platform.openai.com/docs/api-reference/moderations
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.numbers import whole_number
from extproc.domain.usage import NOTHING, Usage
from extproc.providers import answers
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error
from extproc.providers.forms import Upload
from extproc.providers.frames import Frame

DONE = b"[DONE]"
MOST_SECONDS = 7 * 24 * 3600


def _request(path: str) -> Callable[[Request], Outgoing]:
    def request(request: Request) -> Outgoing:
        body = {**request.body, "model": request.deployment.model}
        form = any(_is_upload(member) for member in body.values())
        return Outgoing(path, body, form=form)

    return request


def _is_upload(member: Any) -> bool:
    return isinstance(member, Upload) or (
        isinstance(member, list) and any(isinstance(each, Upload) for each in member)
    )


def usage(raw: Any) -> Usage | None:
    """The `usage` of a picture or a transcript: tokens with their kinds, or seconds of sound."""
    stated = answers.record(raw)
    if (seconds := _seconds(stated.get("seconds"))) is not None:
        return Usage(audio_milliseconds=seconds)
    given, made = (answers.count(stated.get(f"{way}_tokens")) or 0 for way in ("input", "output"))
    if not given and not made:
        return None
    kinds = answers.record(stated.get("input_tokens_details") or stated.get("input_token_details"))
    kinds_made = answers.record(stated.get("output_tokens_details"))
    return Usage(
        input=given,
        output=made,
        image_input=answers.count(kinds.get("image_tokens")) or 0,
        audio_input=answers.count(kinds.get("audio_tokens")) or 0,
        cached=answers.count(kinds.get("cached_tokens")) or 0,
        image_output=answers.count(kinds_made.get("image_tokens")) or 0,
    )


def _made(what: str, found: Usage | None) -> Usage | None:
    """Where the provider does not say what its tokens made: what the event's name says."""
    if found is None or found.image_output:
        return found
    if what.startswith("image"):
        return replace(found, image_output=found.output)
    return replace(found, audio_output=found.output) if what.startswith("speech") else found


def _seconds(value: Any) -> int | None:
    """A length in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * 1000) if 0 < value <= MOST_SECONDS else None


def _checked(body: Json, request: Request) -> Json:
    if body.get("error"):
        raise provider_error(500, {}, orjson.dumps(body), request.deployment)
    return body


def _moderated(body: Json, request: Request) -> Incoming:
    """Moderation costs nothing. https://platform.openai.com/docs/guides/moderation"""
    return Incoming(_checked(body, request), usage(body.get("usage")) or NOTHING)


def _pictures(body: Json, request: Request) -> Incoming:
    """Models that are not paid by the token are paid by the picture."""
    made = _checked(body, request).get("data")
    by_piece = Usage(images=len(made) if isinstance(made, list) else 0)
    return Incoming(body, _made("image", usage(body.get("usage"))) or by_piece)


def _transcript(body: Json, request: Request) -> Incoming:
    text = answers.text(_checked(body, request).get("text"))
    return Incoming(body, usage(body.get("usage")) or _length(body), text)


def _length(body: Json) -> Usage | None:
    """`verbose_json` tells how long the sound was."""
    milliseconds = _seconds(body.get("duration"))
    return None if milliseconds is None else Usage(audio_milliseconds=milliseconds)


def _spoken(request: Request) -> Usage:
    return Usage(characters=len(answers.text(request.body.get("input"))))


def _not_said(request: Request) -> None:
    """Subtitles and bare text do not tell how long the sound was."""


class Events:
    """A stream of typed events; the last is called `….completed` or `….done` and has the usage.

    Several pictures are as many `….completed` events.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._text: list[str] = []
        self._awaited = whole_number(str(request.body.get("n"))) or 1
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def feed(self, frame: Frame) -> list[Json]:
        if frame.data.strip() == DONE:
            self.done = True
            return []
        event = answers.event(frame, self._request.deployment)
        if event.get("error") or event.get("type") == "error":
            raise provider_error(500, {}, frame.data, self._request.deployment)
        kind = answers.text(event.get("type"))
        if kind == "transcript.text.delta":
            self._text.append(answers.text(event.get("delta")))
        self.usage = _made(kind, usage(event.get("usage"))) or self.usage
        self._awaited -= kind.endswith((".completed", ".done"))
        self.done = self._awaited <= 0
        return [event]

    def finish(self) -> list[Json]:
        return []


def _unstream(kind: str) -> Callable[[Json, Request], list[Json]]:
    """A whole answer as the last event of a stream; of several pictures each is one."""

    def unstream(body: Json, request: Request) -> list[Json]:
        common = {name: member for name, member in body.items() if name != "data"}
        pictures = answers.objects(body.get("data")) or [{}]
        return [{"type": kind, **common, **picture} for picture in pictures]

    return unstream


def _translator(
    path: str,
    response: Callable[[Json, Request], Incoming],
    raw: Callable[[Request], Usage | None] | None = None,
    last: str = "",
) -> Translator:
    """`last` is the type of a stream's last event."""
    return Translator(_request(path), response, Events, _unstream(last), provider_error, raw=raw)


MODERATIONS = _translator("/moderations", _moderated)
IMAGES = _translator("/images/generations", _pictures, last="image_generation.completed")
IMAGE_EDITS = _translator("/images/edits", _pictures, last="image_edit.completed")
SPEECH = _translator("/audio/speech", _moderated, _spoken)
TRANSCRIPTIONS = _translator(
    "/audio/transcriptions", _transcript, _not_said, last="transcript.text.done"
)
TRANSLATIONS = _translator("/audio/translations", _transcript, _not_said)

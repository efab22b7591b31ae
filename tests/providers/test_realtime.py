"""Where a session is opened, and what its events say that it used."""

from typing import Any

import orjson
import pytest
from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent,
    RealtimeResponseUsage,
)
from wsproto.frame_protocol import FrameProtocol

from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest
from extproc.providers import registry
from extproc.providers.base import Request
from extproc.providers.realtime import Tally, asked, response_usage
from tests.calls import deployment

USAGE = RealtimeResponseUsage.model_validate(
    {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 70,
            "audio_tokens": 50,
            "image_tokens": 12,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 40, "audio_tokens": 20, "image_tokens": 4},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    }
).model_dump()
COUNTED = Usage(input=132, output=121, cached=64, audio_input=30, image_input=8, audio_output=91)


def tally(*events: Any) -> Tally:
    made, server = Tally(), FrameProtocol(client=False, extensions=[])
    for event in events:
        made.feed(bytes(server.send_data(orjson.dumps(event).decode())))
    return made


def transcribed(usage: dict[str, Any]) -> dict[str, Any]:
    return ConversationItemInputAudioTranscriptionCompletedEvent.model_validate(
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "e",
            "item_id": "i",
            "content_index": 0,
            "transcript": "Hi",
            "usage": usage,
        }
    ).model_dump()


TOKENS = {
    "type": "tokens",
    "input_tokens": 14,
    "output_tokens": 3,
    "total_tokens": 17,
    "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
}


def test_a_cached_token_is_counted_once() -> None:
    assert response_usage(USAGE) == COUNTED


def test_each_responses_usage_is_added() -> None:
    done = {"type": "response.done", "response": {"id": "r", "usage": USAGE}}
    assert tally(done, {"type": "response.created"}, done).usage == COUNTED + COUNTED


@pytest.mark.parametrize("holder", ["new", "old"])
def test_who_writes_down_the_speech_is_paid_apart(holder: str) -> None:
    heard = {"transcription": {"model": "gpt-4o-transcribe"}}
    session = {"id": "s", "audio": {"input": heard}}
    if holder == "old":
        session = {"id": "s", "input_audio_transcription": {"model": "gpt-4o-transcribe"}}
    made = tally({"type": "session.updated", "session": session}, transcribed(TOKENS))
    assert made.session_id == "s"
    assert made.beside == {"gpt-4o-transcribe": Usage(input=14, output=3, audio_input=10)}
    assert made.usage == Usage()


def test_speech_may_be_counted_in_seconds() -> None:
    made = tally(transcribed({"type": "duration", "seconds": 2.5}))
    assert made.beside == {"": Usage(audio_milliseconds=2500)}


@pytest.mark.parametrize(
    "event",
    [
        [],
        "response.done",
        {"type": ["response.done"]},
        {"type": "response.done"},
        {"type": "response.done", "response": {"usage": None}},
        {"type": "response.done", "response": {"usage": {"input_tokens": -4}}},
        {"type": "response.done", "response": {"usage": {"input_tokens": "4"}}},
        {"type": "other", "said": {"type": "response.done", "response": {"usage": USAGE}}},
        {"type": "session.updated", "session": {"id": 3, "audio": []}},
    ],
)
def test_what_says_nothing_counts_nothing(event: Any) -> None:
    assert tally(event).usage == Usage()


def test_text_about_an_event_is_no_event() -> None:
    server = FrameProtocol(client=False, extensions=[])
    made = Tally()
    made.feed(bytes(server.send_data('{"type": "response.done", "response": {"usage"')))
    made.feed(bytes(server.send_data('{"delta": "\\"response.done\\""}')))
    assert (made.usage, made.broken) == (Usage(), False)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?model=a%2Fb&api_key=sk-1", {"model": "a/b"}),
        ("?api-version=1&deployment=d", {"model": "d"}),
        ("?model=m&model=n&intent=transcription", {"model": "m", "intent": "transcription"}),
        ("?model=", {}),
        ("", {}),
    ],
)
def test_the_query_names_the_model(query: str, body: dict[str, str]) -> None:
    assert asked(f"/v1/realtime{query}") == body


def test_a_query_without_end_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        asked("/v1/realtime?" + "a=b&" * 1000)


@pytest.mark.parametrize(
    ("schema", "version", "intent", "path"),
    [
        ("openai", "", "", "/realtime?model=my+model"),
        ("openai_chat", "", "other", "/realtime?model=my+model&intent=other"),
        ("openai", "", "transcription", "/realtime?intent=transcription"),
        ("azure", "", "", "/openai/v1/realtime?model=my+model"),
        ("azure", "preview", "", "/openai/v1/realtime?model=my+model"),
        (
            "azure",
            "2025-04-01-preview",
            "",
            "/openai/realtime?api-version=2025-04-01-preview&deployment=my+model",
        ),
        (
            "azure",
            "2025-04-01-preview",
            "transcription",
            "/openai/realtime?api-version=2025-04-01-preview&intent=transcription"
            "&deployment=my+model",
        ),
    ],
)
def test_where_a_session_is_opened(schema: str, version: str, intent: str, path: str) -> None:
    options = {"api_version": version} if version else {}
    target = deployment(schema=schema, model="my model", options=options)
    body = {"model": "gpt", **({"intent": intent} if intent else {})}
    outgoing = registry.find("realtime", schema).request(Request(body, target))
    assert outgoing.path == path

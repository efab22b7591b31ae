"""OpenAI's SDK at the endpoints beside chat, pointed straight at the simulated provider."""

import base64
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
SOUND = ("a.wav", b"RIFF\r\n\x00\xff", "audio/wav")


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-x", max_retries=0) as client:
        yield client


@pytest.fixture
def brief(url: str) -> Iterator[openai.OpenAI]:
    """Its answers have two words; a form has no place for orders, the path has."""
    with openai.OpenAI(base_url=f"{url}/words=2/v1", api_key="sk-x", max_retries=0) as client:
        yield client


def orders(**words: object) -> dict[str, Any]:
    return {"extra_body": {"x_demo": words}}


def test_a_response_and_what_can_be_asked_of_it(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="count for me", **orders(words=3))
    assert (made.output_text, made.status) == ("one two three", "completed")
    assert made.usage
    assert (made.usage.input_tokens, made.usage.output_tokens) == (3, 3)
    again = client.responses.retrieve(made.id)
    assert (again.output_text, again.id) == (made.output_text, made.id)
    [item] = client.responses.input_items.list(made.id)
    assert item.content[0].text == "count for me"
    more = client.responses.create(model="m", input="go on", previous_response_id=made.id)
    assert more.usage
    assert more.usage.input_tokens == 2 + 3 + 3
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        client.responses.create(model="m", input="go on", previous_response_id=made.id)


def test_a_response_that_is_not_stored_is_not_kept(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_only_what_runs_in_the_background_is_cancelled(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="hi", background=True)
    assert (made.status, made.usage) == ("queued", None)
    assert client.responses.retrieve(made.id).status == "completed"
    assert client.responses.cancel(made.id).status == "cancelled"
    made = client.responses.create(model="m", input="hi")
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(made.id)


def test_input_tokens_are_counted(client: openai.OpenAI) -> None:
    count = client.responses.input_tokens.count(model="m", input="a b", instructions="c")
    assert count.input_tokens == 3


def test_a_streamed_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model="m", input="hi", **orders(words=2)) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events] == [
        *("response.created", "response.in_progress", "response.output_item.added"),
        *("response.content_part.added", *["response.output_text.delta"] * 2),
        *("response.output_text.done", "response.content_part.done"),
        *("response.output_item.done", "response.completed"),
    ]
    assert final.output_text == "one two"


@pytest.mark.parametrize("stream", [True, False])
def test_a_response_reasons_and_calls(client: openai.OpenAI, stream: bool) -> None:
    ask: dict[str, Any] = {
        **{"model": "m", "input": "hi", "tools": [TOOL], "tool_choice": "required"},
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    if stream:
        with client.responses.stream(**ask) as events:
            made = events.get_final_response()
    else:
        made = client.responses.create(**ask)
    thought, call = made.output
    assert thought.type == "reasoning"
    assert thought.summary[0].text == "one two three four"
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("weather", '{"city":"one"}')


def test_a_response_that_is_cut_short_is_incomplete(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="hi", max_output_tokens=2)
    assert made.status == "incomplete"
    assert made.incomplete_details
    assert made.incomplete_details.reason == "max_output_tokens"


def test_an_error_within_a_streamed_response(client: openai.OpenAI) -> None:
    stream = client.responses.create(model="m", input="hi", stream=True, **orders(error_at=3))
    assert [event.type for event in stream][-1] == "error"


def test_moderations(client: openai.OpenAI) -> None:
    made = client.moderations.create(model="omni-moderation-latest", input=["a", "b"])
    assert [result.flagged for result in made.results] == [False, False]


@pytest.mark.parametrize("edit", [True, False])
def test_pictures(client: openai.OpenAI, edit: bool) -> None:
    ask: dict[str, Any] = {"model": "gpt-image-1", "prompt": "a white dot", "n": 2}
    made = client.images.edit(image=b"png", **ask) if edit else client.images.generate(**ask)
    assert made.data
    pictures = [base64.b64decode(one.b64_json or "") for one in made.data]
    assert [picture[:8] for picture in pictures] == [b"\x89PNG\r\n\x1a\n"] * 2
    assert made.usage
    assert (made.usage.input_tokens, made.usage.total_tokens) == (3, 3 + 2 * 272)


def test_speech(client: openai.OpenAI) -> None:
    ask: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "hi"}
    made = client.audio.speech.create(**ask, response_format="wav")
    assert made.response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(made.content)) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 800)
    assert client.audio.speech.create(**ask).content[:2] == b"\xff\xfb"
    with pytest.raises(openai.BadRequestError, match="response_format"):
        client.audio.speech.create(**ask, extra_body={"response_format": "tape"})


def test_speech_as_events(url: str) -> None:
    ask = {"model": "t", "voice": "v", "input": "a b", "stream_format": "sse"}
    answer = httpx.post(f"{url}/v1/audio/speech", json={**ask, "x_demo": {"words": 2}})
    kinds = [line.split('"')[3] for line in answer.text.splitlines() if line]
    assert kinds == [*["speech.audio.delta"] * 2, "speech.audio.done"]


def test_transcripts_as_json(client: openai.OpenAI) -> None:
    made = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND)
    assert made.text.startswith("one two")
    assert made.usage
    assert made.usage.type == "tokens"
    assert (made.usage.input_tokens, made.usage.output_tokens) == (len(SOUND[1]), 12)
    made = client.audio.transcriptions.create(model="whisper-1", file=SOUND)
    assert made.usage
    assert made.usage.type == "duration"
    assert made.usage.seconds == 12


def test_transcripts_in_other_forms(brief: openai.OpenAI) -> None:
    ask: dict[str, Any] = {"model": "whisper-1", "file": SOUND}
    make = brief.audio.transcriptions.create
    assert make(**ask, response_format="text") == "one two\n"
    assert make(**ask, response_format="srt").startswith("1\n00:00:00,000 --> 00:00:02,000\none")
    assert make(**ask, response_format="vtt").startswith("WEBVTT\n\n00:00:00.000 -->")
    verbose = make(**ask, response_format="verbose_json")
    assert (verbose.duration, verbose.usage.seconds) == (2, 2)


def test_translations_are_made_like_transcripts(url: str) -> None:
    made = httpx.post(
        f"{url}/words=2/v1/audio/translations",
        data={"model": "whisper-1", "response_format": "verbose_json"},
        files={"file": SOUND},
    )
    assert (made.json()["task"], made.json()["text"]) == ("translate", "one two")


def test_a_streamed_transcript(brief: openai.OpenAI) -> None:
    model = "gpt-4o-transcribe"
    events = list(brief.audio.transcriptions.create(model=model, file=SOUND, stream=True))
    kinds = [event.type for event in events]
    assert kinds == [*["transcript.text.delta"] * 2, "transcript.text.done"]


def test_documents_are_ranked(url: str) -> None:
    body = {"model": "r", "query": "a b", "documents": ["c", "b a"], "top_n": 1}
    said = httpx.post(f"{url}/v1/rerank", json=body).json()
    assert said["results"] == [{"index": 1, "relevance_score": 1.0, "document": {"text": "b a"}}]
    assert said["usage"] == {"total_tokens": 5}


def test_ordered_calls_are_parallel(client: openai.OpenAI) -> None:
    function = {name: TOOL[name] for name in ("name", "parameters")}
    ask: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    ask["tools"] = [{"type": "function", "function": function}]
    made = client.chat.completions.create(**ask, **orders(calls=2))
    calls = made.choices[0].message.tool_calls or []
    assert len({call.id for call in calls}) == 2
    with client.chat.completions.stream(**ask, **orders(calls=2)) as stream:
        final = stream.get_final_completion()
    assert [c.function.arguments for c in final.choices[0].message.tool_calls or []] == [
        '{"city":"one"}'
    ] * 2

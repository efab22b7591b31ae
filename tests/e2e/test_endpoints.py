"""The endpoints beside conversation, asked with the official SDKs: vectors, media, counts."""

import json
from typing import Any

import httpx
import pytest
from google.genai import types

from extproc.demo.voices.media import _mp3, _png, _wav
from tests.e2e.books import Books
from tests.e2e.clients import PROMPT, TWELVE, Clients
from tests.e2e.gateway import Gateway, run_id
from tests.e2e.providers import INPUT_PRICE, NAMES
from tests.e2e.upstream import Upstream

IMAGE = (3, 272)
"""(prompt, completion) tokens of a small picture."""


def called(run: str) -> dict[str, str]:
    return {"x-litellm-call-id": run}


MUTE = frozenset({"gemini", "bedrock"})
"""Those whose answer does not say how many tokens they embedded."""
EMBEDDING = ("openai", "azure", "bedrock", "gemini", "vertex", "cohere", "mistral", "ollama")


@pytest.mark.parametrize("provider", EMBEDDING)
def test_embeddings(clients: Clients, books: Books, provider: str) -> None:
    group, run = f"{provider}+vectors", books.run("vectors")
    answer = clients.openai.embeddings.create(
        model=group, input=["one two", "three"], extra_headers=called(run)
    )
    assert [row.index for row in answer.data] == [0, 1]
    assert [len(row.embedding) for row in answer.data] == [8, 8]
    assert answer.data[0].embedding != answer.data[1].embedding
    assert answer.model == group
    row = books.row(run)
    assert (row["status"], row["call_type"]) == ("success", "aembedding")
    assert row["prompt_tokens"] == 3
    assert row["spend"] == pytest.approx(3 * INPUT_PRICE)
    assert row["metadata"]["estimated"] is (provider in MUTE)
    assert answer.usage.prompt_tokens == (0 if provider in MUTE else 3)


@pytest.mark.parametrize("provider", NAMES)
def test_tokens_are_counted_in_anthropics_terms(
    clients: Clients, books: Books, upstream: Upstream, provider: str
) -> None:
    """By the provider where it can, else here; it costs nothing."""
    word = run_id("count")
    run = books.run("count") if provider == "anthropic" else word
    counted = clients.anthropic.messages.count_tokens(
        model=provider,
        messages=[{"role": "user", "content": f"{PROMPT} {word}"}],
        extra_headers=called(run),
    )
    asked = [row for row in upstream.seen_all()["requests"] if word in row["body_head"]]
    if provider == "anthropic":
        assert counted.input_tokens == 5
        assert [row["at"] for row in asked] == ["/anthropic/v1/messages/count_tokens"]
        row = books.row(run)
        assert (row["call_type"], row["spend"]) == ("acount_tokens", 0)
    else:
        assert 5 <= counted.input_tokens < 40
        assert asked == []


@pytest.mark.parametrize("provider", ["gemini", "vertex", "openai", "anthropic", "bedrock"])
def test_tokens_are_counted_in_googles_terms(clients: Clients, books: Books, provider: str) -> None:
    native = provider in ("gemini", "vertex")
    run = books.run("count") if native else run_id("count")
    options = types.HttpOptions(headers=called(run))
    counted = clients.google.models.count_tokens(
        model=provider,
        contents=PROMPT,
        config=types.CountTokensConfig(http_options=options),
    )
    assert counted.total_tokens is not None
    if native:
        assert counted.total_tokens == 4
        assert books.row(run)["call_type"] == "acount_tokens"
    else:
        assert 4 <= counted.total_tokens < 20


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_tokens_are_counted_in_the_responses_apis_terms(
    clients: Clients, books: Books, provider: str
) -> None:
    run = books.run("count") if provider == "openai" else run_id("count")
    counted = clients.openai.responses.input_tokens.count(
        model=provider, input=PROMPT, extra_headers=called(run)
    )
    assert counted.object == "response.input_tokens"
    assert 4 <= counted.input_tokens < 20


MEDIA = pytest.mark.parametrize("provider", ["openai", "azure", "groq"])


@pytest.mark.parametrize("provider", ["openai", "groq"])
def test_moderations(clients: Clients, books: Books, provider: str) -> None:
    run = books.run("moderation")
    answer = clients.openai.moderations.create(
        model=provider, input=["be kind", "be good"], extra_headers=called(run)
    )
    assert [result.flagged for result in answer.results] == [False, False]
    row = books.row(run)
    assert (row["call_type"], row["spend"]) == ("amoderation", 0)


@MEDIA
def test_a_picture(clients: Clients, books: Books, provider: str) -> None:
    run = books.run("image")
    answer = clients.openai.images.generate(
        model=provider, prompt="a small cat", extra_headers=called(run)
    )
    assert answer.data is not None
    assert len(answer.data[0].b64_json or "") > 50
    books.billed(run, provider, "aimage_generation", IMAGE)


@MEDIA
def test_an_edited_picture(clients: Clients, books: Books, provider: str) -> None:
    run = books.run("edit")
    answer = clients.openai.images.edit(
        model=provider,
        image=[("one.png", _png(), "image/png"), ("two.png", _png(), "image/png")],
        prompt="a small cat",
        extra_headers=called(run),
    )
    assert answer.data is not None
    books.billed(run, provider, "aimage_edit", IMAGE)


@pytest.mark.parametrize(("form", "sound"), [("mp3", _mp3()), ("wav", _wav())], ids=["mp3", "wav"])
def test_speech_comes_byte_for_byte(
    clients: Clients, books: Books, form: Any, sound: bytes
) -> None:
    run = books.run("speech")
    answer = clients.openai.audio.speech.create(
        model="tts",
        voice="alloy",
        input="say this",
        response_format=form,
        extra_headers=called(run),
    )
    assert answer.content == sound
    assert answer.response.headers["content-type"].startswith("audio/")
    row = books.row(run)
    assert (row["status"], row["call_type"]) == ("success", "aspeech")
    assert row["spend"] == pytest.approx(len("say this") * 1e-05)


def test_speech_as_events(clients: Clients, books: Books) -> None:
    run = books.run("speech")
    with clients.openai.audio.speech.with_streaming_response.create(
        model="tts", voice="alloy", input="say", stream_format="sse", extra_headers=called(run)
    ) as answer:
        events = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
    kinds = [json.loads(event)["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("speech.audio.delta", "speech.audio.done")
    assert books.row(run)["status"] == "success"


SRT = f"1\n00:00:00,000 --> 00:00:12,000\n{TWELVE}\n\n"


@pytest.mark.parametrize(
    ("form", "text"),
    [("json", TWELVE), ("verbose_json", TWELVE), ("srt", SRT)],
    ids=["json", "verbose", "srt"],
)
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's translations
@pytest.mark.parametrize("verb", ["transcriptions", "translations"])
def test_speech_written_down(
    clients: Clients, books: Books, verb: str, form: Any, text: str
) -> None:
    run = books.run(verb)
    answer = getattr(clients.openai.audio, verb).create(
        model="whisper", file=("a.wav", _wav()), response_format=form, extra_headers=called(run)
    )
    assert (answer if form == "srt" else answer.text) == text
    row = books.row(run)
    assert (row["status"], row["call_type"]) == ("success", f"a{verb[:-1]}")
    if form != "srt":
        assert row["spend"] == pytest.approx(12 * 0.0001)


def test_speech_written_down_as_it_is_heard(clients: Clients, books: Books) -> None:
    run, sound = books.run("hear"), _wav()
    stream = clients.openai.audio.transcriptions.create(
        model="openai", file=("a.wav", sound), stream=True, extra_headers=called(run)
    )
    events = list(stream)
    assert "".join(e.delta for e in events if e.type == "transcript.text.delta") == TWELVE
    assert events[-1].type == "transcript.text.done"
    row = books.billed(run, "openai", "atranscription", (len(sound), 12))
    assert row["metadata"]["usage_object"]["prompt_tokens_details"]["audio_tokens"] == len(sound)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
@pytest.mark.parametrize("group", ["cohere+ranks", "groq"])
def test_ranks(gateway: Gateway, books: Books, path: str, group: str) -> None:
    run = books.run("ranks")
    documents = ["a red house", "the blue sea", "a red red rose"]
    answer: httpx.Response = gateway.http.post(
        path,
        json={"model": group, "query": "blue sea", "documents": documents, "top_n": 2},
        headers={**gateway.auth(books.key), **called(run)},
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [row["index"] for row in results] == [1, 0]
    assert results[0]["relevance_score"] == 1.0
    row = books.row(run)
    assert (row["status"], row["call_type"]) == ("success", "arerank")
    if group == "cohere+ranks":
        assert row["spend"] == pytest.approx(0.002)


def test_text_completions_of_a_chat_provider(clients: Clients, books: Books) -> None:
    runs = [books.run("text") for _ in range(2)]
    asked: dict[str, Any] = {"model": "gemini", "prompt": PROMPT}
    whole = clients.openai.completions.create(**asked, extra_headers=called(runs[0]))
    stream = clients.openai.completions.create(**asked, stream=True, extra_headers=called(runs[1]))
    assert whole.choices[0].text == TWELVE
    assert "".join(c.choices[0].text for c in stream if c.choices) == TWELVE
    for run in runs:
        books.billed(run, "gemini", "atext_completion", (4, 12))

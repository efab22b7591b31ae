"""OpenAI's endpoints beside text: moderations, images, speech and transcriptions.

https://platform.openai.com/docs/api-reference/images
https://platform.openai.com/docs/api-reference/audio
"""

import base64
import zlib
from collections.abc import Iterator
from struct import pack

import orjson

from extproc.demo.answers import CREATED, MODEL, Answer, Question, inputs, tokens_of
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, Body, Endpoint, Refused, json_body, needed
from extproc.demo.voices.openai import FAILURE

IMAGE_TOKENS = 272
"""Output tokens of one picture: what a small one of low quality costs."""
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent"),
    *("sexual", "sexual/minors", "violence", "violence/graphic"),
)


def _ask_moderation(asked: Asked) -> Question:
    needed(asked.body, "input")
    return Question(
        id=f"modr-{asked.number}",
        body=asked.body,
        model=str(asked.body.get("model", "omni-moderation-latest")),
        prompt_tokens=tokens_of(asked.body["input"]),
        generates=False,
    )


def _moderation(answer: Answer) -> Body:
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    results = [result for _ in inputs(answer.question.body["input"])]
    return json_body({"id": answer.id, "model": answer.question.model, "results": results})


def _png() -> bytes:
    """A picture of one white pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    head = pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00\xff"))
        + chunk(b"IEND", b"")
    )


def _ask_image(asked: Asked) -> Question:
    """The fields may come as JSON or as a form, whose numbers are text."""
    needed(asked.body, "prompt")
    return Question(
        id=asked.number,
        body=asked.body,
        model=str(asked.body.get("model", MODEL)),
        prompt_tokens=tokens_of(asked.body["prompt"]),
        choices=int(asked.body.get("n") or 1),
        generates=False,
    )


def _ask_edit(asked: Asked) -> Question:
    if not any(name in asked.body for name in ("image", "image[]", "images")):
        raise Refused(400, "image: Field required")
    return _ask_image(asked)


def _image(answer: Answer) -> Body:
    body, count = answer.question.body, answer.question.choices
    linked = body.get("response_format") == "url"
    data = {"b64_json": base64.b64encode(_png()).decode()}
    link = {"url": "https://images.example/one.png", "revised_prompt": body["prompt"]}
    output = IMAGE_TOKENS * count
    usage = {
        "input_tokens": answer.prompt,
        "input_tokens_details": {"text_tokens": answer.prompt, "image_tokens": 0},
        "output_tokens": output,
        "total_tokens": answer.prompt + output,
    }
    told: Json = {"created": CREATED, "data": [link if linked else data] * count}
    for name, usual in (("background", "opaque"), ("quality", "low"), ("size", "1024x1024")):
        told[name] = body.get(name, usual)
    told["output_format"] = body.get("output_format", "png")
    return json_body(told | answer.counted("usage", usage))


def _wav() -> bytes:
    """A tenth of a second of silence."""
    samples = bytes(1600)
    form = pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    inner = b"WAVE" + form + pack("<4sI", b"data", len(samples)) + samples
    return pack("<4sI", b"RIFF", len(inner)) + inner


def _mp3() -> bytes:
    """Four silent frames of MPEG-1 layer III, 128 kbit/s at 44.1 kHz, mono."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * 4


_SOUNDS = {
    "mp3": ("audio/mpeg", _mp3()),
    "wav": ("audio/wav", _wav()),
    "pcm": ("audio/pcm", bytes(1600)),
    "aac": ("audio/aac", b"\xff\xf1\x50\x80\x01\x1f\xfc" + bytes(2)),
    "opus": ("audio/opus", b"OggS" + bytes(24)),
    "flac": ("audio/flac", b"fLaC\x80\x00\x00\x22" + bytes(34)),
}
"""(media type, bytes) of each `response_format`; in all but the first three only the head holds."""


def _ask_speech(asked: Asked) -> Question:
    body = asked.body
    needed(body, "model", "input", "voice")
    if body.get("response_format", "mp3") not in _SOUNDS:
        raise Refused(400, f"response_format: Input should be one of {', '.join(_SOUNDS)}")
    return Question(
        id=asked.number,
        body=body,
        model=str(body["model"]),
        prompt_tokens=tokens_of(body["input"]),
        stream=body.get("stream_format") == "sse",
    )


def _speech(answer: Answer) -> Body:
    media, data = _SOUNDS[answer.question.body.get("response_format", "mp3")]
    return Body(data, media)


def _speech_events(answer: Answer) -> Iterator[Event]:
    data = _speech(answer).data
    size = -(-len(data) // max(1, answer.words))
    for start in range(0, len(data), size):
        piece = base64.b64encode(data[start : start + size]).decode()
        yield Event(orjson.dumps({"type": "speech.audio.delta", "audio": piece}), 1)
    usage = {"input_tokens": answer.prompt, "output_tokens": answer.tokens}
    usage["total_tokens"] = answer.prompt + answer.tokens
    done = {"type": "speech.audio.done"} | answer.counted("usage", usage)
    yield Event(orjson.dumps(done), ends=True)


def _ask_transcript(asked: Asked) -> Question:
    body = asked.body
    needed(body, "file", "model")
    return Question(
        id=asked.number,
        body=body,
        model=str(body["model"]),
        prompt_tokens=len(body["file"]),
        stream=str(body.get("stream", "")).lower() == "true",
    )


def _transcript_usage(answer: Answer) -> Json:
    """Seconds for Whisper, a second a word; tokens for the others, one for a byte of sound."""
    if answer.question.model.startswith("whisper"):
        return {"type": "duration", "seconds": answer.words}
    return {
        "type": "tokens",
        "input_tokens": answer.prompt,
        "input_token_details": {"text_tokens": 0, "audio_tokens": answer.prompt},
        "output_tokens": answer.tokens,
        "total_tokens": answer.prompt + answer.tokens,
    }


def _clock(seconds: int, comma: str) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{comma}000"


def _captions(answer: Answer, comma: str) -> str:
    return f"{_clock(0, comma)} --> {_clock(answer.words, comma)}\n{answer.text}\n\n"


def _verbose(answer: Answer, task: str) -> Json:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": float(answer.words),
        "text": answer.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": -0.1,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }
    told = {"task": task, "language": "english", "duration": float(answer.words)}
    usage = {"type": "duration", "seconds": answer.words}
    return told | {"text": answer.text, "segments": [segment]} | answer.counted("usage", usage)


def _heard(answer: Answer, task: str) -> Body:
    form = answer.question.body.get("response_format", "json")
    plain = "text/plain; charset=utf-8"
    if form == "text":
        return Body(f"{answer.text}\n".encode(), plain)
    if form == "srt":
        return Body(f"1\n{_captions(answer, ',')}".encode(), plain)
    if form == "vtt":
        return Body(f"WEBVTT\n\n{_captions(answer, '.')}".encode(), plain)
    if form == "verbose_json":
        return json_body(_verbose(answer, task))
    usage = answer.counted("usage", _transcript_usage(answer))
    return json_body({"text": answer.text} | usage)


def _transcript_events(answer: Answer) -> Iterator[Event]:
    for piece in answer.pieces:
        yield Event(orjson.dumps({"type": "transcript.text.delta", "delta": piece}), 1)
    usage = answer.counted("usage", _transcript_usage(answer))
    done = {"type": "transcript.text.done", "text": answer.text} | usage
    yield Event(orjson.dumps(done), ends=True)


MEDIA = (
    Endpoint("/moderations", _ask_moderation, _moderation),
    Endpoint("/images/generations", _ask_image, _image),
    Endpoint("/images/edits", _ask_edit, _image),
    Endpoint("/audio/speech", _ask_speech, _speech, _speech_events, failure=FAILURE),
    Endpoint(
        "/audio/transcriptions",
        _ask_transcript,
        lambda answer: _heard(answer, "transcribe"),
        _transcript_events,
        failure=FAILURE,
    ),
    Endpoint("/audio/translations", _ask_transcript, lambda answer: _heard(answer, "translate")),
)

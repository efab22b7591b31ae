"""HuggingFace's text-generation-inference: `/generate`, its stream, and OpenAI's chat.

https://huggingface.github.io/text-generation-inference
"""

from collections.abc import Iterator

import orjson

from extproc.demo.answers import Answer, Question, tokens_of
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices import openai
from extproc.demo.voices.base import Asked, Body, Endpoint, Voice, integer, json_body, needed


def error(status: int, message: str) -> Body:
    """TGI's error body."""
    kinds = {400: "validation", 404: "not_found", 422: "validation", 429: "overloaded"}
    return json_body({"error": message, "error_type": kinds.get(status, "generation")})


FAILURE = Event(error(500, "Request failed during generation.").data)


def ask(asked: Asked, *, stream: bool) -> Question:
    """A prompt in `inputs`, with `parameters`."""
    body = asked.body
    needed(body, "inputs")
    return Question(
        id=asked.number,
        body=body,
        model=asked.part.get("model", "demo"),
        prompt_tokens=tokens_of(body["inputs"]),
        stream=stream,
        limit=integer((body.get("parameters") or {}).get("max_new_tokens")),
    )


def _details(answer: Answer) -> Json:
    reason = "length" if answer.finish == "length" else "eos_token"
    return {"finish_reason": reason, "generated_tokens": answer.completion, "seed": None}


def generated(answer: Answer) -> Json:
    """The whole text, with details if asked."""
    wanted = (answer.question.body.get("parameters") or {}).get("details")
    told: Json = {"generated_text": answer.text} | answer.padded()
    if wanted:
        told |= answer.counted("details", _details(answer) | {"prefill": [], "tokens": []})
    return told


def events(answer: Answer) -> Iterator[Event]:
    """A token each; the one that ends the text carries all of it, and the details."""

    def event(index: int, text: str, tokens: int, last: Json) -> Event:
        special = not tokens
        token = {"id": index, "text": text, "logprob": -0.1, "special": special}
        told = {"index": index, "token": token, "generated_text": None, "details": None}
        return Event(orjson.dumps(told | last | answer.padded()), tokens, ends=special)

    for index, piece in enumerate(answer.pieces, start=1):
        yield event(index, piece, 1, {})
    details = _details(answer) | {"input_length": answer.prompt}
    last = {"generated_text": answer.text} | answer.counted("details", details)
    yield event(answer.words + 1, "</s>", 0, last)


VOICE = Voice(
    "tgi",
    (
        Endpoint("/generate", lambda a: ask(a, stream=False), lambda a: json_body(generated(a))),
        Endpoint(
            "/generate_stream",
            lambda asked: ask(asked, stream=True),
            lambda answer: json_body(generated(answer)),
            events,
            failure=FAILURE,
        ),
        openai.CHAT,
        openai.COMPLETIONS,
        openai.MODELS,
    ),
    error,
)

"""What a container of Hugging Face's text-generation-inference is asked and answers.

https://huggingface.github.io/text-generation-inference
"""

from collections.abc import Iterator

import orjson

from extproc.demo.answers import Answer, Question, tokens_of
from extproc.demo.frames import Event
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, integer, needed


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

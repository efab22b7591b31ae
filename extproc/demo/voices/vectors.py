"""Embeddings and rerank of those who sell little else: Jina, Voyage, and HuggingFace's TEI.

https://api.jina.ai/docs · https://docs.voyageai.com/reference/embeddings-api
https://huggingface.github.io/text-embeddings-inference
"""

from dataclasses import replace
from typing import Any

from extproc.demo.answers import (
    MODEL,
    Answer,
    Question,
    inputs,
    packed,
    ranked,
    tokens_of,
    vector,
)
from extproc.demo.request import Json
from extproc.demo.voices import openai
from extproc.demo.voices.base import Asked, Body, Endpoint, Voice, json_body, needed, needs_bearer


def detail(_: int, message: str) -> Body:
    """The error body that FastAPI made usual."""
    return json_body({"detail": message})


def ask_ranking(asked: Asked) -> Question:
    """A query and documents; the documents count too."""
    body = asked.body
    documents = "texts" if "texts" in body else "documents"
    needed(body, "query", documents)
    return Question(
        id=asked.number,
        body=body,
        model=str(body.get("model", MODEL)),
        prompt_tokens=tokens_of([body["query"], body[documents]]),
        generates=False,
    )


def ranking(answer: Answer, top: str) -> list[tuple[Any, Json]]:
    """(document, {index, relevance_score}) of the best; `top` names the member that limits them."""
    body = answer.question.body
    documents = body["documents"]
    return [
        (documents[index], {"index": index, "relevance_score": score})
        for index, score in ranked(body["query"], documents, body.get(top))
    ]


def _total(answer: Answer) -> Json:
    return answer.counted("usage", {"total_tokens": answer.prompt})


def _jina_ranking(answer: Answer) -> Body:
    shown = answer.question.body.get("return_documents", True)
    rows = [
        row | ({"document": text if isinstance(text, dict) else {"text": text}} if shown else {})
        for text, row in ranking(answer, "top_n")
    ]
    return json_body({"model": answer.question.model, "results": rows} | _total(answer))


RERANK = Endpoint("/rerank", ask_ranking, _jina_ranking)
"""Jina's form, which vLLM and others took over."""


def _voyage_ranking(answer: Answer) -> Body:
    shown = answer.question.body.get("return_documents", False)
    rows = [row | ({"document": text} if shown else {}) for text, row in ranking(answer, "top_k")]
    told = {"object": "list", "data": rows, "model": answer.question.model}
    return json_body(told | _total(answer))


def _voyage_vectors(answer: Answer) -> Body:
    body = answer.question.body
    made = [vector(text, body.get("output_dimension")) for text in inputs(body["input"])]
    encoded = body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "embedding": packed(row) if encoded else row, "index": index}
        for index, row in enumerate(made)
    ]
    told = {"object": "list", "data": rows, "model": answer.question.model}
    return json_body(told | _total(answer))


def _ask_embed(asked: Asked) -> Question:
    needed(asked.body, "inputs")
    tokens = tokens_of(asked.body["inputs"])
    return Question(id=asked.number, body=asked.body, prompt_tokens=tokens, generates=False)


def _embed(answer: Answer) -> Body:
    body = answer.question.body
    return json_body([vector(t, body.get("dimensions")) for t in inputs(body["inputs"])])


def _tei_ranking(answer: Answer) -> Body:
    body = answer.question.body
    texts, shown = body["texts"], body.get("return_text")
    return json_body(
        [
            {"index": index, "score": score} | ({"text": texts[index]} if shown else {})
            for index, score in ranked(body["query"], texts)
        ]
    )


def _tei_error(status: int, message: str) -> Body:
    kinds = {413: "Validation", 422: "Tokenizer", 424: "Backend", 429: "Overloaded"}
    return json_body({"error": message, "error_type": kinds.get(status, "Unhealthy")})


JINA = Voice("jina", (openai.EMBEDDINGS, RERANK), detail, needs_bearer)
VOYAGE = Voice(
    "voyage",
    (
        replace(openai.EMBEDDINGS, whole=_voyage_vectors),
        Endpoint("/rerank", ask_ranking, _voyage_ranking),
    ),
    detail,
    needs_bearer,
)
TEI = Voice(
    "tei",
    (
        Endpoint("/embed", _ask_embed, _embed),
        Endpoint("/rerank", ask_ranking, _tei_ranking),
        openai.EMBEDDINGS,
    ),
    _tei_error,
)

"""Reranking, asked for as Cohere's clients do: each provider is a row of what it does otherwise.

{model, query, documents, top_n, return_documents, rank_fields}
    ──► {id, results: [{index, relevance_score, document?}], meta: {billed_units, tokens}}

No provider is asked to send the documents back: they are here already.
https://docs.cohere.com/reference/rerank
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.openai import Chunks, unstream_text

OURS = frozenset({"model", "query", "documents", "top_n", "return_documents", "rank_fields"})

OTHERWISE = frozenset({"index", "document", "text"})
"""Members of a result that are ours to write."""


@dataclass(frozen=True, slots=True)
class Row:
    """One provider's words for it."""

    path: str = "/rerank"
    texts: str = "documents"
    top: str = "top_n"
    """Empty where it cannot be told how many are wanted."""
    results: str = "results"
    listed: bool = False
    """Whether the answer is the bare array of results."""
    score: str = "relevance_score"
    tells_model: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Members that every request gets, unless the client gave them."""
    lacks: frozenset[str] = frozenset({"max_chunks_per_doc", "max_tokens_per_doc"})
    """What Cohere's clients may send and it does not know: it changes no ranking, and is left."""


COHERE = Row("/v2/rerank", lacks=frozenset({"max_chunks_per_doc"}))
"""https://docs.cohere.com/reference/rerank"""
JINA = Row(fixed={"return_documents": False})
"""https://api.jina.ai/redoc"""
VOYAGE = Row(top="top_k", results="data")
"""https://docs.voyageai.com/reference/reranker-api"""
INFINITY = Row()
"""https://michaelfeil.eu/infinity"""
TEI = Row(
    texts="texts",
    top="",
    results="list",
    listed=True,
    score="score",
    tells_model=False,
    fixed={"truncate": True},
)
"""https://huggingface.github.io/text-embeddings-inference"""
LIKE_JINA = Row()
"""together.ai, vLLM, novita, LiteLLM: below the base of their OpenAI format.
https://docs.together.ai/reference/rerank https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"""


def translator(row: Row) -> Translator:
    """What translates to and from one provider."""

    def request(request: Request) -> Outgoing:
        return _request(row, request)

    def response(body: Json, request: Request) -> Incoming:
        return _response(row, body, request)

    return Translator(request, response, Chunks, unstream_text, provider_error, row.listed)


def _request(row: Row, request: Request) -> Outgoing:
    asked = {name: value for name, value in request.body.items() if value is not None}
    dropped = OURS | row.lacks
    body: Json = {**row.fixed, **{n: value for n, value in asked.items() if n not in dropped}}
    if not isinstance(asked.get("query"), str):
        raise chat.wrong("query", "a string")
    fields = asked.get("rank_fields")
    if row.tells_model:
        body["model"] = request.deployment.model
    body |= {
        "query": asked["query"],
        row.texts: [_text(document, fields, n) for n, document in enumerate(_documents(asked))],
    }
    if "top_n" in asked:
        if answers.count(asked["top_n"]) is None:
            raise chat.wrong("top_n", "a whole number")
        if row.top:
            body[row.top] = asked["top_n"]
    return Outgoing(row.path, body)


def _documents(asked: Json) -> list[Any]:
    found = asked.get("documents")
    if not isinstance(found, list) or not found:
        raise chat.wrong("documents", "an array of strings or objects")
    return found


def _text(document: Any, fields: Any, place: int) -> str:
    """A document as one text; an object's fields as lines of YAML, as Cohere advises."""
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        raise chat.wrong(f"documents[{place}]", "a string or an object")
    chosen = fields if isinstance(fields, list) and fields else None
    if chosen is None and isinstance(document.get("text"), str):
        return str(document["text"])
    names = [name for name in document if chosen is None or name in chosen] or document
    return "\n".join(f"{name}: {_scalar(document[name], place)}" for name in names)


def _scalar(value: Any, place: int) -> str:
    try:
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise chat.wrong(f"documents[{place}]", "values that are nested less deeply") from None


def _response(row: Row, body: Json, request: Request) -> Incoming:
    found = body.get(row.results)
    if not isinstance(found, list):
        raise unusable_answer("the answer has no results", request.deployment)
    documents = _documents(request.body)
    ranked = [
        (score, place, item)
        for item in answers.objects(found)
        if (place := answers.count(item.get("index"))) is not None
        and isinstance(score := item.get(row.score), int | float)
        and place < len(documents)
    ]
    ranked.sort(key=lambda one: one[0], reverse=True)
    shown = [
        {"index": place, "relevance_score": score}
        | {name: value for name, value in item.items() if name not in OTHERWISE | {row.score}}
        | _document(documents[place], request)
        for score, place, item in ranked
    ]
    used, meta = _usage(body)
    answer_id = answers.text(body.get("id")) or f"rerank-{request.call_id}"
    top = answers.count(request.body.get("top_n"))
    return Incoming({"id": answer_id, "results": shown[:top], "meta": meta}, used)


def _document(document: Any, request: Request) -> Json:
    if request.body.get("return_documents") is not True:
        return {}
    return {"document": {"text": document} if isinstance(document, str) else document}


def _usage(body: Json) -> tuple[Usage | None, Json]:
    """Cohere bills searches, the others tokens; both are told to the client as Cohere's are."""
    meta = answers.record(body.get("meta"))
    units = answers.record(meta.get("billed_units"))
    searches = answers.count(units.get("search_units"))
    if searches is not None:
        return Usage(searches=searches), meta
    said = answers.record(body.get("usage"))
    tokens = next(
        (n for name in ("total_tokens", "prompt_tokens") if (n := answers.count(said.get(name)))),
        None,
    )
    if tokens is None:
        return None, meta
    counted = {"total_tokens": tokens}
    return Usage(input=tokens), {"billed_units": counted, "tokens": {"input_tokens": tokens}}

"""OpenAI's embeddings as Google's, of texts.

Gemini API        models/…:batchEmbedContents   one request a text
Vertex AI         …:predict                     one instance a text, usage in each prediction
Vertex AI, Gemini Embedding 2 and later: …:embedContent takes one text, …:batchEmbedContents many

https://ai.google.dev/api/embeddings
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat, embeddings
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.gemini.errors import error, refuse
from extproc.providers.gemini.naming import camel
from extproc.providers.gemini.sites import VERTEX, model_name, site_of
from extproc.providers.openai import Chunks, unstream_text

OF_THE_TEXT = frozenset({"taskType", "title"})
OF_THE_CALL = frozenset({"autoTruncate", "outputDimensionality"})
PREDICTING = ("gemini-embedding-001", "gemini-embedding-exp")
"""Gemini models that Vertex AI serves in the older way."""


def _request(request: Request) -> Outgoing:
    deployment = request.deployment
    asked = embeddings.given(request, frozenset({"dimensions"}))
    texts, options, rest = embeddings.inputs(asked), *_options(asked)
    site = site_of(deployment)
    if site is VERTEX and not _embeds_content(model_name(deployment)):
        return Outgoing(site.path(deployment, "predict"), {**rest, **_predict(texts, options)})
    if site is VERTEX:
        requests = [{"content": _content(text), "embedContentConfig": options} for text in texts]
        if len(requests) == 1:
            return Outgoing(site.path(deployment, "embedContent"), {**rest, **requests[0]})
    else:
        named: Json = {"model": f"models/{deployment.model.removeprefix('models/')}"}
        requests = [{**named, "content": _content(text), **options} for text in texts]
    path = site.path(deployment, "batchEmbedContents")
    return Outgoing(path, {**rest, "requests": requests})


def _options(asked: Json) -> tuple[Json, Json]:
    """(what Google knows of how to embed, any other member of the client's)"""
    options: Json = {}
    rest: Json = {}
    for name, value in embeddings.extras(asked).items():
        theirs = camel(name)
        known = theirs in OF_THE_TEXT | OF_THE_CALL
        (options if known else rest)[theirs if known else name] = value
    size = asked.get("dimensions")
    if size is not None:
        if isinstance(size, bool) or not isinstance(size, int):
            raise chat.wrong("dimensions", "a whole number")
        options["outputDimensionality"] = size
    return options, rest


def _embeds_content(model: str) -> bool:
    name = model.rpartition("/")[2]
    return "gemini" in name and not name.startswith(PREDICTING)


def _content(text: str) -> Json:
    return {"parts": [{"text": text}]}


def _predict(texts: list[str], options: Json) -> Json:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings"""
    parameters = {name: value for name, value in options.items() if name in OF_THE_CALL}
    told = {"task_type": options.get("taskType"), "title": options.get("title")}
    about = {name: value for name, value in told.items() if value is not None}
    body: Json = {"instances": [{"content": text, **about} for text in texts]}
    return {**body, "parameters": parameters} if parameters else body


def _response(body: Json, request: Request) -> Incoming:
    refuse(body, request.deployment)
    predictions = answers.objects(body.get("predictions"))
    found = [answers.record(one.get("embeddings")) for one in predictions]
    found = found or answers.objects(body.get("embeddings") or body.get("embedding"))
    vectors: Any = [one.get("values") for one in found] or None
    return embeddings.listing(request, vectors, _usage(body, found))


def _usage(body: Json, found: list[Json]) -> Usage | None:
    """Tokens, which Vertex AI counts for each text. The Gemini API may state none."""
    stated = answers.count(answers.record(body.get("usageMetadata")).get("promptTokenCount"))
    if stated:
        return Usage(input=stated)
    statistics = [answers.record(one.get("statistics")) for one in found]
    counts = [
        answers.count(one.get("token_count") or one.get("tokenCount")) or 0 for one in statistics
    ]
    return Usage(input=sum(counts)) if sum(counts) else None


EMBEDDINGS = Translator(_request, _response, Chunks, unstream_text, error)

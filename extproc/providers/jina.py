"""Jina's embeddings (its rerank is a row of providers/rerank.py).

https://api.jina.ai/redoc
"""

from dataclasses import replace

from extproc.domain.call import Json
from extproc.providers import embeddings, openai
from extproc.providers.base import Outgoing, Request


def _request(request: Request) -> Outgoing:
    """Inputs may be objects here, of texts and images: they pass."""
    asked = embeddings.given(request, frozenset({"dimensions"}))
    given = asked.get("input")
    objects = isinstance(given, list) and any(isinstance(one, dict) for one in given)
    body: Json = embeddings.extras(asked)
    body["model"] = request.deployment.model
    body["input"] = given if objects else embeddings.inputs(asked)
    if "dimensions" in asked:
        body["dimensions"] = asked["dimensions"]
    if asked.get("encoding_format") == "base64":
        body["embedding_type"] = "base64"
    return Outgoing("/embeddings", body)


EMBEDDINGS = replace(openai.EMBEDDINGS, request=_request, response=embeddings.counted)

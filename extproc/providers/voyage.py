"""Voyage's embeddings (its rerank is a row of providers/rerank.py).

https://docs.voyageai.com/reference/embeddings-api
"""

from dataclasses import replace

from extproc.domain.call import Json
from extproc.providers import embeddings, openai
from extproc.providers.base import Outgoing, Request


def _request(request: Request) -> Outgoing:
    """`float` is not a word of its encodings: it is what comes without one."""
    asked = embeddings.given(request, frozenset({"dimensions"}))
    body: Json = embeddings.extras(asked)
    body |= {"model": request.deployment.model, "input": embeddings.inputs(asked)}
    if asked.get("encoding_format") == "base64":
        body["encoding_format"] = "base64"
    if "dimensions" in asked:
        body["output_dimension"] = asked["dimensions"]
    return Outgoing("/embeddings", body)


EMBEDDINGS = replace(openai.EMBEDDINGS, request=_request, response=embeddings.counted)

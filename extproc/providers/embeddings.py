"""OpenAI's embeddings format as the hub: its request read with care, its answer written.

https://platform.openai.com/docs/api-reference/embeddings
"""

from array import array
from base64 import b64encode
from dataclasses import replace
from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import NOTHING, Usage
from extproc.errors import UnsupportedParams
from extproc.providers import answers, chat, openai
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import unusable_answer

PARAMS = frozenset({"input", "model", "encoding_format", "dimensions", "user"})


def given(request: Request, supported: frozenset[str]) -> Json:
    """The body's members that say something. Raises UnsupportedParams for what the provider lacks.

    Every answer can be written in either encoding; who the user is need not be told.
    """
    body = {name: value for name, value in request.body.items() if value is not None}
    known = supported | request.allowed | {"input", "model", "encoding_format", "user"}
    lacking = sorted(body.keys() & PARAMS - known)
    refused = [name for name in lacking if name not in request.optional]
    if refused and not request.drop_params:
        deployment = request.deployment
        raise UnsupportedParams(deployment.provider, deployment.model, refused)
    return {name: value for name, value in body.items() if name not in lacking}


def extras(body: Json, *taken: str) -> Json:
    """The provider's own members: not OpenAI's, nor those that the translator has `taken`."""
    return {name: value for name, value in body.items() if name not in PARAMS.union(taken)}


def inputs(body: Json) -> list[str]:
    """The texts to embed. Raises InvalidRequest, also for token numbers, which are OpenAI's own."""
    value = body.get("input")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise chat.wrong("input", "a string or an array of strings")
    return value


def listing(request: Request, vectors: Any, usage: Usage | None) -> Incoming:
    """The client's answer for the vectors, in the encoding that it asked for."""
    if not isinstance(vectors, list) or not all(isinstance(one, str | list) for one in vectors):
        raise unusable_answer("the answer has no embeddings", request.deployment)
    packed = request.body.get("encoding_format") == "base64"
    body: Json = {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": place,
                "embedding": _packed(vector, request) if packed else vector,
            }
            for place, vector in enumerate(vectors)
        ],
        "model": request.deployment.model,
    }
    counted = usage or NOTHING  # clients read it unasked: a provider's silence is a zero
    body["usage"] = {"prompt_tokens": counted.input, "total_tokens": counted.total}
    return Incoming(body, usage)


def counted(body: Json, request: Request) -> Incoming:
    """An answer in OpenAI's own form, whose usage may name the total alone."""
    incoming = openai.response(body, request)
    if incoming.usage is None:
        return incoming
    used = {"prompt_tokens": incoming.usage.input, "total_tokens": incoming.usage.total}
    usage = {**used, **answers.record(body.get("usage"))}
    return replace(incoming, body={**body, "usage": usage})


def _packed(vector: Any, request: Request) -> str:
    """Little-endian 32-bit floats in base64, as OpenAI's SDK asks for by itself."""
    if isinstance(vector, str):
        return vector
    try:
        return b64encode(array("f", vector).tobytes()).decode()
    except (TypeError, OverflowError):
        raise unusable_answer("an embedding is not made of numbers", request.deployment) from None

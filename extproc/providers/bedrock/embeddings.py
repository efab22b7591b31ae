"""OpenAI's embeddings as the models of Bedrock take them: Titan one text at a time, Cohere many.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html
"""

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest
from extproc.providers import answers, chat, embeddings
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.bedrock.failures import error
from extproc.providers.bedrock.models import known_as, model_path
from extproc.providers.openai import Chunks, unstream_text

KINDS = ("float", "int8", "uint8", "binary", "ubinary")


def _request(asked: Request) -> Outgoing:
    name = known_as(asked.deployment)
    if "cohere.embed" in name:
        body = _cohere(asked, name)
    elif "amazon.titan-embed" in name:
        body = _titan(asked, name)
    else:
        raise InvalidRequest(f"{name!r} is no embedding model of Bedrock that is known.")
    return Outgoing(model_path(asked.deployment, "invoke"), body)


def _response(body: Json, asked: Request) -> Incoming:
    found = body.get("embeddings", body.get("embeddingsByType"))
    if isinstance(found, dict):
        found = next((found[kind] for kind in KINDS if found.get(kind)), None)
    if found is None or "inputTextTokenCount" in body:
        one = body.get("embedding", found)
        found = one if one is None else [one]
    tokens = answers.count(body.get("inputTextTokenCount"))
    return embeddings.listing(asked, found, None if tokens is None else Usage(input=tokens))


def _titan(asked: Request, name: str) -> Json:
    """The first version knows no dimensions."""
    newer = "titan-embed-text-v1" not in name and "titan-embed-g1" not in name
    body = embeddings.given(asked, frozenset({"dimensions"} if newer else ()))
    texts = embeddings.inputs(body)
    if len(texts) > 1:
        raise chat.wrong("input", "one text, as this model embeds one at a time")
    dimensions = {"dimensions": body["dimensions"]} if "dimensions" in body else {}
    return {"inputText": texts[0], **dimensions, **embeddings.extras(body)}


def _cohere(asked: Request, name: str) -> Json:
    """Of texts to be searched, unless the client says otherwise; dimensions since version 4."""
    newer = "embed-v4" in name
    body = embeddings.given(asked, frozenset({"dimensions"} if newer else ()))
    pictures = body.get("input_type") == "image"
    texts = embeddings.inputs(body)
    dimensions = {"output_dimension": body["dimensions"]} if "dimensions" in body else {}
    return {
        "images" if pictures else "texts": texts,
        "input_type": "search_document",
        **dimensions,
        **embeddings.extras(body),
    }


EMBEDDINGS = Translator(_request, _response, Chunks, unstream_text, error)

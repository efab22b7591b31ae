"""OpenAI's embeddings as Cohere's: of texts to be searched, unless the client says otherwise.

https://docs.cohere.com/reference/embed
"""

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, embeddings
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error
from extproc.providers.openai import Chunks, unstream_text

PATH = "/v2/embed"
KINDS = ("float", "base64", "int8", "uint8", "binary", "ubinary")


def _request(request: Request) -> Outgoing:
    asked = embeddings.given(request, frozenset({"dimensions"}))
    inputs = embeddings.inputs(asked)
    kind = "base64" if asked.get("encoding_format") == "base64" else "float"
    pictures = asked.get("input_type") == "image"
    body: Json = {"input_type": "search_document", "embedding_types": [kind]}
    body |= embeddings.extras(asked)
    body |= {"model": request.deployment.model, "images" if pictures else "texts": inputs}
    if "dimensions" in asked:
        body["output_dimension"] = asked["dimensions"]
    return Outgoing(PATH, body)


def _response(body: Json, request: Request) -> Incoming:
    found = body.get("embeddings")
    if isinstance(found, dict):
        found = next((found[kind] for kind in KINDS if found.get(kind)), None)
    return embeddings.listing(request, found, _usage(body))


def _usage(body: Json) -> Usage | None:
    """Billed are texts and images by their tokens, before version 4 images by their number."""
    units = answers.record(answers.record(body.get("meta")).get("billed_units"))
    texts, pictures, images = (
        answers.count(units.get(name)) for name in ("input_tokens", "image_tokens", "images")
    )
    if texts is None and pictures is None and images is None:
        return None
    return Usage(input=(texts or 0) + (pictures or 0), image_input=pictures or 0)


EMBEDDINGS = Translator(_request, _response, Chunks, unstream_text, provider_error)

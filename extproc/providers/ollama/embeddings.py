"""OpenAI's embeddings as Ollama's.

https://docs.ollama.com/api/embed
"""

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, embeddings
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error
from extproc.providers.openai import Chunks, unstream_text


def _request(request: Request) -> Outgoing:
    asked = embeddings.given(request, frozenset({"dimensions"}))
    body: Json = embeddings.extras(asked)
    body |= {"model": request.deployment.model, "input": embeddings.inputs(asked)}
    if "dimensions" in asked:
        body["dimensions"] = asked["dimensions"]
    return Outgoing("/api/embed", body)


def _response(body: Json, request: Request) -> Incoming:
    prompt = answers.count(body.get("prompt_eval_count"))
    used = None if prompt is None else Usage(input=prompt)
    return embeddings.listing(request, body.get("embeddings"), used)


EMBEDDINGS = Translator(_request, _response, Chunks, unstream_text, provider_error)

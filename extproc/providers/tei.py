"""Text-embeddings-inference: OpenAI's embeddings beside its own endpoints.

Its rerank is a row of providers/rerank.py. https://huggingface.github.io/text-embeddings-inference
"""

from dataclasses import replace

from extproc.providers import openai
from extproc.providers.base import Outgoing, Request


def _request(request: Request) -> Outgoing:
    return replace(openai.EMBEDDINGS.request(request), path="/v1/embeddings")


EMBEDDINGS = replace(openai.EMBEDDINGS, request=_request)

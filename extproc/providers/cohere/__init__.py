"""Cohere's second API: chat and embeddings (its rerank is a row of providers/rerank.py).

https://docs.cohere.com/reference/chat  https://docs.cohere.com/reference/embed
"""

from extproc.providers.base import Translator
from extproc.providers.cohere.chunks import Chunks
from extproc.providers.cohere.embeddings import EMBEDDINGS
from extproc.providers.cohere.request import request
from extproc.providers.cohere.response import response
from extproc.providers.failures import provider_error
from extproc.providers.openai import unstream_chat

CHAT = Translator(request, response, Chunks, unstream_chat, provider_error)

__all__ = ["CHAT", "EMBEDDINGS"]

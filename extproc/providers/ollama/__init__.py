"""Ollama's own format: chat as lines of JSON, and embeddings.

https://docs.ollama.com/api/chat  https://docs.ollama.com/api/embed
"""

from extproc.providers.base import Translator
from extproc.providers.failures import provider_error
from extproc.providers.ollama.answer import Chunks, response
from extproc.providers.ollama.embeddings import EMBEDDINGS
from extproc.providers.ollama.request import request
from extproc.providers.openai import unstream_chat

CHAT = Translator(request, response, Chunks, unstream_chat, provider_error)

__all__ = ["CHAT", "EMBEDDINGS"]

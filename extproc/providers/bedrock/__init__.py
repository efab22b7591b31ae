"""Amazon Bedrock: Converse for chat, InvokeModel for embeddings."""

from extproc.providers import openai
from extproc.providers.base import Translator
from extproc.providers.bedrock.chunks import Chunks
from extproc.providers.bedrock.embeddings import EMBEDDINGS
from extproc.providers.bedrock.failures import error
from extproc.providers.bedrock.request import request
from extproc.providers.bedrock.response import response

__all__ = ["CHAT", "EMBEDDINGS"]

CHAT = Translator(request, response, Chunks, openai.unstream_chat, error)

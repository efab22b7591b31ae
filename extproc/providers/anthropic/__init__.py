"""Anthropic's Messages format, from its own API, from Vertex AI and from Bedrock's InvokeModel."""

from collections.abc import Callable
from functools import partial

from extproc.providers.anthropic import bedrock, native, reading
from extproc.providers.anthropic import request as asking
from extproc.providers.anthropic.chunks import Chunks, Native
from extproc.providers.anthropic.hosts import ANTHROPIC, BEDROCK, VERTEX, Host
from extproc.providers.anthropic.response import response
from extproc.providers.base import ChunkTranslator, Request, Translator
from extproc.providers.openai import unstream_chat

Chunked = Callable[[Request], ChunkTranslator]


def _chat(host: Host, chunks: Chunked) -> Translator:
    request = partial(asking.request, host=host)
    return Translator(request, response, chunks, unstream_chat, reading.error)


def _messages(host: Host, chunks: Chunked) -> Translator:
    request = partial(native.request, host=host)
    return Translator(request, native.response, chunks, native.unstream, reading.error)


CHAT = _chat(ANTHROPIC, partial(Chunks, host=ANTHROPIC))
VERTEX_CHAT = _chat(VERTEX, partial(Chunks, host=VERTEX))
BEDROCK_CHAT = _chat(BEDROCK, bedrock.unframed(partial(Chunks, host=BEDROCK)))
MESSAGES = _messages(ANTHROPIC, Native)
VERTEX_MESSAGES = _messages(VERTEX, Native)
BEDROCK_MESSAGES = _messages(BEDROCK, bedrock.unframed(Native))

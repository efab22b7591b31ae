"""Google's generateContent format: the Gemini API ("gemini") and Vertex AI ("vertex").

sites.py       where a model is served, and what the two do differently
request.py     a chat request, with its contents.py, media.py, tools.py, thinking.py
answer.py      an answer, whole or a piece of a stream, as chat deltas; usage.py, grounding.py
response.py    the whole answer as a completion, chunks.py the stream as chunks
embeddings.py  embedContent and predict
native.py      the format as a client speaks it

https://ai.google.dev/api/generate-content
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from extproc.providers.base import Translator
from extproc.providers.gemini.chunks import Chunks
from extproc.providers.gemini.embeddings import EMBEDDINGS
from extproc.providers.gemini.errors import error
from extproc.providers.gemini.native import GENERATE
from extproc.providers.gemini.request import request
from extproc.providers.gemini.response import response
from extproc.providers.openai import unstream_chat

CHAT = Translator(request, response, Chunks, unstream_chat, error)

__all__ = ["CHAT", "EMBEDDINGS", "GENERATE"]

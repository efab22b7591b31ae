"""Amazon SageMaker's endpoints: whatever a container speaks, behind AWS's path and frames.

`sagemaker` is text-generation-inference's own format, `sagemaker_chat` is OpenAI's.
"""

from dataclasses import replace

from extproc.providers import openai
from extproc.providers.base import Outgoing, Request, Translator
from extproc.providers.sagemaker import prompted, tgi
from extproc.providers.sagemaker.endpoint import addressed, error
from extproc.providers.sagemaker.parts import MaybeUnended, joined


def _tgi(request: Request) -> Outgoing:
    return addressed(request, tgi.body(request) | ({"stream": True} if request.streaming else {}))


def _tgi_chat(request: Request) -> Outgoing:
    return _tgi(prompted.as_completion(request))


def _openai(request: Request) -> Outgoing:
    return addressed(request, openai.CHAT.request(request).body)


COMPLETIONS = Translator(
    _tgi, tgi.response, joined(tgi.Chunks), openai.unstream_text, error, listed=True
)
CHAT = Translator(
    _tgi_chat, prompted.response, joined(prompted.Chunks), openai.unstream_chat, error, listed=True
)
OPENAI_CHAT = replace(openai.CHAT, request=_openai, chunks=joined(MaybeUnended), error=error)

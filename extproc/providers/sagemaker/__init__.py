"""Amazon SageMaker's endpoints: whatever a container speaks, behind AWS's path and frames.

`sagemaker` is text-generation-inference's own format, `sagemaker_chat` is OpenAI's.
"""

from dataclasses import replace

from extproc.domain.call import Json
from extproc.providers import answers, openai, tgi
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.sagemaker import prompted
from extproc.providers.sagemaker.endpoint import addressed, error
from extproc.providers.sagemaker.parts import MaybeUnended, joined


def _tgi(request: Request) -> Outgoing:
    made = tgi.COMPLETIONS.request(request)
    return addressed(request, made.body | ({"stream": True} if request.streaming else {}))


def _openai(request: Request) -> Outgoing:
    return addressed(request, openai.CHAT.request(request).body)


def _answer(body: Json) -> Json:
    """A container answers with one object, or with a list of one."""
    return next(iter(answers.objects(body.get("list"))), body)


def _text(body: Json, request: Request) -> Incoming:
    return tgi.COMPLETIONS.response(_answer(body), request)


def _said(body: Json, request: Request) -> Incoming:
    return prompted.response(_answer(body), request)


def _tgi_chat(request: Request) -> Outgoing:
    return _tgi(prompted.as_completion(request))


COMPLETIONS = Translator(_tgi, _text, joined(tgi.Chunks), openai.unstream_text, error, listed=True)
CHAT = Translator(
    _tgi_chat, _said, joined(prompted.Chunks), openai.unstream_chat, error, listed=True
)
OPENAI_CHAT = replace(openai.CHAT, request=_openai, chunks=joined(MaybeUnended), error=error)

"""Google's format as its clients speak it: requests and answers pass, usage and text are read."""

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.frames import Frame
from extproc.providers.gemini.answer import Answer
from extproc.providers.gemini.errors import error, event, refuse
from extproc.providers.gemini.sites import STREAM, WHOLE, site_of

GATEWAYS = frozenset({"model", "stream"})
"""Members that are not Google's: there, the path says both."""


def _request(request: Request) -> Outgoing:
    deployment = request.deployment
    body = {name: value for name, value in request.body.items() if name not in GATEWAYS}
    method = STREAM if request.streaming else WHOLE
    return Outgoing(site_of(deployment).path(deployment, method), body)


def _response(body: Json, request: Request) -> Incoming:
    refuse(body, request.deployment)
    answer = Answer(request)
    answer.take(body)
    return Incoming(body, answer.usage, answer.text)


class _Chunks:
    """Whole when each candidate had a finishReason and the connection ended."""

    def __init__(self, request: Request) -> None:
        self.done = False
        self._deployment = request.deployment
        self._answer = Answer(request)

    @property
    def usage(self) -> Usage | None:
        return self._answer.usage

    @property
    def text(self) -> str:
        return self._answer.text

    def feed(self, frame: Frame) -> list[Json]:
        body = event(frame, self._deployment)
        self._answer.take(body)
        return [body]

    def finish(self) -> list[Json]:
        self.done = self._answer.complete
        return []


def _unstream(body: Json, request: Request) -> list[Json]:
    """A whole answer is a stream of one."""
    return [body]


GENERATE = Translator(_request, _response, _Chunks, _unstream, error)

"""Bedrock's frames around Anthropic's events: `{"bytes": base64 of an event}` in each `chunk`.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping

from extproc.domain.call import Json
from extproc.providers import lenient
from extproc.providers.base import ChunkTranslator, Request, Wrapping
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame

_STATUSES: Mapping[str, int] = {
    "validationException": 400,
    "throttlingException": 429,
    "modelTimeoutException": 408,
    "serviceUnavailableException": 503,
    "internalServerException": 500,
    "modelStreamErrorException": 500,
}


class Unframed(Wrapping):
    """The stream of another translator, taken out of Bedrock's frames."""

    def __init__(self, inner: ChunkTranslator, request: Request) -> None:
        super().__init__(inner)
        self._deployment = request.deployment

    def feed(self, frame: Frame) -> list[Json]:
        kind, _, name = frame.event.partition(":")
        if kind in ("exception", "error"):
            raise provider_error(_STATUSES.get(name, 500), {}, frame.data, self._deployment)
        return self._inner.feed(Frame(self._event(frame.data))) if kind == "chunk" else []

    def _event(self, data: bytes) -> bytes:
        try:
            return b64decode(lenient.loads(data)["bytes"], validate=True)
        except (KeyError, TypeError, ValueError, NotBase64):
            raise unusable_answer("a chunk of the stream is unreadable", self._deployment) from None


def unframed(
    chunks: Callable[[Request], ChunkTranslator],
) -> Callable[[Request], ChunkTranslator]:
    """The same translator for Bedrock's streams."""

    def made(request: Request) -> ChunkTranslator:
        return Unframed(chunks(request), request)

    return made

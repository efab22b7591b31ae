"""SageMaker's streams: the container's own stream, cut anywhere into PayloadPart frames.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_PayloadPart.html
"""

from collections.abc import Callable

from extproc.domain.call import Json
from extproc.providers import answers, openai
from extproc.providers.base import ChunkTranslator, Request, Wrapping
from extproc.providers.failures import unusable_answer
from extproc.providers.frames import BadFrame, Decoder, Frame, LineDecoder
from extproc.providers.sagemaker.endpoint import MODEL_ERROR, error
from extproc.providers.sse import SSEDecoder


class EitherDecoder:
    """Events or lines of JSON, as the container has it: its first byte that is not blank tells."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def feed(self, piece: bytes) -> list[Frame]:
        if self._decoder is None:
            piece = piece.lstrip()
            if not piece:
                return []
            self._decoder = LineDecoder() if piece.startswith((b"{", b"[")) else SSEDecoder()
        return self._decoder.feed(piece)

    def flush(self) -> list[Frame]:
        return [] if self._decoder is None else self._decoder.flush()


class Joined(Wrapping):
    """The stream of another translator, put together again from its parts."""

    def __init__(self, inner: ChunkTranslator, request: Request) -> None:
        super().__init__(inner)
        self._deployment = request.deployment
        self._decoder = EitherDecoder()

    def feed(self, frame: Frame) -> list[Json]:
        kind = frame.event.partition(":")[0]
        if kind in ("exception", "error"):
            raise error(MODEL_ERROR, {}, frame.data, self._deployment)
        return self._told(self._decoder.feed, frame.data) if kind == "PayloadPart" else []

    def finish(self) -> list[Json]:
        chunks = self._told(self._decoder.flush)
        return chunks if self.done else [*chunks, *self._inner.finish()]

    def _told(self, decode: Callable[..., list[Frame]], *piece: bytes) -> list[Json]:
        try:
            frames = [frame for frame in decode(*piece) if frame.data.strip()]
        except BadFrame as broken:
            raise unusable_answer(str(broken), self._deployment) from None
        chunks: list[Json] = []
        for frame in frames:
            if not self.done:
                chunks += self._inner.feed(frame)
        return chunks


def joined(chunks: Callable[[Request], ChunkTranslator]) -> Callable[[Request], ChunkTranslator]:
    """The same translator for SageMaker's streams."""
    return lambda request: Joined(chunks(request), request)


class MaybeUnended(openai.Chunks):
    """OpenAI's chunks of containers that do not all write [DONE]: a finish reason ends them too."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._finished = False

    def feed(self, frame: Frame) -> list[Json]:
        chunks = super().feed(frame)
        for chunk in chunks:
            for choice in answers.objects(chunk.get("choices")):
                self._finished = self._finished or bool(choice.get("finish_reason"))
        return chunks

    def finish(self) -> list[Json]:
        self.done = self.done or self._finished
        return []

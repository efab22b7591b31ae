"""A streamed answer as `chat.completion.chunk`s.

Nothing in it marks the end: it is whole when each candidate had a finishReason and the connection
ended. So the finish, the sources and the usage are written then.
"""

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import chat
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from extproc.providers.gemini.answer import Answer, Said
from extproc.providers.gemini.errors import event


class Chunks:
    def __init__(self, request: Request) -> None:
        self.done = False
        self._deployment = request.deployment
        self._answer = Answer(request)
        self._writer = chat.ChunkWriter(request)

    @property
    def usage(self) -> Usage | None:
        return self._answer.usage

    @property
    def text(self) -> str:
        return self._answer.text

    def feed(self, frame: Frame) -> list[Json]:
        said = self._answer.take(event(frame, self._deployment))
        self._writer.id = self._answer.id or self._writer.id
        return [self._chunk(one) for one in said]

    def finish(self) -> list[Json]:
        if self.done or not self._answer.complete:
            return []
        self.done = True
        chunks: list[Json] = []
        for index, choice in sorted(self._answer.choices.items()):
            if annotations := choice.annotations:
                chunks.append(self._writer.delta({"annotations": annotations}, index))
            chunks.append(self._writer.finish(choice.finish_reason, index))
        if self._answer.grounding:
            chunks[-1]["vertex_ai_grounding_metadata"] = self._answer.grounding
        if self.usage is not None:
            chunks.append(self._writer.usage(self.usage))
        return chunks

    def _chunk(self, said: Said) -> Json:
        chunk = self._writer.delta(said.delta, said.index)
        if said.logprobs is not None:
            chunk["choices"][0]["logprobs"] = said.logprobs
        return chunk

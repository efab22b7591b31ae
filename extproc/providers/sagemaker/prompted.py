"""Chat with a model that only continues a text: the conversation written out as the prompt."""

from dataclasses import replace
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Incoming, Request, Wrapping
from extproc.providers.frames import Frame
from extproc.providers.sagemaker import tgi

SPEAKERS = {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant"}


def as_completion(request: Request) -> Request:
    """The same request with a prompt in place of its messages."""
    body = {name: value for name, value in request.body.items() if name != "messages"}
    return replace(request, body={**body, "prompt": _prompt(chat.messages(request.body))})


def _prompt(messages: list[Json]) -> str:
    """One message is the prompt as it stands; a conversation is written out, speaker by speaker."""
    turns = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if message["role"] not in SPEAKERS:
            raise chat.wrong(f"{where}.role", f"one of {', '.join(SPEAKERS)}")
        text = _text(message.get("content"), f"{where}.content")
        turns.append((SPEAKERS[message["role"]], text))
    if not turns:
        raise chat.wrong("messages", "at least one message")
    if len(turns) == 1:
        return turns[0][1]
    return "\n\n".join([*(f"{speaker}: {text}" for speaker, text in turns), "Assistant:"])


def _text(content: Any, where: str) -> str:
    """A picture stands in the text, as in Markdown.
    https://huggingface.co/docs/text-generation-inference/basic_tutorials/visual_language_models
    """
    said = []
    for place, part in enumerate(chat.parts(content, where)):
        at = f"{where}[{place}]"
        if part["type"] == "image_url":
            url = chat.string(chat.member(part, "image_url", at), "url", f"{at}.image_url")
            said.append(f"![]({url.replace(')', '%29')})")
        elif part["type"] == "text":
            said.append(chat.string(part, "text", at))
        else:
            raise chat.unsupported_part(at, part)
    return "".join(said)


def response(body: Json, request: Request) -> Incoming:
    found = tgi.response(body, request)
    [said] = found.body["choices"]
    message = {"role": "assistant", "content": said["text"]}
    choice = {"index": 0, "message": message, "finish_reason": said["finish_reason"]}
    return replace(found, body=chat.completion(request, "", [choice], found.usage))


class Chunks(Wrapping):
    """The continuation's chunks as chat's."""

    def __init__(self, request: Request) -> None:
        super().__init__(tgi.Chunks(request))
        self._writer = chat.ChunkWriter(request)

    def finish(self) -> list[Json]:
        return []

    def feed(self, frame: Frame) -> list[Json]:
        chunks: list[Json] = []
        for choice in (one for chunk in self._inner.feed(frame) for one in chunk["choices"]):
            if choice["text"]:
                chunks.append(self._writer.delta({"content": choice["text"]}))
            if choice["finish_reason"]:
                chunks.append(self._writer.finish(choice["finish_reason"]))
        if self.done and self.usage is not None:
            chunks.append(self._writer.usage(self.usage))
        return chunks

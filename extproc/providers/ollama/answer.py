"""Ollama's answers, whole or line by line, as OpenAI's: both are made of the same objects.

https://docs.ollama.com/api/chat  https://docs.ollama.com/api/streaming
"""

from collections.abc import Mapping

import orjson

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers, chat
from extproc.providers.base import Incoming, Request
from extproc.providers.failures import provider_error, unusable_answer
from extproc.providers.frames import Frame

FINISH: Mapping[str, str] = {"stop": "stop", "length": "length"}


def response(body: Json, request: Request) -> Incoming:
    said = body.get("message")
    if not isinstance(said, dict):
        raise unusable_answer("the answer has no message", request.deployment)
    text, thinking = answers.text(said.get("content")), answers.text(said.get("thinking"))
    calls = _calls(said, request, 0)
    message: Json = {"role": "assistant", "content": text or (None if calls else "")}
    if thinking:
        message["reasoning_content"] = thinking
    if calls:
        message["tool_calls"] = calls
    choice: Json = {"index": 0, "message": message, "finish_reason": _finish(body, bool(calls))}
    if logprobs := answers.objects(body.get("logprobs")):
        choice["logprobs"] = {"content": logprobs}
    used = usage(body)
    return Incoming(
        chat.completion(request, "", [choice], used),
        used,
        thinking + text + "".join(_produced(call) for call in calls),
    )


def usage(end: Json) -> Usage | None:
    """The prompt's count holds the cached. A count of nothing is left out, as older servers leave
    out that of a prompt which they still knew. https://docs.ollama.com/api/usage"""
    prompt, cached, produced = (
        answers.count(end.get(name))
        for name in ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")
    )
    if prompt is None:
        return None
    return Usage(input=prompt, output=produced or 0, cached=min(prompt, cached or 0))


def _finish(end: Json, called: bool) -> str:
    reason = answers.named(FINISH, end.get("done_reason"), "stop")
    return "tool_calls" if called and reason == "stop" else reason


def _calls(said: Json, request: Request, first: int) -> list[Json]:
    made = []
    for place, call in enumerate(answers.objects(said.get("tool_calls")), first):
        function = answers.record(call.get("function"))
        call_id = answers.text(call.get("id")) or f"call_{request.call_id}_{place}"
        given = answers.arguments(function.get("arguments"))
        made.append(chat.tool_call(call_id, answers.text(function.get("name")), given))
    return made


def _produced(call: Json) -> str:
    return f"{call['function']['name']}{call['function']['arguments']}"


class Chunks:
    """A stream of lines: the one that is `done` ends it, with the reason and the counts."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._writer = chat.ChunkWriter(request)
        self._text: list[str] = []
        self._called = 0
        self.usage: Usage | None = None
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    def finish(self) -> list[Json]:
        """Nothing but its last line ends this stream."""
        return []

    def feed(self, frame: Frame) -> list[Json]:
        line = answers.event(frame, self._request.deployment)
        if line.get("error"):
            body = orjson.dumps({"message": str(line["error"])})
            raise provider_error(500, {}, body, self._request.deployment)
        said = answers.record(line.get("message"))
        chunks = [self._writer.delta(delta) for delta in self._deltas(said)]
        if chunks and (logprobs := answers.objects(line.get("logprobs"))):
            chunks[-1]["choices"][0]["logprobs"] = {"content": logprobs}
        return chunks + self._end(line) if line.get("done") is True else chunks

    def _deltas(self, said: Json) -> list[Json]:
        thinking, text = answers.text(said.get("thinking")), answers.text(said.get("content"))
        deltas: list[Json] = [{"reasoning_content": thinking}] if thinking else []
        if text:
            deltas.append({"content": text})
        calls = _calls(said, self._request, self._called)
        for place, call in enumerate(calls, self._called):
            function = call["function"]
            delta = chat.tool_delta(place, function["arguments"], call["id"], function["name"])
            deltas.append(delta)
        self._called += len(calls)
        self._text += [thinking, text, *(_produced(call) for call in calls)]
        return deltas

    def _end(self, line: Json) -> list[Json]:
        self.done = True
        self.usage = usage(line)
        last = [self._writer.finish(_finish(line, self._called > 0))]
        return [*last, self._writer.usage(self.usage)] if self.usage else last

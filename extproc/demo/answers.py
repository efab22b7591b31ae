"""What the simulated provider says: deterministic answers in OpenAI's shapes, honestly counted.

The text is WORDS, round and round, and every word is exactly one token of o200k_base, so that the
tokens of an answer, or of any part of one that a client received, are known by counting words.
The prompt counts one token for each word (split at white space) of its texts.
"""

import base64
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from extproc.demo.orders import Orders

Json = dict[str, Any]

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CREATED = 1_700_000_000
MODEL = "demo"
_EXAMPLES = {"string": "one", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
_LENGTH_FIELDS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Event:
    """One SSE event's data and how many tokens of answer it carries."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's answer, before it is cut into events or written as one JSON body."""

    id: str
    endpoint: str
    """chat/completions, completions or embeddings."""
    request: Mapping[str, Any]
    orders: Orders

    @property
    def words(self) -> int:
        limits = [self.request.get(name) for name in _LENGTH_FIELDS]
        return min([self.orders.words, *(n for n in limits if isinstance(n, int) and n >= 0)])

    @property
    def model(self) -> str:
        return str(self.request.get("model", MODEL))

    @property
    def choices(self) -> int:
        n = self.request.get("n")
        return n if isinstance(n, int) and 1 <= n <= 128 else 1

    @property
    def tool_call(self) -> Json | None:
        """The call the request forces, or None."""
        choice = self.request.get("tool_choice")
        tools = self.request.get("tools") or []
        if not tools or choice in (None, "auto", "none"):
            return None
        wanted = choice["function"]["name"] if isinstance(choice, dict) else None
        functions = [tool.get("function", {}) for tool in tools]
        function = next((f for f in functions if wanted in (None, f.get("name"))), functions[0])
        properties = function.get("parameters", {}).get("properties", {})
        arguments = {name: _EXAMPLES.get(p.get("type")) for name, p in properties.items()}
        return {
            "id": f"call_{self.id}",
            "type": "function",
            "function": {
                "name": function.get("name", ""),
                "arguments": orjson.dumps(arguments).decode(),
            },
        }

    @property
    def tokens(self) -> int:
        """Tokens of visible answer: a tool call counts one for every four characters."""
        call = self.tool_call
        if self.endpoint == "embeddings":
            return 0
        if call is not None:
            text = call["function"]["name"] + call["function"]["arguments"]
            return self.choices * -(-len(text) // 4)
        return self.choices * self.words

    @property
    def finish_reason(self) -> str:
        if self.tool_call is not None:
            return "tool_calls"
        return "length" if self.words < self.orders.words else "stop"

    def usage(self) -> Json:
        orders, prompt = self.orders, prompt_tokens(self.request)
        if orders.usage == "odd":
            return {
                "prompt_tokens": str(prompt),
                "completion_tokens": None,
                "total_tokens": -1,
                "prompt_tokens_details": [],
                "completion_tokens_details": {"reasoning_tokens": "many"},
            }
        completion = self.tokens + orders.reasoning + orders.audio_output
        usage: Json = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        if orders.cached or orders.audio_input:
            parts = {"cached_tokens": orders.cached, "audio_tokens": orders.audio_input}
            usage["prompt_tokens_details"] = parts
        if orders.reasoning or orders.audio_output:
            parts = {"reasoning_tokens": orders.reasoning, "audio_tokens": orders.audio_output}
            usage["completion_tokens_details"] = parts
        return usage

    def json(self) -> Json:
        """The whole answer to a request that did not ask for a stream."""
        if self.endpoint == "embeddings":
            body: Json = {"object": "list", "model": self.model, "data": self._vectors()}
        else:
            chat = self.endpoint == "chat/completions"
            kind = "chat.completion" if chat else "text_completion"
            choices = [self._choice(index, chat) for index in range(self.choices)]
            body = self._body(kind) | {"choices": choices}
        if self.orders.event_bytes:
            body["obfuscation"] = "x" * self.orders.event_bytes
        return body if self.orders.usage == "none" else body | {"usage": self.usage()}

    def events(self) -> Iterator[Event]:
        """The answer as a stream: role, a word an event, finish, usage if asked, [DONE]."""
        chat = self.endpoint == "chat/completions"
        options = self.request.get("stream_options")
        asked = isinstance(options, dict) and bool(options.get("include_usage"))
        for index in range(self.choices):
            yield from self._choice_events(index, chat, asked)
        if asked and self.orders.usage != "none":
            yield self._event(chat, {"choices": [], "usage": self.usage()})
        if not self.orders.no_done:
            yield Event(b"[DONE]")

    def _choice_events(self, index: int, chat: bool, asked: bool) -> Iterator[Event]:
        usage = {"usage": None} if asked else {}

        def event(part: Json, tokens: int = 0, finish: str | None = None) -> Event:
            choice = {"index": index, **part, "logprobs": None, "finish_reason": finish}
            return self._event(chat, {"choices": [choice], **usage}, tokens)

        call = self.tool_call if chat else None
        if chat:
            yield event({"delta": {"role": "assistant", "content": None if call else ""}})
        if call is not None:
            head = {"index": 0, **call, "function": {**call["function"], "arguments": ""}}
            rest = {"index": 0, "function": {"arguments": call["function"]["arguments"]}}
            yield event({"delta": {"tool_calls": [head]}})
            yield event({"delta": {"tool_calls": [rest]}}, self.tokens // self.choices)
        else:
            for number in range(self.words):
                text = word(number)
                yield event({"delta": {"content": text}} if chat else {"text": text}, tokens=1)
        yield event({"delta": {}} if chat else {"text": ""}, finish=self.finish_reason)

    def _event(self, chat: bool, part: Json, tokens: int = 0) -> Event:
        chunk = self._body("chat.completion.chunk" if chat else "text_completion") | part
        if self.orders.event_bytes:
            chunk["obfuscation"] = "x" * self.orders.event_bytes
        return Event(orjson.dumps(chunk), tokens)

    def _body(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": CREATED, "model": self.model}

    def _choice(self, index: int, chat: bool) -> Json:
        choice: Json = {"index": index, "logprobs": None, "finish_reason": self.finish_reason}
        content = "".join(map(word, range(self.words)))
        if not chat:
            return choice | {"text": content}
        message: Json = {"role": "assistant", "content": content, "refusal": None}
        call = self.tool_call
        if call is not None:
            message |= {"content": None, "tool_calls": [call]}
        return choice | {"message": message}

    def _vectors(self) -> list[Json]:
        size = self.request.get("dimensions")
        size = size if isinstance(size, int) and 0 < size <= 4096 else 8
        encoded = self.request.get("encoding_format") == "base64"
        return [
            {"object": "embedding", "index": index, "embedding": _vector(text, size, encoded)}
            for index, text in enumerate(_inputs(self.request.get("input")))
        ]


def word(number: int) -> str:
    """The number-th word of an answer, with the space that parts it from the one before."""
    return (" " if number else "") + WORDS[number % len(WORDS)]


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """One for each word of the request's texts; a list of token ids counts its length."""
    if "messages" in request:
        return _count([m.get("content") for m in _objects(request["messages"])])
    return _count(request.get("prompt", request.get("input")))


def _count(value: Any) -> int:
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, int):
        return 1
    if isinstance(value, dict):
        return _count(value.get("text"))
    return sum(map(_count, value)) if isinstance(value, list) else 0


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _inputs(value: Any) -> list[Any]:
    """One text, one list of tokens, or a list of either."""
    if isinstance(value, list) and value and not isinstance(value[0], int):
        return value
    return [value]


def _vector(text: Any, size: int, encoded: bool) -> list[float] | str:
    digest = sha256(orjson.dumps(text)).digest()
    values = [digest[i % len(digest)] / 255 - 0.5 for i in range(size)]
    if encoded:
        return base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
    return values


def models() -> Json:
    """The answer to GET /v1/models."""
    model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "demo"}
    return {"object": "list", "data": [model]}


def error(status: int, message: str) -> Json:
    """OpenAI's error body, as it names each class of failure."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}

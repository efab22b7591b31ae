"""The official SDKs as one kind of thing: each asks a model group and says what it was told.

Every request carries `run` as its call id, so that its spend row can be found.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anthropic
from google import genai
from google.genai import types
from langchain_openai import ChatOpenAI

from tests.e2e.gateway import CEILING_SECONDS, Gateway

PROMPT = "please count for me"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CALL = ("weather", {"city": "one"})
TWELVE = "one two three four five six seven eight nine ten one two"

Calls = list[tuple[str, Any]]


@dataclass
class Told:
    """What one client was told."""

    text: str = ""
    calls: Calls = field(default_factory=list)
    prompt: int | None = None
    completion: int | None = None

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        return self.prompt, self.completion


@dataclass(frozen=True)
class Asking:
    """One request in every SDK's terms."""

    group: str
    run: str
    """Its call id, which the spend row shows."""
    stream: bool = False
    tools: bool = False
    """Whether a tool is offered."""
    forced: bool = True
    """Whether it must be called."""

    @property
    def headers(self) -> dict[str, str]:
        return {"x-litellm-call-id": self.run}


class StreamFailed(Exception):
    """The error event of OpenAI's Responses API, which its SDK hands on as any other."""


class Clients:
    """One client of each SDK, all with one virtual key; none of them tries again."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self.key, self.url = key, gateway.url
        self.openai = gateway.openai(key)
        self.anthropic = anthropic.Anthropic(
            base_url=gateway.url, api_key=key, max_retries=0, timeout=CEILING_SECONDS
        )
        options = types.HttpOptions(base_url=gateway.url, timeout=int(CEILING_SECONDS * 1000))
        self.google = genai.Client(api_key=key, http_options=options)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()
        self.google.close()


def chat(clients: Clients, asking: Asking) -> Told:
    more: dict[str, Any] = {}
    if asking.tools:
        function = {"name": CALL[0], "parameters": SCHEMA}
        more = {"tools": [{"type": "function", "function": function}]}
        more |= {"tool_choice": "required"} if asking.forced else {}
    if asking.stream:
        more["stream_options"] = {"include_usage": True}
    answer = clients.openai.chat.completions.create(
        model=asking.group,
        messages=[{"role": "user", "content": PROMPT}],
        stream=asking.stream,
        extra_headers=asking.headers,
        **more,
    )
    return _chat_stream(answer) if asking.stream else _chat_whole(answer)


def _chat_whole(answer: Any) -> Told:
    choice = answer.choices[0]
    calls = [_called(each.function) for each in choice.message.tool_calls or []]
    assert choice.finish_reason == ("tool_calls" if calls else "stop")
    usage = answer.usage
    return Told(choice.message.content or "", calls, usage.prompt_tokens, usage.completion_tokens)


def _called(function: Any) -> tuple[str, Any]:
    return function.name, json.loads(function.arguments)


def _chat_stream(chunks: Iterable[Any]) -> Told:
    told, parts, finishes, role = Told(), dict[int, list[str]](), list[str](), None
    for chunk in chunks:
        if chunk.usage:
            told.prompt, told.completion = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
        for choice in chunk.choices:
            role = role or choice.delta.role
            told.text += choice.delta.content or ""
            finishes += [choice.finish_reason] if choice.finish_reason else []
            for part in choice.delta.tool_calls or []:
                pieces = parts.setdefault(part.index, [part.function.name, ""])
                pieces[1] += part.function.arguments or ""
    assert role == "assistant"
    assert finishes == ["tool_calls" if parts else "stop"]
    assert list(parts) == list(range(len(parts)))
    told.calls = [(name, json.loads(arguments)) for name, arguments in parts.values()]
    return told


def responses(clients: Clients, asking: Asking) -> Told:
    more: dict[str, Any] = {}
    if asking.tools:
        tool = {"type": "function", "name": CALL[0], "parameters": SCHEMA, "strict": True}
        more = {"tools": [tool], **({"tool_choice": "required"} if asking.forced else {})}
    made = clients.openai.responses.create(
        model=asking.group,
        input=PROMPT,
        stream=asking.stream,
        extra_headers=asking.headers,
        **more,
    )
    text, arguments = "", ""
    if asking.stream:
        events = list(made)
        assert events[0].type == "response.created"
        assert [e.sequence_number for e in events] == list(range(len(events)))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        deltas = [e for e in events if e.type == "response.function_call_arguments.delta"]
        arguments = "".join(e.delta for e in deltas)
        if events[-1].type == "error":
            raise StreamFailed(events[-1].message)
        assert events[-1].type == "response.completed"
        made = events[-1].response
    calls = [_called(item) for item in made.output if item.type == "function_call"]
    if asking.stream:
        whole = "".join(item.arguments for item in made.output if item.type == "function_call")
        assert (text, arguments) == (made.output_text, whole)
    return Told(made.output_text, calls, made.usage.input_tokens, made.usage.output_tokens)


def messages(clients: Clients, asking: Asking) -> Told:
    asked: dict[str, Any] = {
        "model": asking.group,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": PROMPT}],
        "extra_headers": asking.headers,
    }
    if asking.tools:
        asked["tools"] = [{"name": CALL[0], "input_schema": SCHEMA}]
        asked |= {"tool_choice": {"type": "any"}} if asking.forced else {}
    if asking.stream:
        with clients.anthropic.messages.stream(**asked) as stream:
            kinds = [event.type for event in stream]
            made = stream.get_final_message()
        assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    else:
        made = clients.anthropic.messages.create(**asked)
    text = "".join(block.text for block in made.content if block.type == "text")
    calls = [(block.name, block.input) for block in made.content if block.type == "tool_use"]
    assert made.stop_reason == ("tool_use" if calls else "end_turn")
    usage = made.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return Told(text, calls, usage.input_tokens + cached, usage.output_tokens)


def generate(clients: Clients, asking: Asking) -> Told:
    config = types.GenerateContentConfig(http_options=types.HttpOptions(headers=asking.headers))
    if asking.tools:
        tool = types.FunctionDeclaration(name=CALL[0], parameters_json_schema=SCHEMA)
        config.tools = [types.Tool(function_declarations=[tool])]
        mode = types.FunctionCallingConfigMode.ANY
        calling = types.FunctionCallingConfig(mode=mode if asking.forced else None)
        config.tool_config = types.ToolConfig(function_calling_config=calling)
        config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    asked: dict[str, Any] = {"model": asking.group, "contents": PROMPT, "config": config}
    models = clients.google.models
    if asking.stream:
        chunks = list(models.generate_content_stream(**asked))
    else:
        chunks = [models.generate_content(**asked)]
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        for part in (candidate.content and candidate.content.parts) or []
        if not part.thought
    ]
    text = "".join(part.text or "" for part in parts)
    calls: Calls = [(p.function_call.name, p.function_call.args) for p in parts if p.function_call]
    finishes = [c.finish_reason for chunk in chunks for c in chunk.candidates or []]
    assert [each for each in finishes if each] == [types.FinishReason.STOP]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    thoughts = usage.thoughts_token_count or 0
    completion = (usage.candidates_token_count or 0) + thoughts
    return Told(text, calls, usage.prompt_token_count, completion)


def langchain(clients: Clients, asking: Asking) -> Told:
    model = ChatOpenAI(
        model=asking.group,
        base_url=f"{clients.url}/v1",
        api_key=clients.key,
        max_retries=0,
        stream_usage=True,
        default_headers=asking.headers,
        http_client=clients.openai._client,
        http_socket_options=(),
    )
    bound: Any = model
    if asking.tools:
        tool = {"name": CALL[0], "description": "Weather", "parameters": SCHEMA}
        bound = model.bind_tools([tool], tool_choice="any" if asking.forced else None)
    if asking.stream:
        answer = None
        for chunk in bound.stream(PROMPT):
            answer = chunk if answer is None else answer + chunk
    else:
        answer = bound.invoke(PROMPT)
    assert answer is not None
    calls: Calls = [(call["name"], call["args"]) for call in answer.tool_calls]
    usage = answer.usage_metadata
    return Told(str(answer.text), calls, usage["input_tokens"], usage["output_tokens"])


Ask = Callable[[Clients, Asking], Told]

SDKS: Mapping[str, tuple[Ask, str]] = {
    "chat": (chat, "acompletion"),
    "responses": (responses, "aresponses"),
    "messages": (messages, "anthropic_messages"),
    "generate": (generate, "agenerate_content"),
    "langchain": (langchain, "acompletion"),
}
"""Name -> (how it asks, `call_type` of its spend rows)."""

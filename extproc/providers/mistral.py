"""Mistral's API: OpenAI's format, strict about members that it does not know.

https://docs.mistral.ai/api/endpoint/chat  https://docs.mistral.ai/capabilities/reasoning
https://docs.mistral.ai/capabilities/function_calling  https://docs.mistral.ai/api/endpoint/embeddings
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers, chat, embeddings, openai, parted
from extproc.providers.base import Incoming, Outgoing, Request, Translator
from extproc.providers.failures import provider_error

SUPPORTED = frozenset(
    {"frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "n"}
    | {"parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"}
    | {"reasoning_effort", "response_format", "seed", "stop", "temperature", "tool_choice"}
    | {"tools", "top_logprobs", "top_p"}
)
RENAMED: Mapping[str, str] = {"max_completion_tokens": "max_tokens", "seed": "random_seed"}
DROPPED = frozenset({"model", "messages", "tools", "stream_options"})
CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
NEVER_REASONS = re.compile(
    r"(codestral|devstral|ministral|mistral-(large|tiny)|open-mi|pixtral|voxtral)"
)
"""Models that refuse `reasoning_effort`."""
ACKNOWLEDGED = "Understood."
"""What the assistant says between a tool's result and the user: nobody else may follow a tool."""


def _request(request: Request) -> Outgoing:
    asked = chat.given(request, _supported(request))
    body = {RENAMED.get(name, name): asked[name] for name in asked if name not in DROPPED}
    body |= {"model": request.deployment.model, "messages": _messages(asked)}
    if tools := chat.listed(asked, "tools", ""):
        body["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(tools)]
    for name, translate in TRANSLATED.items():
        if name in asked:
            body |= {name: translate(asked)}
    return Outgoing("/chat/completions", body)


def _supported(request: Request) -> frozenset[str]:
    model = request.deployment.base_model or request.deployment.model
    return SUPPORTED - {"reasoning_effort"} if NEVER_REASONS.match(model) else SUPPORTED


def _effort(asked: Json) -> str:
    """Thinking is on or off here: Mistral knows the two ends alone."""
    return "none" if chat.effort(asked["reasoning_effort"]) == "none" else "high"


def _tool_choice(asked: Json) -> Any:
    choice = asked["tool_choice"]
    if not isinstance(choice, dict):
        return "any" if choice == "required" else choice
    if choice.get("type") != "function":
        raise chat.wrong("tool_choice", "none, auto, required or a function")
    name = chat.string(chat.member(choice, "function", "tool_choice"), "name", "tool_choice")
    return {"type": "function", "function": {"name": name}}


def _response_format(asked: Json) -> Json:
    form = chat.member(asked, "response_format", "")
    if form.get("type") == "json_schema":
        named = chat.member(form, "json_schema", "response_format")
        chat.member(named, "schema", "response_format.json_schema")
        given = {name: value for name, value in named.items() if value is not None}
        return {**form, "json_schema": given}
    return form


def _prediction(asked: Json) -> Json:
    """https://docs.mistral.ai/capabilities/predicted_outputs"""
    content = chat.member(asked, "prediction", "").get("content")
    return {"type": "content", "content": chat.text_of(content, "prediction.content")}


TRANSLATED: Mapping[str, Callable[[Json], Any]] = {
    "prediction": _prediction,
    "reasoning_effort": _effort,
    "response_format": _response_format,
    "tool_choice": _tool_choice,
}


def _tool(tool: Json, where: str) -> Json:
    """A function, which must have parameters here; any other tool is Mistral's own."""
    if tool.get("type") == "custom":
        raise chat.wrong(where, "a function, or a tool of Mistral's own")
    if tool.get("type") != "function":
        return tool
    function = chat.member(tool, "function", where)
    made: Json = {
        "name": chat.string(function, "name", f"{where}.function"),
        "parameters": function.get("parameters") or {"type": "object", "properties": {}},
    }
    given = {name: function.get(name) for name in ("description", "strict")}
    made |= {name: value for name, value in given.items() if value is not None}
    return {"type": "function", "function": made}


def _messages(asked: Json) -> list[Json]:
    """In the order that Mistral wants: the system's first, the assistant's after a tool's.

    A last message of the assistant's is what the answer shall begin with.
    https://github.com/mistralai/mistral-common (the validator of requests)
    """
    read = [
        _message(message, f"messages[{place}]")
        for place, message in enumerate(chat.messages(asked))
    ]
    made = [message for message in read if message["role"] == "system"]
    for message in read:
        if message["role"] == "user" and made and made[-1]["role"] == "tool":
            made.append({"role": "assistant", "content": ACKNOWLEDGED})
        if message["role"] != "system":
            made.append(message)
    if made and made[-1]["role"] == "assistant" and not made[-1].get("tool_calls"):
        made[-1]["prefix"] = True
    return made


def _message(message: Json, where: str) -> Json:
    role = ROLES.get(message["role"])
    if role is None:
        raise chat.wrong(f"{where}.role", f"one of {list(ROLES)}")
    return role(message, where)


def _system(message: Json, where: str) -> Json:
    return {"role": "system", "content": chat.text_of(message.get("content"), f"{where}.content")}


def _user(message: Json, where: str) -> Json:
    return {"role": "user", "content": _content(message, where)}


def _content(message: Json, where: str) -> str | list[Json]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    parts = chat.parts(content, f"{where}.content")
    return [_part(part, f"{where}.content[{place}]") for place, part in enumerate(parts)]


def _part(part: Json, where: str) -> Json:
    reader = PARTS.get(part["type"])
    return reader(part, where) if reader else part


def _text(part: Json, where: str) -> Json:
    return {"type": "text", "text": chat.string(part, "text", where)}


def _image(part: Json, where: str) -> Json:
    if isinstance(part.get("image_url"), str):
        return {"type": "image_url", "image_url": part["image_url"]}
    image = chat.member(part, "image_url", where)
    url = chat.string(image, "url", f"{where}.image_url")
    detail = "high" if image.get("detail") == "original" else image.get("detail")
    return {"type": "image_url", "image_url": {"url": url, "detail": detail} if detail else url}


def _file(part: Json, where: str) -> Json:
    """https://docs.mistral.ai/capabilities/document_ai/document_qna"""
    if "file_id" in part:
        return {"type": "file", "file_id": part["file_id"]}
    file = chat.member(part, "file", where)
    file_id = file.get("file_id")
    if isinstance(file_id, str) and "://" not in file_id:
        return {"type": "file", "file_id": file_id}
    url = file_id if isinstance(file_id, str) else chat.string(file, "file_data", f"{where}.file")
    made = {"type": "document_url", "document_url": url}
    return made | ({"document_name": file["filename"]} if file.get("filename") else {})


def _audio(part: Json, where: str) -> Json:
    """https://docs.mistral.ai/capabilities/audio"""
    if isinstance(part.get("input_audio"), str):
        return {"type": "input_audio", "input_audio": part["input_audio"]}
    audio = chat.member(part, "input_audio", where)
    return {"type": "input_audio", "input_audio": chat.string(audio, "data", where)}


def _refusal(part: Json, where: str) -> Json:
    return {"type": "text", "text": chat.string(part, "refusal", where)}


PARTS: Mapping[str, Callable[[Json, str], Json]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
}
"""OpenAI's parts; others are Mistral's own and pass."""


def _assistant(message: Json, where: str) -> Json:
    said: Json = {"role": "assistant", "content": _content(message, where)}
    if thoughts := [_think(b) for b in chat.listed(message, "thinking_blocks", where) if _said(b)]:
        said["content"] = thoughts + _as_parts(said["content"])
    if calls := chat.listed(message, "tool_calls", where):
        said["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(calls)
        ]
    return said | ({"prefix": message["prefix"]} if "prefix" in message else {})


def _as_parts(content: str | list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def _said(block: Json) -> bool:
    return block.get("type") == "thinking" and isinstance(block.get("thinking"), str)


def _think(block: Json) -> Json:
    made: Json = {"type": "thinking", "thinking": [{"type": "text", "text": block["thinking"]}]}
    return made | ({"signature": block["signature"]} if block.get("signature") else {})


def _call(call: Json, where: str) -> Json:
    function = chat.member(call, "function", where)
    name = chat.string(function, "name", f"{where}.function")
    given = function.get("arguments")
    chat.arguments(given, f"{where}.function.arguments")
    text = given if isinstance(given, str) and given else "{}"
    return chat.tool_call(_call_id(chat.string(call, "id", where)), name, text)


def _call_id(given: str) -> str:
    """Nine letters or digits are all that Mistral takes: another's id becomes a digest of it."""
    return given if CALL_ID.fullmatch(given) else sha256(given.encode()).hexdigest()[:9]


def _result(message: Json, where: str) -> Json:
    made: Json = {"role": "tool", "content": _content(message, where)}
    made["tool_call_id"] = _call_id(chat.string(message, "tool_call_id", where))
    return made | ({"name": message["name"]} if isinstance(message.get("name"), str) else {})


ROLES: Mapping[str, Callable[[Json, str], Json]] = {
    "system": _system,
    "developer": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _result,
}


def _thought(part: Json) -> list[Json]:
    if part.get("type") != "thinking":
        return []
    inner = part.get("thinking")
    said = inner if isinstance(inner, str) else "".join(_words(inner))
    block: Json = {"type": "thinking", "thinking": said}
    return [block | ({"signature": part["signature"]} if part.get("signature") else {})]


def _words(thinking: Any) -> list[str]:
    return [answers.text(piece.get("text")) for piece in answers.objects(thinking)]


def _response(body: Json, request: Request) -> Incoming:
    return parted.response(body, request, _thought)


def _chunks(request: Request) -> parted.Chunks:
    return parted.Chunks(request, _thought)


def _embeddings_request(request: Request) -> Outgoing:
    """Numbers come as they do from OpenAI; how many is named otherwise."""
    asked = embeddings.given(request, frozenset({"dimensions"}))
    body: Json = {"model": request.deployment.model, "input": embeddings.inputs(asked)}
    body |= embeddings.extras(asked)
    if "encoding_format" in asked:
        body["encoding_format"] = asked["encoding_format"]
    if "dimensions" in asked:
        body["output_dimension"] = asked["dimensions"]
    return Outgoing("/embeddings", body)


CHAT = Translator(_request, _response, _chunks, openai.unstream_chat, provider_error)
EMBEDDINGS = replace(openai.EMBEDDINGS, request=_embeddings_request)

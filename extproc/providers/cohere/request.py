"""OpenAI's chat request as Cohere's.

https://docs.cohere.com/reference/chat  https://docs.cohere.com/docs/reasoning
https://docs.cohere.com/docs/structured-outputs
"""

from collections.abc import Callable, Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Outgoing, Request

PATH = "/v2/chat"
SUPPORTED = frozenset(
    {"frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "presence_penalty"}
    | {"reasoning_effort", "response_format", "seed", "stop", "temperature", "tool_choice"}
    | {"tools", "top_p"}
)
SAME = ("frequency_penalty", "logprobs", "presence_penalty", "seed", "temperature")
HIGHEST_P = 0.99
TOOL_CHOICES: Mapping[str, str | None] = {"auto": None, "none": "NONE", "required": "REQUIRED"}
TRANSLATED = SUPPORTED | {"thinking", "top_k"}


def request(request: Request) -> Outgoing:
    asked = chat.given(request, SUPPORTED)
    own = chat.extras(request, asked)
    body: Json = {name: value for name, value in own.items() if name not in TRANSLATED}
    body |= {
        "model": request.deployment.model,
        "messages": [
            _message(message, f"messages[{place}]")
            for place, message in enumerate(chat.messages(asked))
        ],
        "stream": request.streaming,
    }
    body |= {name: asked[name] for name in SAME if name in asked}
    for part in (_sampling, _thinking, _tools, _response_format):
        body |= part(asked)
    return Outgoing(PATH, body)


def _sampling(asked: Json) -> Json:
    """Lengths and probabilities under Cohere's names; its `p` ends where OpenAI's means all."""
    found: Json = {}
    limit = asked.get("max_completion_tokens", asked.get("max_tokens"))
    if limit is not None:
        found["max_tokens"] = limit
    if "top_p" in asked:
        found["p"] = HIGHEST_P if asked["top_p"] == 1 else asked["top_p"]
    if "top_k" in asked:
        found["k"] = asked["top_k"]
    if stop := asked.get("stop"):
        found["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    return found


def _thinking(asked: Json) -> Json:
    """From `reasoning_effort`, or from Anthropic's `thinking`, whose budget is named otherwise."""
    thinking = asked.get("thinking")
    if isinstance(thinking, dict):
        budget = thinking.get("token_budget", thinking.get("budget_tokens"))
        kind = "disabled" if thinking.get("type") == "disabled" else "enabled"
        return {"thinking": {"type": kind} | ({"token_budget": budget} if budget else {})}
    effort = asked.get("reasoning_effort")
    if effort is None:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if not isinstance(effort, str) or effort not in chat.THINKING_TOKENS:
        raise chat.wrong("reasoning_effort", f"one of {['none', *chat.THINKING_TOKENS]}")
    return {"thinking": {"type": "enabled", "token_budget": chat.THINKING_TOKENS[effort]}}


def _tools(asked: Json) -> Json:
    """Cohere cannot be made to call one certain tool: it is then given that tool alone."""
    tools = chat.listed(asked, "tools", "")
    functions = [_function(tool, f"tools[{place}]") for place, tool in enumerate(tools)]
    choice = asked.get("tool_choice")
    found: Json = {}
    if isinstance(choice, dict):
        name = chat.string(chat.member(choice, "function", "tool_choice"), "name", "tool_choice")
        functions = [one for one in functions if one["function"]["name"] == name]
        if not functions:
            raise chat.wrong("tool_choice", "the name of one of the tools")
        found["tool_choice"] = "REQUIRED"
    elif choice is not None:
        if not isinstance(choice, str) or choice not in TOOL_CHOICES:
            raise chat.wrong("tool_choice", f"one of {list(TOOL_CHOICES)} or a function")
        if TOOL_CHOICES[choice]:
            found["tool_choice"] = TOOL_CHOICES[choice]
    if functions:
        found["tools"] = functions
        if all(chat.member(tool, "function", "tools").get("strict") is True for tool in tools):
            found["strict_tools"] = True
    return found


def _function(tool: Json, where: str) -> Json:
    if tool.get("type") != "function":
        raise chat.wrong(f"{where}.type", "'function'")
    given = chat.member(tool, "function", where)
    function: Json = {"name": chat.string(given, "name", f"{where}.function")}
    if given.get("description") is not None:
        function["description"] = given["description"]
    function["parameters"] = given.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _response_format(asked: Json) -> Json:
    if asked.get("response_format") is None:
        return {}
    form = chat.member(asked, "response_format", "").copy()
    kind = form.get("type")
    if kind == "json_object":
        return {"response_format": form}
    if kind == "json_schema":
        where = "response_format.json_schema"
        schema = chat.member(chat.member(form, "json_schema", "response_format"), "schema", where)
        return {"response_format": {"type": "json_object", "json_schema": schema}}
    if kind == "text":
        return {}
    raise chat.wrong("response_format.type", "'text', 'json_object' or 'json_schema'")


def _message(message: Json, where: str) -> Json:
    role = ROLES.get(message["role"])
    if role is None:
        raise chat.wrong(f"{where}.role", f"one of {list(ROLES)}")
    return role(message, where)


def _system(message: Json, where: str) -> Json:
    return {"role": "system", "content": chat.text_of(message.get("content"), f"{where}.content")}


def _user(message: Json, where: str) -> Json:
    content = message.get("content")
    if isinstance(content, str):
        return {"role": "user", "content": content}
    parts = chat.parts(content, f"{where}.content")
    if not parts:
        raise chat.wrong(f"{where}.content", "a string or an array of parts")
    return {
        "role": "user",
        "content": [_user_part(part, f"{where}.content[{n}]") for n, part in enumerate(parts)],
    }


def _user_part(part: Json, where: str) -> Json:
    if part["type"] == "text":
        return {"type": "text", "text": chat.string(part, "text", where)}
    if part["type"] != "image_url":
        raise chat.unsupported_part(where, part)
    given = chat.member(part, "image_url", where)
    image = {"url": chat.string(given, "url", f"{where}.image_url")}
    if given.get("detail") is not None:
        image["detail"] = given["detail"]
    return {"type": "image_url", "image_url": image}


def _assistant(message: Json, where: str) -> Json:
    """Thinking blocks go back as they came; thoughts without a block were a plan for tools."""
    content: list[Json] = [
        {"type": "thinking", "thinking": block["thinking"]}
        for block in chat.listed(message, "thinking_blocks", where)
        if isinstance(block.get("thinking"), str)
    ]
    text = "".join(
        chat.string(part, part["type"], f"{where}.content[{place}]")
        for place, part in enumerate(chat.parts(message.get("content"), f"{where}.content"))
        if part["type"] in ("text", "refusal")
    )
    if text:
        content.append({"type": "text", "text": text})
    calls = chat.listed(message, "tool_calls", where)
    said: Json = {"role": "assistant"}
    if content:
        said["content"] = text if len(content) == 1 and text else content
    if calls:
        said["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(calls)
        ]
        plan = message.get("reasoning_content")
        if isinstance(plan, str) and plan and not message.get("thinking_blocks"):
            said["tool_plan"] = plan
    elif not content:
        said["content"] = ""
    return said


def _call(call: Json, where: str) -> Json:
    function = chat.member(call, "function", where)
    name = chat.string(function, "name", f"{where}.function")
    given = function.get("arguments")
    chat.arguments(given, f"{where}.function.arguments")
    text = given if isinstance(given, str) and given else "{}"
    return chat.tool_call(chat.string(call, "id", where), name, text)


def _tool(message: Json, where: str) -> Json:
    """A tool's result: text, or documents that the answer may cite."""
    content: Any = message.get("content")
    if not isinstance(content, str):
        content = [
            part if part["type"] == "document" else _text(part, f"{where}.content[{place}]")
            for place, part in enumerate(chat.parts(content, f"{where}.content"))
        ]
    call_id = chat.string(message, "tool_call_id", where)
    return {"role": "tool", "tool_call_id": call_id, "content": content or ""}


def _text(part: Json, where: str) -> Json:
    return {"type": "text", "text": chat.text_of([part], where)}


ROLES: Mapping[str, Callable[[Json, str], Json]] = {
    "system": _system,
    "developer": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}

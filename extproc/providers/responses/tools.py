"""Tools of the Responses API as chat's: functions, and what can be made one; others are refused.

A custom tool takes free text. Chat-only providers know functions alone, so it travels as a function
with one string, and its calls are turned back by name. A choice among allowed tools is made by
sending no others. https://platform.openai.com/docs/guides/function-calling#custom-tools
"""

from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.errors import InvalidRequest
from extproc.providers import chat
from extproc.providers.answers import objects, record, text
from extproc.providers.base import Request
from extproc.providers.carried import carried_by
from extproc.providers.responses.caching import mark

INPUT = "input"
"""The one parameter of a custom tool."""
WEB_SEARCH = "web_search"
CHOICES = ("none", "auto", "required")


def custom_names(request: Request) -> frozenset[str]:
    """The tools whose calls go back as `custom_tool_call`."""
    tools = objects(request.body.get("tools"))
    return frozenset(text(tool.get("name")) for tool in tools if tool.get("type") == "custom")


def wrapped(text_input: str) -> str:
    """A custom tool's input as the arguments of its function."""
    return orjson.dumps({INPUT: text_input}).decode()


def unwrapped(arguments: str) -> str:
    """The input in a function's arguments; arguments of any other form are the input."""
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    found = record(parsed).get(INPUT)
    return found if isinstance(found, str) else arguments


def as_chat(request: Request, body: Json) -> Json:
    """Chat's `tools`, `tool_choice` and `web_search_options`, as far as there are any.

    Raises InvalidRequest for a tool that no chat provider has, unless it may be dropped.
    """
    found: Json = {}
    functions: list[Json] = []
    carried = carried_by(request)
    for place, tool in enumerate(chat.listed(body, "tools", "")):
        where = f"tools[{place}]"
        kind = chat.string(tool, "type", where)
        if kind.startswith(WEB_SEARCH):
            if not _narrowed(request, tool, where):
                found["web_search_options"] = _web_search(tool, where)
        elif kind in ("function", "custom"):
            function = _function(tool, where) if kind == "function" else _custom(tool, where)
            functions.append({"type": "function", "function": function, **mark(tool, carried)})
        elif not request.drop_params:
            raise _lacking(where, kind)
    if functions:
        found |= _chosen(request, body.get("tool_choice"), functions)
        if body.get("parallel_tool_calls") is not None:
            found["parallel_tool_calls"] = body["parallel_tool_calls"]
    elif isinstance(body.get("tool_choice"), dict) and not request.drop_params:
        raise chat.wrong("tool_choice", "a tool that is among `tools`")
    return found


def _function(tool: Json, where: str) -> Json:
    function: Json = {"name": chat.string(tool, "name", where)}
    if tool.get("parameters") is not None:
        function["parameters"] = chat.member(tool, "parameters", where)
    function |= {n: tool[n] for n in ("description", "strict") if tool.get(n) is not None}
    return function


def _custom(tool: Json, where: str) -> Json:
    form = record(tool.get("format"))
    grammar = text(form.get("definition"))
    lines = [text(tool.get("description"))]
    if grammar:
        lines.append(f"The input follows this {text(form.get('syntax'))} grammar:\n{grammar}")
    function: Json = {"name": chat.string(tool, "name", where)}
    if described := "\n\n".join(line for line in lines if line):
        function["description"] = described
    function["parameters"] = {
        "type": "object",
        "properties": {INPUT: {"type": "string"}},
        "required": [INPUT],
        "additionalProperties": False,
    }
    return function


def _narrowed(request: Request, tool: Json, where: str) -> bool:
    """Whether the search is left out: better none than one that goes where it must not."""
    narrowed = [name for name in ("filters", "external_web_access") if _narrows(tool, name)]
    if narrowed and not request.drop_params:
        raise _lacking(f"{where}.{narrowed[0]}", "restricted web search")
    return bool(narrowed)


def _web_search(tool: Json, where: str) -> Json:
    """https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat"""
    options: Json = {}
    if tool.get("search_context_size") is not None:
        options["search_context_size"] = tool["search_context_size"]
    if tool.get("user_location") is not None:
        location = chat.member(tool, "user_location", where)
        known = {n: v for n, v in location.items() if n != "type" and v is not None}
        options["user_location"] = {"type": "approximate", "approximate": known}
    return options


def _narrows(tool: Json, name: str) -> bool:
    return bool(tool.get(name)) if name == "filters" else tool.get(name) is False


def _chosen(request: Request, choice: Any, functions: list[Json]) -> Json:
    """`tools` and `tool_choice`."""
    if choice is None:
        return {"tools": functions}
    if isinstance(choice, str) and choice in CHOICES:
        return {"tools": functions, "tool_choice": choice}
    if not isinstance(choice, dict):
        raise chat.wrong("tool_choice", "one of none, auto, required, or an object")
    kind = chat.string(choice, "type", "tool_choice")
    if kind in ("function", "custom"):
        named = {"name": chat.string(choice, "name", "tool_choice")}
        return {"tools": functions, "tool_choice": {"type": "function", "function": named}}
    if kind == "allowed_tools":
        return _allowed(choice, functions)
    if request.drop_params:
        return {"tools": functions}
    raise _lacking("tool_choice", kind)


def _allowed(choice: Json, functions: list[Json]) -> Json:
    names = {tool.get("name") for tool in chat.listed(choice, "tools", "tool_choice")}
    left = [tool for tool in functions if tool["function"]["name"] in names]
    if not left:
        raise chat.wrong("tool_choice.tools", "names of functions that are among `tools`")
    mode = choice.get("mode", "auto")
    if mode not in ("auto", "required"):
        raise chat.wrong("tool_choice.mode", "one of auto, required")
    return {"tools": left, "tool_choice": mode}


def _lacking(where: str, kind: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value for '{where}': {kind!r} is a tool of the Responses API that this model's "
        "provider does not have. To leave it out, set `drop_params: true`.",
        param=where.partition("[")[0],
    )

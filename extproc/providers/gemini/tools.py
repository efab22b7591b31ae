"""Tools and the choice among them.

https://ai.google.dev/api/caching#Tool  https://ai.google.dev/gemini-api/docs/function-calling
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Request
from extproc.providers.gemini.naming import camel
from extproc.providers.gemini.schema import google_schema
from extproc.providers.gemini.sites import site_of

DECLARATIONS = "functionDeclarations"
BUILT_IN = frozenset(
    {"codeExecution", "computerUse", "enterpriseWebSearch", "fileSearch", "googleMaps"}
    | {"googleSearch", "googleSearchRetrieval", "retrieval", "urlContext"}
)
"""Google's own tools: they pass as the client wrote them, `{"googleSearch": {}}`."""
TYPED: Mapping[str, str] = {
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
    "google_search": "googleSearch",
    "code_execution": "codeExecution",
    "code_interpreter": "codeExecution",
    "url_context": "urlContext",
}
"""Other formats' names of them."""
MODES: Mapping[str, str] = {"none": "NONE", "auto": "AUTO", "required": "ANY"}
SAYS_NOTHING = frozenset({"$schema", "additionalProperties", "properties", "required", "type"})
"""Members of a schema that, without properties, allow no arguments at all."""


def tools(asked: Json, request: Request) -> Json:
    """The members `tools` and `toolConfig`, as far as there is something to say."""
    declared, own = _read(asked)
    if asked.get("web_search_options") is not None and {"googleSearch": {}} not in own:
        own.append({"googleSearch": {}})
    if asked.get("parallel_tool_calls") is False and len(declared) > 1:
        chat.refuse(request, {"parallel_tool_calls": False})
    found = [{DECLARATIONS: declared}, *own] if declared else own
    config = _choice(asked.get("tool_choice")) if declared else {}
    if declared and own and site_of(request.deployment).announces_mixed_tools:
        config["includeServerSideToolInvocations"] = True
    said: Json = {"tools": found} if found else {}
    return {**said, "toolConfig": config} if config else said


def _read(asked: Json) -> tuple[list[Json], list[Json]]:
    """(function declarations, Google's own tools)"""
    declared: list[Json] = []
    own: list[Json] = []
    for place, tool in enumerate(chat.listed(asked, "tools", "")):
        where = f"tools[{place}]"
        kind = tool.get("type")
        if kind == "function":
            declared.append(_declaration(chat.member(tool, "function", where), where))
        elif isinstance(kind, str) and kind in TYPED:
            own.append({TYPED[kind]: {}})
        elif kind is None and (named := _named(tool)):
            declared += chat.listed(named, DECLARATIONS, where)
            own += [{name: value} for name, value in named.items() if name != DECLARATIONS]
        else:
            raise chat.wrong(where, "a function, or a tool of Google's own")
    return declared, own


def _named(tool: Json) -> Json:
    """A tool in Google's own words; empty when it is not."""
    named = {camel(name): value for name, value in tool.items()}
    return named if named.keys() <= BUILT_IN | {DECLARATIONS} else {}


def _declaration(function: Json, where: str) -> Json:
    """`strict` has no counterpart. A schema without properties is left out, as Google wants."""
    declaration: Json = {"name": chat.string(function, "name", f"{where}.function")}
    if function.get("description") is not None:
        declaration["description"] = chat.string(function, "description", f"{where}.function")
    if function.get("parameters") is not None:
        schema = chat.member(function, "parameters", f"{where}.function")
        if schema.get("properties") or schema.keys() - SAYS_NOTHING:
            declaration["parametersJsonSchema"] = google_schema(schema, where)
    return declaration


def _choice(choice: Any) -> Json:
    if choice is None:
        return {}
    if isinstance(choice, str) and choice in MODES:
        return {"functionCallingConfig": {"mode": MODES[choice]}}
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function":
        return _only("ANY", [choice], "tool_choice")
    if kind == "allowed_tools":
        allowed = chat.member(choice, "allowed_tools", "tool_choice")
        where = "tool_choice.allowed_tools"
        mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"
        return _only(mode, chat.listed(allowed, "tools", where), f"{where}.tools")
    raise chat.wrong("tool_choice", "none, auto, required, a function or allowed_tools")


def _only(mode: str, functions: list[Json], where: str) -> Json:
    names = [
        chat.string(chat.member(function, "function", where), "name", f"{where}.function")
        for function in functions
    ]
    return {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}}

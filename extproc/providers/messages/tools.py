"""Anthropic's tools and tool choice as chat's.

The web search tool becomes `web_search_options`. Other tools that Anthropic defines or runs
(bash_*, text_editor_*, computer_*, code_execution_*, web_fetch_*, memory_*, tool_search_*) have no
schema that another model could know: they are refused, or left out with `drop_params`.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers.carried import Carried
from extproc.providers.messages import naming
from extproc.providers.messages.blocks import string, wrong

WEB_SEARCH = "web_search_"

CHOICES: Mapping[str, str] = {"auto": "auto", "any": "required", "none": "none"}


def chat_tools(body: Json, carried: Carried) -> Json:
    """`tools`, `tool_choice`, `parallel_tool_calls` and `web_search_options`, as far as given."""
    listed = body.get("tools")
    if listed is None:
        return {}
    if not isinstance(listed, list):
        raise wrong("tools", "an array")
    members: Json = {}
    functions: list[Json] = []
    for place, tool in enumerate(listed):
        where = f"tools.{place}"
        if not isinstance(tool, dict):
            raise wrong(where, "an object")
        kind = tool.get("type")
        if kind in (None, "custom"):
            functions.append(_function(tool, where, carried))
        elif isinstance(kind, str) and kind.startswith(WEB_SEARCH):
            members["web_search_options"] = _web_search(tool, where, carried)
        else:
            carried.refuse(where, f"the tool {tool.get('name')!r} of type {kind!r}")
    if functions:
        members |= {"tools": functions, **_choice(body.get("tool_choice"), functions)}
    return members


def _function(tool: Json, where: str, carried: Carried) -> Json:
    """OpenAI refuses the schema of an object that names no properties."""
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        raise wrong(f"{where}.input_schema", "an object")
    function: Json = {"name": naming.upstream_name(string(tool, "name", where))}
    if isinstance(tool.get("description"), str):
        function["description"] = tool["description"]
    lacks = schema.get("type") == "object" and "properties" not in schema
    function["parameters"] = {**schema, "properties": {}} if lacks else schema
    if tool.get("strict") is not None:
        function["strict"] = tool["strict"]
    made: Json = {"type": "function", "function": function}
    if tool.get("cache_control") is not None and "cache_control" in carried:
        made["cache_control"] = tool["cache_control"]
    return made


def _web_search(tool: Json, where: str, carried: Carried) -> Json:
    """`max_uses` bounds only what it costs; which sites may be read is not left out unasked."""
    for name in ("allowed_domains", "blocked_domains"):
        if tool.get(name):
            carried.refuse(f"{where}.{name}", "a list of domains for web search")
    location = tool.get("user_location")
    if not isinstance(location, dict):
        return {}
    approximate = {name: value for name, value in location.items() if name != "type"}
    return {"user_location": {"type": "approximate", "approximate": approximate}}


def _choice(choice: Any, functions: list[Json]) -> Json:
    """A choice of a tool that is no function is left to the model."""
    if choice is None:
        return {}
    kind = choice.get("type") if isinstance(choice, dict) else None
    members: Json = {}
    if kind == "tool":
        name = naming.upstream_name(string(choice, "name", "tool_choice"))
        if any(function["function"]["name"] == name for function in functions):
            members["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif isinstance(kind, str) and kind in CHOICES:
        members["tool_choice"] = CHOICES[kind]
    else:
        raise wrong("tool_choice.type", "'auto', 'any', 'tool' or 'none'")
    if choice.get("disable_parallel_tool_use") is True:
        members["parallel_tool_calls"] = False
    return members

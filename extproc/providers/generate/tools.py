"""Google's tools and toolConfig as chat's tools and tool_choice.

https://ai.google.dev/api/caching#Tool
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers.chat import wrong
from extproc.providers.generate.fields import members, repeated, text
from extproc.providers.generate.schema import json_schema

_SEARCHES = frozenset({"googleSearch", "googleSearchRetrieval", "enterpriseWebSearch"})
_CHOICES: Mapping[str, str] = {
    "AUTO": "auto",
    "VALIDATED": "auto",
    "MODE_UNSPECIFIED": "auto",
    "ANY": "required",
    "NONE": "none",
}


def tools(body: Json, lacking: list[str]) -> Json:
    """`tools`, `tool_choice` and `web_search_options`; what has no word is added to `lacking`."""
    functions: list[Json] = []
    made: Json = {}
    for where, tool in repeated(body.get("tools"), "tools"):
        for kind, value in tool.items():
            if kind == "functionDeclarations":
                functions += [_function(*one) for one in repeated(value, f"{where}.{kind}")]
            elif kind in _SEARCHES:
                made["web_search_options"] = {}
            else:
                lacking.append(f"{where}.{kind}")
    choice = _choice(body.get("toolConfig", {}), functions)
    return {**made, **choice} if functions else made


def _function(where: str, declared: Json) -> Json:
    function: Json = {"name": text(declared, "name", where)}
    if "description" in declared:
        function["description"] = text(declared, "description", where)
    schema = declared.get("parametersJsonSchema")
    if schema is not None:
        members(schema, f"{where}.parametersJsonSchema")
        function["parameters"] = schema
    elif "parameters" in declared:
        function["parameters"] = json_schema(declared["parameters"], f"{where}.parameters")
    return {"type": "function", "function": function}


def _choice(value: Any, functions: list[Json]) -> Json:
    """The tools that may be called, and whether one must be.

    Chat can name one function. Of several only those are sent: that every provider understands.
    """
    where = "toolConfig.functionCallingConfig"
    config = members(members(value, "toolConfig").get("functionCallingConfig", {}), where)
    mode = str(config.get("mode", "AUTO")).upper()
    if mode not in _CHOICES:
        raise wrong(f"{where}.mode", f"one of {', '.join(_CHOICES)}")
    names = config.get("allowedFunctionNames") or []
    chosen = functions
    if names and mode in ("ANY", "VALIDATED"):
        chosen = [tool for tool in functions if tool["function"]["name"] in names]
        if functions and not chosen:
            raise wrong(f"{where}.allowedFunctionNames", "names of declared functions")
    if "mode" not in config:
        return {"tools": chosen}
    if mode == "ANY" and len(chosen) == 1:
        name = chosen[0]["function"]["name"]
        return {"tools": functions, "tool_choice": {"type": "function", "function": {"name": name}}}
    return {"tools": chosen, "tool_choice": _CHOICES[mode]}

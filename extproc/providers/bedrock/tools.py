"""Tools, the choice among them, and answers held to a schema.

Where the model cannot be held to a schema, a tool that takes the answer stands for it.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
"""

from collections.abc import Mapping
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import chat
from extproc.providers.anthropic.tools import closed, is_open
from extproc.providers.base import Request
from extproc.providers.bedrock import models
from extproc.providers.bedrock.turns import cache_point, tool_name

ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}
CHOICES: Mapping[str, Json] = {"auto": {"auto": {}}, "required": {"any": {}}}
GROUNDING = "nova_grounding"
"""Nova's search of the web."""

UNKNOWN = "unknown_tool"
"""Stands for a tool that is not declared by name."""


def answers_by_tool(request: Request) -> bool:
    """Whether the answer comes as a call of JSON_TOOL."""
    return _schema(request.body) is not None and not _natively(request.body, request)


def output_config(body: Json, request: Request) -> Json:
    """Converse's own way of holding an answer to a schema, if it is asked for and there is one."""
    found = _schema(body)
    if found is None or not _natively(body, request):
        return {}
    try:
        schema = {"schema": orjson.dumps(closed(found["schema"])).decode()}
    except orjson.JSONEncodeError:
        raise chat.wrong("response_format.json_schema.schema", "a schema less deep") from None
    schema |= {name: found[name] for name in ("name", "description") if name in found}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def tool_config(body: Json, request: Request, used: list[str], forceable: bool) -> Json:
    """`used` names the tools in the messages: they need a declaration to stand there."""
    choice = body.get("tool_choice", "auto")
    tools = _declared(body, request)
    if choice == "none":
        tools = _without_choice(tools, used, request)
    if answers_by_tool(request):
        return _answer_tool(body, tools, forceable)
    if not tools and used:
        tools = _mended(used, body, request)
    if not tools:
        return {}
    return {"tools": tools} | (
        {} if choice in ("auto", "none") else {"toolChoice": _choice(choice)}
    )


def forces(body: Json) -> bool:
    """Whether the client itself makes the model call a tool."""
    return body.get("tool_choice", "auto") not in ("auto", "none")


def additional_tools(body: Json) -> list[Json]:
    """Claude's own tools (bash, text editor, computer), which Converse has no words for.

    https://docs.aws.amazon.com/bedrock/latest/userguide/computer-use.html
    """
    if body.get("tool_choice") == "none":
        return []
    return [tool for tool in chat.listed(body, "tools", "") if _is_own(tool)]


def _is_own(tool: Json) -> bool:
    return tool.get("type") != "function" and isinstance(tool.get("name"), str)


def _declared(body: Json, request: Request) -> list[Json]:
    strict = models.takes_schema(request.deployment)
    tools: list[Json] = []
    for place, tool in enumerate(chat.listed(body, "tools", "")):
        where = f"tools[{place}]"
        if models.claude(request.deployment) and _is_own(tool):
            continue
        if tool.get("type") != "function":
            raise chat.wrong(f"{where}.type", "'function'")
        function = chat.member(tool, "function", where)
        tools.append({"toolSpec": _spec(function, f"{where}.function", strict)})
        if not models.is_nova(request.deployment):  # whose cache holds no tools
            marked = tool if tool.get("cache_control") is not None else function
            tools += cache_point(marked, where, request.deployment)
    if body.get("web_search_options") is not None:
        tools.append({"systemTool": {"name": GROUNDING}})
    return tools


def _spec(function: Json, where: str, strict: bool) -> Json:
    spec: Json = {"name": tool_name(function, where)}
    if isinstance(function.get("description"), str) and function["description"]:
        spec["description"] = function["description"]
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise chat.wrong(f"{where}.parameters", "a JSON schema")
    schema = _object_schema(parameters)
    if strict and function.get("strict") is True:
        schema, spec["strict"] = closed(schema), True
    spec["inputSchema"] = {"json": schema}
    return spec


def _object_schema(schema: Json | None) -> Json:
    """Every input is an object: a schema that does not say so is told to."""
    return {"type": "object", **(schema or ANY_OBJECT)}


def _choice(choice: Any) -> Json:
    if isinstance(choice, str) and choice in CHOICES:
        return CHOICES[choice]
    if isinstance(choice, dict) and choice.get("type") == "function":
        function = chat.member(choice, "function", "tool_choice")
        return {"tool": {"name": tool_name(function, "tool_choice.function")}}
    raise chat.wrong("tool_choice", "none, auto, required or one function")


def _without_choice(tools: list[Json], used: list[str], request: Request) -> list[Json]:
    """`none` is said by declaring no tools, which past calls in the messages do not allow."""
    if not used:
        return []
    if not request.drop_params:
        deployment = request.deployment
        raise UnsupportedParams(deployment.provider, deployment.model, ["tool_choice"])
    return tools


def _answer_tool(body: Json, tools: list[Json], forceable: bool) -> Json:
    """The tool that takes the answer beside the client's own; one of them must be called."""
    found = _schema(body) or {}
    described = found.get("description") or "Takes the answer: call it to answer."
    spec = {"name": chat.JSON_TOOL, "description": described}
    spec["inputSchema"] = {"json": _object_schema(found.get("schema"))}
    config: Json = {"tools": [*tools, {"toolSpec": spec}]}
    return config | {"toolChoice": {"any": {}}} if forceable else config


def _mended(used: list[str], body: Json, request: Request) -> list[Json]:
    """Declarations for tools that the messages call; Claude's own need one of another name."""
    own = additional_tools(body)
    if not own and not request.modify_params:
        raise InvalidRequest(
            "Invalid value for 'tools': expected the tools that the messages call.", param="tools"
        )
    names = [UNKNOWN] if own else used
    schema = {"json": dict(ANY_OBJECT)}
    return [{"toolSpec": {"name": name, "inputSchema": schema}} for name in names]


def _schema(body: Json) -> Json | None:
    """{schema, name?, description?} of `response_format`; None when text is asked for."""
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return {"schema": None}
    if kind != "json_schema":
        raise chat.wrong("response_format.type", "text, json_object or json_schema")
    found = chat.member(wanted, "json_schema", "response_format")
    schema = found.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise chat.wrong("response_format.json_schema.schema", "a JSON schema")
    named = {name: found.get(name) for name in ("name", "description")}
    return {name: v for name, v in named.items() if isinstance(v, str) and v} | {"schema": schema}


def _natively(body: Json, request: Request) -> bool:
    schema = (_schema(body) or {}).get("schema")
    return schema is not None and models.takes_schema(request.deployment) and not is_open(schema)

"""Tools, the choice among them, and the answer's format, which an old model is given as a tool.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat

_FUNCTION_MEMBERS = (
    *("cache_control", "defer_loading", "allowed_callers"),
    *("input_examples", "eager_input_streaming"),
)
_SEARCHES: Mapping[str, int] = {"low": 1, "medium": 5, "high": 10}
"""LiteLLM's `max_uses` for OpenAI's `search_context_size`."""

ANY_OBJECT: Json = {"type": "object", "additionalProperties": True}
FORCING = frozenset({"any", "tool"})


def tools(body: Json, strict: bool) -> list[Json]:
    """Every tool that the model may use. Raises InvalidRequest."""
    found = []
    for place, tool in enumerate(chat.listed(body, "tools", "")):
        found.append(_tool(tool, f"tools[{place}]", strict))
    for place, function in enumerate(chat.listed(body, "functions", "")):
        found.append(_function({}, function, f"functions[{place}]", strict))
    if body.get("web_search_options") is not None:
        found.append(_web_search(body["web_search_options"]))
    return found


def _tool(tool: Json, where: str, strict: bool) -> Json:
    kind = tool.get("type")
    if kind == "function":
        return _function(tool, chat.member(tool, "function", where), where, strict)
    if isinstance(tool.get("function"), dict):  # LiteLLM's way to write Anthropic's own tools
        function = tool["function"]
        parameters = function.get("parameters")
        more = parameters if isinstance(parameters, dict) else {}
        return {"type": kind, "name": function.get("name"), **more}
    if kind == "custom" and "input_schema" not in tool:
        raise chat.wrong(where, "a function or one of Anthropic's own tools")
    if not isinstance(tool.get("name"), str) and not isinstance(kind, str):
        raise chat.wrong(where, "an object with a type")
    return dict(tool)


def _function(tool: Json, function: Json, where: str, strict: bool) -> Json:
    made: Json = {"name": chat.string(function, "name", where)}
    if isinstance(function.get("description"), str):
        made["description"] = function["description"]
    made["input_schema"] = _object_schema(function.get("parameters"), f"{where}.parameters")
    if strict and function.get("strict") is True:
        made |= {"strict": True, "input_schema": closed(made["input_schema"])}
    for name in _FUNCTION_MEMBERS:
        given = tool.get(name, function.get(name))
        if given is not None:
            made[name] = given
    return made


def _object_schema(schema: Any, where: str) -> Json:
    if schema is None or schema == {}:
        return {"type": "object", "properties": {}}
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise chat.wrong(where, "the JSON schema of an object")
    return schema if "type" in schema else {"type": "object", **schema}


def _web_search(options: Any) -> Json:
    if not isinstance(options, dict):
        raise chat.wrong("web_search_options", "an object")
    tool: Json = {"type": "web_search_20250305", "name": "web_search"}
    size = options.get("search_context_size")
    if isinstance(size, str) and size in _SEARCHES:
        tool["max_uses"] = _SEARCHES[size]
    location = options.get("user_location")
    if isinstance(location, dict):
        place = location.get("approximate", location)
        if not isinstance(place, dict):
            raise chat.wrong("web_search_options.user_location.approximate", "an object")
        tool["user_location"] = {**place, "type": "approximate"}
    return tool


_CHOICES: Mapping[str, str] = {"auto": "auto", "required": "any", "any": "any", "none": "none"}


def choice(body: Json) -> Json:
    """`tool_choice`, empty where the client leaves it to the provider. Raises InvalidRequest."""
    name = "function_call" if body.get("tool_choice") is None else "tool_choice"
    made = _choice(body.get(name), name)
    if body.get("parallel_tool_calls") is False and made.get("type") != "none":
        made = {"type": "auto", **made, "disable_parallel_tool_use": True}
    return made


def _choice(asked: Any, where: str) -> Json:
    if asked is None:
        return {}
    if isinstance(asked, str) and asked in _CHOICES:
        return {"type": _CHOICES[asked]}
    if not isinstance(asked, dict):
        raise chat.wrong(where, f"one of {', '.join(_CHOICES)} or an object")
    kind = asked.get("type")
    if isinstance(kind, str) and kind in ("auto", "any", "none", "tool"):
        return dict(asked)
    if kind in ("function", None):
        function = chat.member(asked, "function", where) if kind else asked
        return {"type": "tool", "name": chat.string(function, "name", where)}
    raise chat.wrong(where, "the choice of a function")


def answer_schema(body: Json) -> Json | None:
    """The schema that the answer must have; None for plain text. Raises InvalidRequest."""
    asked = body.get("response_format")
    if asked is None:
        return None
    if not isinstance(asked, dict):
        raise chat.wrong("response_format", "an object")
    if asked.get("type") == "text":
        return None
    if asked.get("type") == "json_object":
        schema = asked.get("response_schema")
    elif asked.get("type") == "json_schema":
        schema = chat.member(asked, "json_schema", "response_format").get("schema")
    else:
        raise chat.wrong("response_format.type", "text, json_object or json_schema")
    if schema is None or schema == {}:
        return ANY_OBJECT
    return _object_schema(schema, "response_format.json_schema.schema")


def answer_tool(schema: Json) -> Json:
    """The tool that stands for an answer of this schema."""
    return {
        "name": chat.JSON_TOOL,
        "description": "Gives the answer to the user. Its input is the whole answer.",
        "input_schema": schema,
    }


def answer_choice(own: list[Json], asked: Json, forceable: bool) -> Json:
    """How the answer's tool is chosen beside the client's own tools and choice."""
    if asked.get("type") in FORCING or not forceable:
        return asked
    if not own or asked.get("type") == "none":
        return {"type": "tool", "name": chat.JSON_TOOL, "disable_parallel_tool_use": True}
    return {**asked, "type": "any"}


_UNKNOWN_KEYWORDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "maxItems", "uniqueItems", "minProperties", "maxProperties"}
    | {"contains", "minContains", "maxContains", "discriminator", "propertyNames"}
)
_KNOWN_VALUES: Mapping[str, tuple[Any, ...]] = {
    "minItems": (0, 1),
    "format": (
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    ),
}
"""Of these keywords, the values that constrained decoding knows."""
_VALUES = frozenset({"const", "default", "enum", "examples"})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions"})
_RENAMED: Mapping[str, str] = {"oneOf": "anyOf"}
_ELSEWHERE = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
"""Where the properties of an object may stand that names none itself."""


_SAYING_NOTHING = frozenset({"default", "description", "title"})


def is_open(schema: Json) -> bool:
    """Whether it takes members without names, or any value: constrained decoding writes neither."""
    todo: list[tuple[Any, bool]] = [(schema, False)]
    while todo:
        found, named = todo.pop()
        if isinstance(found, list):
            todo += [(item, False) for item in found]
        elif isinstance(found, dict):
            if not named and _takes_any(found):
                return True
            inner = (
                (name, member) for name, member in found.items() if named or name not in _VALUES
            )
            todo += [(member, not named and name in _NAMED_SCHEMAS) for name, member in inner]
    return False


def _takes_any(schema: Json) -> bool:
    if "additionalProperties" in schema:
        return schema["additionalProperties"] is not False
    if "patternProperties" in schema or schema.keys() <= _SAYING_NOTHING:
        return True
    unnamed = not schema.get("properties") and schema.keys().isdisjoint(_ELSEWHERE)
    return schema.get("type") == "object" and unnamed


def closed(schema: Json) -> Json:
    """The schema as constrained decoding takes it: objects closed, unknown limits left out.

    Walks with a stack, for a schema may be nested as deeply as JSON can be.
    """
    made: Json = {}
    todo: list[tuple[Json, Json, bool]] = [(schema, made, False)]
    while todo:
        source, target, named = todo.pop()
        for key, member in source.items():
            name = key if named else _RENAMED.get(key, key)
            if not named and not _is_known(name, member):
                continue
            inner = not named and name in _NAMED_SCHEMAS
            if not named and name in _VALUES:
                target[name] = member
            elif isinstance(member, dict):
                target[name] = {}
                todo.append((member, target[name], inner))
            elif isinstance(member, list):
                target[name] = [{} if isinstance(item, dict) else item for item in member]
                pairs = zip(member, target[name], strict=True)
                todo += [(item, new, False) for item, new in pairs if isinstance(item, dict)]
            else:
                target[name] = member
        if not named and source.get("type") == "object":
            target["additionalProperties"] = False
    return made


def _is_known(keyword: str, value: Any) -> bool:
    values = _KNOWN_VALUES.get(keyword)
    return keyword not in _UNKNOWN_KEYWORDS and (values is None or value in values)

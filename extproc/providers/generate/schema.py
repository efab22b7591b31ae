"""Google's Schema, a subset of OpenAPI's, as JSON Schema.

What is JSON Schema already stays as it is. https://ai.google.dev/api/caching#Schema
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers.chat import wrong
from extproc.providers.generate.fields import members

DEEPEST = 64

_COUNTS = frozenset(
    {"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"}
)
_RENAMED: Mapping[str, str] = {"ref": "$ref", "defs": "$defs"}
_DROPPED = frozenset({"nullable", "propertyOrdering", "example", "type"})
_NUMBER_FORMATS = ("int32", "int64", "float", "double", "enum")
"""Formats that JSON Schema does not have, and that say no more than the type."""


def json_schema(schema: Any, where: str, depth: int = 0) -> Json:
    """The JSON Schema. Raises InvalidRequest for what is no object, or nested too deeply."""
    if depth > DEEPEST:
        raise wrong(where, f"a schema of at most {DEEPEST} levels")
    given = members(schema, where)
    made: Json = {}
    if kind := _type(given.get("type"), given.get("nullable") is True):
        made["type"] = kind
    for name, value in given.items():
        if name in _DROPPED or (name == "format" and value in _NUMBER_FORMATS):
            continue
        made[_RENAMED.get(name, name)] = _member(name, value, where, depth + 1)
    if "example" in given:
        made["examples"] = [given["example"]]
    if "properties" in made:
        made["properties"] = _ordered(made["properties"], given.get("propertyOrdering"))
    return _nullable(made) if given.get("nullable") is True else made


def _type(kind: Any, nullable: bool) -> Any:
    """`STRING` as `string`; with `null` beside it where the value may be null."""
    if isinstance(kind, list):
        return [item.lower() if isinstance(item, str) else item for item in kind]
    if not isinstance(kind, str) or kind == "TYPE_UNSPECIFIED":
        return None
    lowered = kind.lower()
    return [lowered, "null"] if nullable and lowered != "null" else lowered


def _member(name: str, value: Any, where: str, depth: int) -> Any:
    if name == "items" or (name == "additionalProperties" and isinstance(value, dict)):
        return json_schema(value, f"{where}.{name}", depth)
    if name == "anyOf" and isinstance(value, list):
        return [
            json_schema(item, f"{where}.{name}[{place}]", depth) for place, item in enumerate(value)
        ]
    if name in ("properties", "defs", "$defs") and isinstance(value, dict):
        return {
            key: json_schema(item, f"{where}.{name}.{key}", depth) for key, item in value.items()
        }
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value[:18])
    return value


def _ordered(properties: Any, ordering: Any) -> Any:
    """The properties in the order in which the model shall write them."""
    if not isinstance(properties, dict) or not isinstance(ordering, list):
        return properties
    first = [name for name in ordering if isinstance(name, str) and name in properties]
    return {name: properties[name] for name in dict.fromkeys([*first, *properties])}


def _nullable(schema: Json) -> Json:
    """Beside the type, also the values and the choices must allow null."""
    made = dict(schema)
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    if isinstance(made.get("anyOf"), list):
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    return made

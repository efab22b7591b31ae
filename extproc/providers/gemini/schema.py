"""JSON Schema as Google reads it: what it would refuse or not see is said in words that it knows.

    {$ref, description, …}      {anyOf: [{$ref}], description, …}    refused: it stands alone there
    {allOf: [one], …}           {anyOf: [one], …}
    definitions, #/definitions/ $defs, #/$defs/
    const                       enum of one, for strings and numbers

pydantic and zod write all of these. What else Google does not know it passes over.
https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
"""

from typing import Any

from extproc.domain.call import Json
from extproc.providers import chat

DEEPEST = 100
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Members that hold schemas under names of their own."""
SEVERAL = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
ONE = frozenset({"items", "additionalProperties", "not"})
DEFINITIONS, DEFS = "definitions", "$defs"


def google_schema(schema: Json, where: str, depth: int = 0) -> Json:
    """Raises InvalidRequest for one that is nested too deeply."""
    if depth > DEEPEST:
        raise chat.wrong(where, "a schema that is nested less deeply")
    made = {name: _member(name, value, where, depth + 1) for name, value in schema.items()}
    definitions, defs = made.pop(DEFINITIONS, None), made.get(DEFS, {})
    if isinstance(definitions, dict) and isinstance(defs, dict):
        made[DEFS] = definitions | defs
    if isinstance(made.get("const"), str | int | float) and not isinstance(made["const"], bool):
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("allOf"), list) and len(made["allOf"]) == 1 and "anyOf" not in made:
        made["anyOf"] = made.pop("allOf")
    reference = made.get("$ref")
    if isinstance(reference, str):
        return _referring(made, reference)
    return made


def _member(name: str, value: Any, where: str, depth: int) -> Any:
    if name in ONE:
        return _schema(value, where, depth)
    if name in SEVERAL and isinstance(value, list):
        return [_schema(one, where, depth) for one in value]
    if name in NAMED and isinstance(value, dict):
        return {key: _schema(one, where, depth) for key, one in value.items()}
    return value


def _schema(value: Any, where: str, depth: int) -> Any:
    """`true` and `false` are schemas too."""
    return google_schema(value, where, depth) if isinstance(value, dict) else value


def _referring(schema: Json, reference: str) -> Json:
    """Beside a reference only other `$` members may stand."""
    if reference.startswith(f"#/{DEFINITIONS}/"):
        reference = f"#/{DEFS}/{reference.removeprefix(f'#/{DEFINITIONS}/')}"
    alone = all(name.startswith("$") for name in schema)
    if alone or "anyOf" in schema:
        return {name: schema[name] for name in schema if name.startswith("$")} | {"$ref": reference}
    return {
        **{name: schema[name] for name in schema if name != "$ref"},
        "anyOf": [{"$ref": reference}],
    }

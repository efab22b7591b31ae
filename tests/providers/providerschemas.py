"""What each provider's own library says of a chat request: botocore's model, the SDKs' types.

`problems(schema, body)` tells what is wrong with a body for a schema: nothing where all is well,
and nothing for a schema that has no library here.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, get_type_hints

from anthropic.types.message_create_params import MessageCreateParamsBase
from botocore.session import Session
from botocore.validate import ParamValidator
from cohere.v2.client import V2Client
from google.genai import types
from mistralai.client.models import ChatCompletionRequest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from typing_extensions import is_typeddict

Json = dict[str, Any]
Check = Callable[[Json], list[str]]

CONVERSE = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def converse(body: Json) -> list[str]:
    """What botocore would not send, and what AWS's model says beside that of each string."""
    report = ParamValidator().validate({"modelId": "m", **body}, CONVERSE)
    return [report.generate_report()] if report.has_errors() else list(_strings(CONVERSE, body))


def _strings(shape: Any, value: Any) -> Iterator[str]:
    for inner, part in _inside(shape, value):
        yield from _strings(inner, part)
    if shape.type_name == "string":
        facts = shape.metadata
        if value not in facts.get("enum", [value]):
            yield f"{shape.name}: {value!r} is none of {facts['enum']}"
        if len(value) > facts.get("max", len(value)):
            yield f"{shape.name}: {value!r} is too long"
        if not re.fullmatch(facts.get("pattern", ".*"), value, re.DOTALL):
            yield f"{shape.name}: {value!r} does not match {facts['pattern']}"


def _inside(shape: Any, value: Any) -> list[tuple[Any, Any]]:
    if shape.type_name == "structure" and not shape.is_document_type:
        return [(shape.members[name], part) for name, part in value.items()]
    if shape.type_name == "list":
        return [(shape.member, part) for part in value]
    if shape.type_name == "map":
        keys = [(shape.key, name) for name in value]
        return keys + [(shape.value, part) for part in value.values()]
    return []


def forced(value: Any) -> Any:
    """What pydantic made, with all that it validates only when it is iterated."""
    if isinstance(value, dict):
        return {name: forced(member) for name, member in value.items()}
    if not isinstance(value, str | BaseModel) and hasattr(value, "__iter__"):
        return [forced(item) for item in value]
    return value


def unknown(sent: Any, known: Any, where: str = "") -> list[str]:
    """Members that the SDK's model did not keep, which are those that it does not know."""
    if isinstance(sent, dict) and isinstance(known, dict):
        gone = [f"{where}.{name}" for name in sent.keys() - known.keys()]
        kept = sent.keys() & known.keys()
        return gone + [p for n in kept for p in unknown(sent[n], known[n], f"{where}.{n}")]
    if isinstance(sent, list) and isinstance(known, list):
        pairs = enumerate(zip(sent, known, strict=True))
        return [p for n, (one, other) in pairs for p in unknown(one, other, f"{where}[{n}]")]
    return []


@functools.cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def typed(kind: Any, value: Any) -> list[str]:
    """What a type of an SDK does not take, or does not know."""
    try:
        made = forced(adapter(kind).validate_python(value))
    except ValidationError as error:
        return [str(error)]
    return unknown(value, made) if is_typeddict(kind) else []


_OF_THE_VERSION = frozenset({".stream", ".temperature", ".top_k", ".top_p"})
"""What the version that we ask for takes, and the SDK's newest types do not name."""


def anthropic(body: Json) -> list[str]:
    """Anthropic's types, and its rules that no type tells. Hosts have members of their own."""
    own = {name: value for name, value in body.items() if not name.startswith("anthropic_")}
    roles = [turn["role"] for turn in body["messages"]]
    found = typed(MessageCreateParamsBase, {"model": "m", **own} | {"stream": False})
    found = [one for one in found if one not in _OF_THE_VERSION]
    if any(one == other for one, other in pairwise(roles)):
        found.append("messages: two turns of one role")
    if not all(turn["content"] for turn in body["messages"]):
        found.append("messages: a turn without content")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled" and body["max_tokens"] <= thinking["budget_tokens"]:
        found.append("thinking.budget_tokens: not below max_tokens")
    return found


GOOGLE: Mapping[str, Any] = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "generationConfig": types.GenerationConfig,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "safetySettings": list[types.SafetySetting],
    "serviceTier": types.ServiceTier,
    "cachedContent": str,
    "labels": dict[str, str],
}
"""https://ai.google.dev/api/generate-content#request-body"""


def google(body: Json) -> list[str]:
    """Google's SDK knows the members of each, but not the request that holds them."""
    strange = [name for name in body if name not in GOOGLE]
    return strange + [
        problem for name in body.keys() & GOOGLE for problem in typed(GOOGLE[name], body[name])
    ]


def parameters_of(method: Any) -> type[BaseModel]:
    """A method's parameters as a strict model: what they are, and no others."""
    hints = get_type_hints(method)
    fields: dict[str, Any] = {
        name: (hints[name], ... if given.default is inspect.Parameter.empty else None)
        for name, given in inspect.signature(method).parameters.items()
        if name not in ("self", "request_options")
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return create_model(method.__name__, __config__=config, **fields)


COHERE = {
    "/v2/chat": parameters_of(V2Client.chat),
    "/v2/embed": parameters_of(V2Client.embed),
    "/v2/rerank": parameters_of(V2Client.rerank),
}


def cohere(body: Json) -> list[str]:
    return typed(COHERE["/v2/chat"], {n: value for n, value in body.items() if n != "stream"})


def mistral(body: Json) -> list[str]:
    try:
        model = ChatCompletionRequest.model_validate(body)
    except ValidationError as error:
        return [str(error)]
    return unknown(body, model.model_dump(mode="json", by_alias=True))


def openai(body: Json) -> list[str]:
    named = {name: value for name, value in body.items() if name != "stream"}
    return typed(CompletionCreateParamsBase, named)


CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("anthropic", "vertex_anthropic", "bedrock_invoke"), anthropic),
    "bedrock": converse,
    **dict.fromkeys(("gemini", "vertex"), google),
    "cohere": cohere,
    "mistral": mistral,
    **dict.fromkeys(("openai", "openai_chat", "azure", "azure_ai", "sagemaker_chat"), openai),
}


def problems(schema: str, body: Json) -> list[str]:
    check = CHECKS.get(schema)
    return check(body) if check else []

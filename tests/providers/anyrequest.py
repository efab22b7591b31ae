"""Strategies for whole requests, derived from the types of the providers' own SDKs.

Every member that a type names may be there, every alternative of a union and every literal may be
chosen. Where a string means something (an id, a URL, base64, arguments), it is one that may mean
something, or may not: few of them, so that calls and results often find each other.
"""

import collections.abc
import functools
import operator
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal, NotRequired, Required, get_args, get_origin

from anthropic.types import message_create_params
from google.genai import types as google
from hypothesis import strategies as st
from openai.types.chat import (
    ChatCompletionMessageParam,
    ChatCompletionToolMessageParam,
    completion_create_params,
)
from openai.types.responses import response_create_params
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from typing_extensions import get_type_hints, is_typeddict

Json = dict[str, Any]

PIXEL = "iVBORw0KGgo="
IDS = ("call_1", "call_2", "toolu_3", "a:b/c", "call_4__thought__c2ln", "")
NAMES = ("f", "get_weather", "f", "get_weather", "a" * 70, "")
TEXTS = ("Hi", "Once", "Hi there", "And?", "", " ", "é\x00{", "{}", "a" * 70)
URLS = (
    *(f"data:image/png;base64,{PIXEL}", "data:application/pdf;base64,JVBERg==") * 3,
    f"data:image/png;base64,{PIXEL}",
    "data:application/pdf;base64,JVBERg==",
    "data:text/plain;base64,SGk=",
    "data:text/plain,Hi",
    "data:",
    "https://example.test/a.png",
    "https://example.test/a",
    "gs://bucket/a.pdf",
    "s3://bucket/a.png",
    "http://[",
    "",
)
ARGUMENTS = (
    "{}",
    '{"city": "Ulm"}',
    "{}",
    '{"n": 1}',
    "",
    "[1]",
    "not JSON",
    '{"a": {"b": [null]}}',
)
DATA = (PIXEL, "JVBERg==", "SGk=", PIXEL, "JVBERg==", "SGk", "not base64", "")
MEDIA_TYPES = ("image/png", "application/pdf", "text/plain", "audio/wav", "video/mp4", "x", "")
SCHEMAS: tuple[Json, ...] = (
    {},
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}},
    {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": {}}},
    {"type": "string"},
    {"type": ["object", "null"], "additionalProperties": False, "required": []},
    {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]},
)
VALUES: tuple[Any, ...] = (None, True, 0, 1.5, "x", [], {}, {"a": [1]})

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
"""Without halves of surrogate pairs, which no JSON holds."""
_IDS, _NAMES, _URLS = (st.sampled_from(found) for found in (IDS, NAMES, URLS))
_DATA = st.sampled_from((*DATA, *URLS))
STRINGS: Mapping[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(("id", "call_id", "tool_call_id", "tool_use_id"), _IDS),
    **dict.fromkeys(("name", "display_name", "tool_name", "filename", "title"), _NAMES),
    **dict.fromkeys(("url", "image_url", "file_url", "file_uri"), _URLS),
    "file_id": st.sampled_from(("file-1", "https://example.test/a.pdf", "gs://bucket/a.pdf")),
    "arguments": st.sampled_from(ARGUMENTS),
    **dict.fromkeys(("data", "file_data", "signature", "encrypted_content"), _DATA),
    **dict.fromkeys(
        ("media_type", "mime_type", "response_mime_type"), st.sampled_from(MEDIA_TYPES)
    ),
    "model": st.just("asked"),
    "role": st.sampled_from(("user", "model", "user", "model", "function", "x")),
}
"""By the name of the member."""
SCHEMA_MEMBERS = frozenset(
    {"parameters", "schema", "input_schema", "parameters_json_schema", "response_json_schema"}
)
UNIONS = (typing.Union, types.UnionType)
MOST_OPTIONAL, MOST_ITEMS, DEEPEST = 4, 3, 7


MOST: Mapping[Any, int] = {google.Part: 2, google.Tool: 2}
"""How many members at most, of what is seldom more than one thing."""


def of_type(kind: Any, name: str = "", depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a type as JSON; `name` is that of the member that holds them."""
    if name in SCHEMA_MEMBERS and not _is_model(kind):
        return st.sampled_from(SCHEMAS)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Required, NotRequired, typing.Annotated):
        return of_type(inner[0], name, depth)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in UNIONS:
        return st.one_of([of_type(one, name, depth) for one in inner if _may_stand(one, depth)])
    if origin in (dict, collections.abc.Mapping):
        values = of_type(inner[1], "", depth + 1)
        return st.dictionaries(st.sampled_from(("a", "b", "50256")), values, max_size=2)
    if origin is not None:
        most = MOST_ITEMS if depth < DEEPEST else 0
        return st.lists(st.deferred(lambda: of_type(inner[0], name, depth + 1)), max_size=most)
    if _is_model(kind):
        return st.deferred(lambda: _members(kind, depth))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from([one.value for one in kind])
    return _simple(kind, name)


def _is_model(kind: Any) -> bool:
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _may_stand(kind: Any, depth: int) -> bool:
    """Deep inside only what ends there; never what the SDK alone can hold."""
    if depth >= DEEPEST and _is_model(kind) and not kind.__module__.startswith("openai"):
        return bool(_required(kind))
    return True


def _simple(kind: Any, name: str) -> st.SearchStrategy[Any]:
    if kind is str:
        return STRINGS.get(name, st.sampled_from(TEXTS) | _WORDS)
    simple: Mapping[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.sampled_from((100, 2000, 1, 2, 5000, 0, -1, 2**40)),
        float: st.sampled_from((0, 0.5, 1, 1.0, 2.0, -1.5, 40.0, 1e300)),
        bytes: _DATA,
        None: st.none(),
        types.NoneType: st.none(),
    }
    return simple.get(kind, st.sampled_from(VALUES))


@functools.cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """A member's type by its name on the wire."""
    if is_typeddict(kind):
        return get_type_hints(kind, include_extras=True)
    return {name: _never_null(field.annotation) for name, field in kind.model_fields.items()}


@functools.cache
def _required(kind: Any) -> tuple[str, ...]:
    if not is_typeddict(kind):
        return tuple(name for name, field in kind.model_fields.items() if field.is_required())
    return tuple(name for name, hint in _hints(kind).items() if get_origin(hint) is Required)


@st.composite
def _members(draw: st.DrawFn, kind: Any, depth: int) -> Json:
    """All that is required, and a few of the others."""
    hints = _hints(kind)
    optional = [name for name in hints if name not in _required(kind)]
    most = MOST.get(kind, MOST_OPTIONAL) if depth < DEEPEST else 1
    chosen = (
        draw(st.lists(st.sampled_from(optional), unique=True, max_size=most)) if optional else []
    )
    wire: Callable[[str], str] = (lambda name: name) if is_typeddict(kind) else to_camel
    return {
        wire(name): draw(of_type(hints[name], name, depth + 1))
        for name in (*_required(kind), *chosen)
    }


def _never_null(kind: Any) -> Any:
    """Google's SDK writes all as optional, and sends no nulls."""
    inner = [one for one in get_args(kind) if one is not types.NoneType]
    return functools.reduce(operator.or_, inner) if get_origin(kind) in UNIONS else kind


_CALLS = st.lists(st.sampled_from(IDS[:4]), min_size=1, max_size=3, unique=True)


@st.composite
def _exchange(draw: st.DrawFn) -> list[Json]:
    """Calls of tools and their results, which may be fewer, more, or in another order."""
    ids = draw(_CALLS)
    functions = st.builds(dict, name=_NAMES, arguments=st.sampled_from(ARGUMENTS))
    calls = [{"id": one, "type": "function", "function": draw(functions)} for one in ids]
    told = draw(st.permutations(ids) | _CALLS)
    content = of_type(_hints(ChatCompletionToolMessageParam)["content"], "content")
    return [
        {
            "role": "assistant",
            "content": draw(st.sampled_from((None, "", "Hi"))),
            "tool_calls": calls,
        },
        *({"role": "tool", "tool_call_id": one, "content": draw(content)} for one in told),
    ]


@st.composite
def chat(draw: st.DrawFn) -> Json:
    """Any chat completion request: any messages in any order, some of which belong together."""
    body: Json = draw(of_type(completion_create_params.CompletionCreateParamsNonStreaming))
    if draw(st.booleans()):
        single = of_type(ChatCompletionMessageParam).map(lambda message: [message])
        segments = draw(st.lists(single | _exchange(), max_size=3))
        body["messages"] = [message for segment in segments for message in segment]
    return body


def messages() -> st.SearchStrategy[Json]:
    """Any request of Anthropic's Messages API."""
    return of_type(message_create_params.MessageCreateParamsNonStreaming)


def responses() -> st.SearchStrategy[Json]:
    """Any request of OpenAI's Responses API; an input is seldom missing."""
    whole = of_type(response_create_params.ResponseCreateParamsNonStreaming)
    given = of_type(_hints(response_create_params.ResponseCreateParamsNonStreaming)["input"])
    return st.builds(lambda body, asked: {"input": asked, **body}, whole, given)


@st.composite
def _called(draw: st.DrawFn) -> list[Json]:
    """Google's calls of functions and their results."""
    names = draw(st.lists(st.sampled_from(NAMES[:2]), min_size=1, max_size=3))
    calls = [{"name": name, "args": draw(st.sampled_from(({}, {"city": "Ulm"})))} for name in names]
    told = [{"name": name, "response": {"output": "x"}} for name in draw(st.permutations(names))]
    return [
        {"role": "model", "parts": [{"functionCall": call} for call in calls]},
        {"role": "user", "parts": [{"functionResponse": result} for result in told]},
    ]


def generate() -> st.SearchStrategy[Json]:
    """Any GenerateContentRequest. https://ai.google.dev/api/generate-content#request-body"""
    single = of_type(google.Content).map(lambda content: [content])
    segments = st.lists(single | _called(), min_size=1, max_size=3)
    cached = st.sampled_from(({}, {}, {}, {"cachedContent": "cachedContents/1"}))
    whole = st.fixed_dictionaries(
        {"contents": segments.map(lambda found: [one for each in found for one in each])},
        optional={
            "systemInstruction": of_type(google.Content),
            "generationConfig": of_type(google.GenerationConfig),
            "tools": of_type(list[google.Tool]),
            "toolConfig": of_type(google.ToolConfig),
            "safetySettings": of_type(list[google.SafetySetting]),
            "labels": of_type(dict[str, str]),
            "serviceTier": of_type(google.ServiceTier),
            "store": st.booleans(),
        },
    )
    return st.builds(operator.or_, whole, cached)

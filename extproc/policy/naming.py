"""The models that a passing request names, in its path, its query and its body."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import orjson

from extproc.domain.call import Call, Json
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest
from extproc.policy import query
from extproc.providers import forms

IN_PATHS = tuple(
    re.compile(pattern)
    for pattern in (
        r"/(?:models|tunedModels|endpoints)/(?P<model>[^/:]+):",
        r"/model/(?P<model>.+)/(?:converse|converse-stream|invoke|invoke-with-response-stream)$",
        r"/deployments/(?P<model>[^/]+)/",
    )
)
"""Google's, Bedrock's and Azure's."""

Known: TypeAlias = tuple[Endpoint, str]

_ENDS: tuple[tuple[str, Known], ...] = (
    (r"/chat/completions$", ("chat", "openai")),
    (r"/fim/completions$", ("chat", "openai")),
    (r"/completions$", ("completions", "openai")),
    (r"/embeddings$", ("embeddings", "openai")),
    (r"/responses$", ("responses", "openai")),
    (r"/images/(?:generations|edits)$", ("images", "openai")),
    (r"/audio/speech$", ("speech", "openai")),
    (r"/audio/transcriptions$", ("transcriptions", "openai")),
    (r"/audio/translations$", ("translations", "openai")),
    (r"/v1/messages$", ("messages", "anthropic")),
    (r":(?:g|streamG)enerateContent$", ("generate", "gemini")),
    (r"/publishers/anthropic/.+:(?:rawP|streamRawP)redict$", ("messages", "vertex_anthropic")),
    (r"/model/.+/converse(?:-stream)?$", ("chat", "bedrock")),
    (
        r"/model/.*anthropic.*/invoke(?:-with-response-stream)?$",
        ("messages", "bedrock_invoke"),
    ),
    (r"/v2/chat$", ("chat", "cohere")),
    (r"/v[12]/embed$", ("embeddings", "cohere")),
    (r"/rerank$", ("rerank", "cohere")),
    (r"/ml/v1/text/chat(?:_stream)?$", ("chat", "watsonx")),
)
"""How a path ends -> the (endpoint, schema) whose translator reads the usage of its answers."""
FORMATS = tuple((re.compile(end), known) for end, known in _ENDS)

NO_JSON = ("audio/", "video/", "image/", "application/octet-stream", "application/pdf")
"""Bodies of these types are not taken for JSON by anybody."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a request says of the models it wants."""

    models: tuple[str, ...]
    """The first is the one that is billed."""
    body: Json = field(default_factory=dict, repr=False)
    """Parsed; empty where it is neither JSON nor a form."""
    readable: bool = True
    """Whether there is no model that we could have missed."""
    rewritten: bytes | None = field(default=None, repr=False)
    """The body written anew, where another parser might read another model in the client's."""


def format_of(call: Call, path: str) -> Known | None:
    if call.headers.get(":method") != "POST":
        return None
    plain = unquote(path)
    return next((known for pattern, known in FORMATS if pattern.search(plain)), None)


def named(call: Call, path: str, data: bytes) -> Named:
    """All names, each once: the path's, the query's, the body's."""
    body = _parsed(call, data)
    found = (
        *_in_path(path),
        *query.values(call.path, "model"),
        *(_in_body(body) if body is not None else ()),
    )
    is_form = forms.is_form(call.headers.get("content-type", ""))
    doubtful = bool(body) and not is_form and (b"\\u00" in data or data.count(b'"model"') > 1)
    return Named(
        tuple(dict.fromkeys(name for name in found if name)),
        body or {},
        body is not None or call.headers.get("content-type", "").lower().startswith(NO_JSON),
        written(body) if doubtful and body is not None else None,
    )


def renamed(rest: str, what: Named, model: str, ours: str) -> tuple[str, Named]:
    """Path and body with the deployment's model in place of the name that the client uses."""
    plain = unquote(rest)
    for pattern in IN_PATHS:
        if (found := pattern.search(plain)) and found["model"] == model:
            start, end = found.span("model")
            rest = _quoted(plain[:start]) + quote(ours, safe="") + _quoted(plain[end:])
    if what.body.get("model") == model and all(_is_plain(v) for v in what.body.values()):
        body = {**what.body, "model": ours}
        what = replace(what, body=body, rewritten=written(body))
    return rest, what


def _quoted(path: str) -> str:
    return quote(path, safe="/:@!$&'()*+,;=~")


def _is_plain(value: Any) -> bool:
    return not isinstance(value, forms.Upload)


def written(body: Json) -> bytes:
    """A JSON body anew. Raises InvalidRequest for one that cannot be."""
    written = body[_BARE] if body.keys() == {_BARE} else body
    try:
        return orjson.dumps(written)
    except (orjson.JSONEncodeError, RecursionError):
        raise InvalidRequest(
            "Invalid JSON payload: it is nested too deeply.", param="request_body"
        ) from None


_BARE = "[]"
"""Where a body that is no object but a list is kept."""


def _parsed(call: Call, data: bytes) -> Json | None:
    """JSON or a form; None for anything else."""
    if not data:
        return {}
    if call.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return None
    content_type = call.headers.get("content-type", "")
    try:
        if forms.is_form(content_type):
            return forms.parse(content_type, data)
        body = orjson.loads(data)
    except (forms.BadForm, orjson.JSONDecodeError):
        return None
    return body if isinstance(body, dict) else {_BARE: body} if isinstance(body, list) else {}


def _in_path(path: str) -> Iterator[str]:
    plain = unquote(path)
    for pattern in IN_PATHS:
        if found := pattern.search(plain):
            yield found["model"]


def _in_body(body: Json) -> Iterator[str]:
    """Of the request, and of each request of a batch."""
    for row in (body, *_objects(body.get("requests")), *_objects(body.get(_BARE))):
        for holder in (row, *_objects(row.get("params"))):
            model = holder.get("model")
            for name in model if isinstance(model, list) else [model]:
                if isinstance(name, str):
                    yield name.removeprefix("models/")


def _objects(value: Any) -> list[Json]:
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

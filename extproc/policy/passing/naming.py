"""The models that a passing request names, in its path, its query and its body."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import orjson

from extproc.domain.call import Call, Json
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest
from extproc.policy import query
from extproc.providers import forms
from extproc.providers.encoding import BadEncoding, Inflater

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
    (r":(?:e|batchE)mbedContents?$", ("embeddings", "gemini")),
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


UNESTIMATED: frozenset[Known] = frozenset({("embeddings", "gemini")})
"""Formats whose requests nobody can count where an answer does not say its usage."""

UNCHARGED = re.compile(
    r"/(?:moderations|tokenize|detokenize|check-api-key|count[_-]tokens|input_tokens)$"
    r"|:(?:countTokens|computeTokens)$"
)
"""How the paths end at which nobody charges for what is asked, whatever model does it."""
KEPT_ONLY = re.compile(r"/(?:files|uploads|upload)(?:/|$)|[/:]cancel$")
"""The paths at which something is kept or stopped: that costs nothing either."""
FREE_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

NO_JSON = ("audio/", "video/", "image/", "application/octet-stream", "application/pdf")
"""Bodies of these types are not taken for JSON by anybody, unless they look like it."""
QUERY_READERS = frozenset({"deepgram"})
"""Providers that read the model in the query; for others it is no more than a word there."""
OWN_MEMBERS: Mapping[str, str] = {"watsonx": "model_id"}
"""Provider -> the member of a body that names the model; `model` for every other."""
MAX_INFLATED_BYTES, _SLICE_BYTES = 32 * 1024 * 1024, 16 * 1024


@dataclass(frozen=True, slots=True)
class Named:
    """What a request says of the models it wants."""

    models: tuple[str, ...]
    """All of them, each once, wherever they stand."""
    model: str = ""
    """The one that is asked, and billed; empty where none or several may be."""
    told: bool = False
    """Whether there is one where the provider reads it."""
    clash: bool = False
    """Whether its path, its query and its body name different ones."""
    body: Json = field(default_factory=dict, repr=False)
    """Parsed; empty where it is neither JSON nor a form."""
    readable: bool = True
    """Whether there is no model that we could have missed."""
    changed: bool = False
    """Whether the body is written anew: another parser might read another model in the client's."""


def format_of(call: Call, path: str, body: Json) -> Known | None:
    """None where nobody can read the usage, or the answer comes before the work is done."""
    if call.headers.get(":method") != "POST" or body.get("background"):
        return None
    plain = unquote(path)
    return next((known for pattern, known in FORMATS if pattern.search(plain)), None)


def is_uncharged(path: str) -> bool:
    return UNCHARGED.search(unquote(path)) is not None


def is_unmetered(call: Call, path: str, format_: Known | None) -> bool:
    """Whether it costs what cannot be known, should its answer not say it."""
    return format_ in UNESTIMATED or (format_ is None and not _is_free(call, path))


def _is_free(call: Call, path: str) -> bool:
    if call.headers.get(":method") in FREE_METHODS:
        return True
    return is_uncharged(path) or KEPT_ONLY.search(unquote(path)) is not None


def named(call: Call, path: str, data: bytes, provider: str) -> Named:
    """All names: the path's, the query's, the body's."""
    content_type = call.headers.get("content-type", "")
    plain = _inflated(call.headers.get("content-encoding", ""), data)
    body = None if plain is None else _parsed(content_type, plain)
    member = OWN_MEMBERS.get(provider, "model")
    asked = tuple(query.values(call.path, "model"))
    top = tuple(_names((body or {}).get(member)))
    several = tuple(_in_parts(body or {}, member))
    places = (*_in_path(path), *(asked if provider in QUERY_READERS else ()), *top)
    read = _once((*places, *several))
    doubtful = bool(body) and plain is not None and not forms.is_form(content_type)
    return Named(
        models=_once((*read, *asked, *_names_in(_objects((body or {}).get("tools")), "model"))),
        model=read[0] if len(read) == 1 else "",
        told=bool(read),
        clash=len(_once((*places, *asked))) > 1,
        body=body or {},
        readable=body is not None or _is_no_json(content_type, plain),
        changed=doubtful and plain is not None and _has_two_readings(plain, member),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _has_two_readings(data: bytes, member: str) -> bool:
    return b"\\u00" in data or data.count(f'"{member}"'.encode()) > 1


def _is_no_json(content_type: str, plain: bytes | None) -> bool:
    """Some servers take what looks like JSON for JSON, whatever its type."""
    if plain is None or not content_type.lower().startswith(NO_JSON):
        return False
    return plain[:64].lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe")[:1] not in (b"{", b"[")


def _inflated(encoding: str, data: bytes) -> bytes | None:
    """As the provider will read it; None where that is too much, or cannot be known."""
    grown = bytearray()
    try:
        inflater = Inflater(encoding, MAX_INFLATED_BYTES)
        if encoding.strip().lower() in ("", "identity"):
            return data
        for start in range(0, len(data), _SLICE_BYTES):
            grown += inflater.feed(data[start : start + _SLICE_BYTES])
            if len(grown) > MAX_INFLATED_BYTES:
                return None
    except BadEncoding:
        return None
    return bytes(grown)


def renamed(rest: str, what: Named, model: str, ours: str, provider: str) -> tuple[str, Named]:
    """Path and body with the deployment's model in place of the name that the client uses."""
    plain = unquote(rest)
    for pattern in IN_PATHS:
        if (found := pattern.search(plain)) and found["model"] == model:
            start, end = found.span("model")
            rest = _quoted(plain[:start]) + quote(ours, safe="") + _quoted(plain[end:])
    member = OWN_MEMBERS.get(provider, "model")
    if what.body.get(member) in (model, f"models/{model}"):
        name = ours if what.body[member] == model else f"models/{ours}"
        what = replace(what, body={**what.body, member: name}, changed=True)
    return rest, what


def _quoted(path: str) -> str:
    return quote(path, safe="/:@!$&'()*+,;=~")


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


def _parsed(content_type: str, data: bytes) -> Json | None:
    """JSON or a form; None for anything else."""
    if not data:
        return {}
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
        for found in pattern.finditer(plain):
            yield found["model"]


def _in_parts(body: Json, member: str) -> Iterator[str]:
    """Of each request of a batch, and those to be tried in turn."""
    rows = [*_objects(body.get("requests")), *_objects(body.get(_BARE))]
    for row in (body, *rows):
        yield from _names_in(_objects(row.get("params")), member)
    yield from _names_in(rows, member)
    yield from _names(body.get("models"))


def _names_in(holders: Iterable[Json], member: str) -> Iterator[str]:
    for holder in holders:
        yield from _names(holder.get(member))


def _names(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str):
            yield name.removeprefix("models/")


def _objects(value: Any) -> list[Json]:
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

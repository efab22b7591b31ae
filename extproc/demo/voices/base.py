"""What a voice is: one provider's wire format, as endpoints that read and write it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from extproc.demo.answers import Answer, Question, Tool, objects
from extproc.demo.frames import SSE, Event, Framing
from extproc.demo.request import Json, Request


@dataclass(frozen=True, slots=True)
class Asked:
    """A request at an endpoint of a voice."""

    request: Request
    number: str
    """Names this request among all that the provider saw."""
    body: Json
    part: Mapping[str, str]
    """What the endpoint's path names, decoded: a model, an id."""
    kept: Mapping[str, Answer] = field(default_factory=dict)
    """Answers that may be asked for again, by id."""

    @property
    def headers(self) -> dict[str, str]:
        return self.request.headers


@dataclass(frozen=True, slots=True)
class Body:
    """One whole body."""

    data: bytes
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that the provider would refuse, and how; `body` where the status does not say."""

    def __init__(self, status: int, message: str, body: Body | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


def json_body(value: Any, **headers: str) -> Body:
    """A JSON body; `x_request_id` stands for the header `x-request-id`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Body(orjson.dumps(value), headers=named)


_SILENCE = Event(b"")


def _nothing(_: Answer) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path of a provider."""

    path: str
    """A regular expression for the end of the path; its named groups are `Asked.part`."""
    ask: Callable[[Asked], Question | Answer]
    """Reads the request; an answer is one given before. Raises Refused, or what odd types raise."""
    whole: Callable[[Answer], Body]
    events: Callable[[Answer], Iterator[Event]] | None = None
    framing: Framing = SSE
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    """What the query must hold for the endpoint to be this one."""
    failure: Event = _SILENCE
    """How an error in the middle of a stream looks."""
    headers: Callable[[Answer], Mapping[str, str]] = _nothing
    status: int = 200
    """That of a good answer."""
    keeps: bool = False
    """Whether the answer can be asked for again by its id."""
    bare: bool = False
    """Whether the request may have no body."""
    forgets: bool = False
    """Whether it cannot be asked for any more."""

    def match(self, method: str, path: str, query: Mapping[str, str]) -> Mapping[str, str] | None:
        """What the path names, or None for another endpoint's request."""
        found = re.search(f"(?:{self.path})$", path)
        if method != self.method or found is None or not self.query.items() <= query.items():
            return None
        return {name: unquote(part or "") for name, part in found.groupdict().items()}


def _anyone(_: Asked) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Voice:
    """One provider."""

    name: str
    endpoints: tuple[Endpoint, ...]
    error: Callable[[int, str], Body]
    """The body that goes with a status."""
    admit: Callable[[Asked], None] = _anyone
    """Raises Refused for a caller without the credential or version that the provider wants."""


def bearer(asked: Asked) -> str | None:
    """The credential in `Authorization: Bearer`."""
    scheme, _, token = asked.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def needs_bearer(asked: Asked) -> None:
    """For a voice's `admit`."""
    if bearer(asked) is None:
        raise Refused(401, "Unauthorized: no api key supplied")


def integer(value: Any) -> int | None:
    """A number of tokens, where the request has one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def needed(body: Json, *names: str) -> None:
    """Raises Refused where a member is missing."""
    for name in names:
        if body.get(name) is None:
            raise Refused(400, f"{name}: Field required")


def tools_of(value: Any, name: str = "name", schema: str = "parameters") -> tuple[Tool, ...]:
    """Functions from a list of `{name, parameters}` as a format calls them."""
    return tuple(Tool(str(f.get(name, "")), f.get(schema) or {}) for f in objects(value))

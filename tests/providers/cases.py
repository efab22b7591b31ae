"""Runs one exchange from tests/cases: what the provider is sent, and what the client gets.

tests/cases/<endpoint>/<schema>/<case>/
    request.json                  the client's body; request.form.json where it is sent as a form,
                                  its files written as {filename, content_type, base64}
    case.json                     what differs from DEFAULTS: deployment, status, headers …
    upstream.json|sse|ndjson|raw|events.json
                                  the provider's answer; missing when the request is refused, or
                                  is all that the case is about.
                                  events.json becomes AWS event-stream messages, see awsframes
    outgoing.json                 {path, headers, body}; for a refused request its `refused`
    client.json|sse|raw           what the client gets, byte for byte for all but JSON
    usage.json                    what is billed: the members that are not zero
"""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError
from extproc.providers import decoders, registry
from extproc.providers.base import Request
from extproc.providers.defaults import completed
from extproc.providers.dialects import dialect_of
from extproc.providers.failures import unusable_answer
from extproc.providers.forms import Upload
from extproc.providers.frames import Frame
from tests.providers import awsframes

CASES = Path(__file__).parent.parent / "cases"
DEFAULTS: dict[str, Any] = {"status": 200, "headers": {}, "deployment": {}, "drop_params": False}
STREAMS = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
STREAMS["events.json"] = "application/vnd.amazon.eventstream"
REQUESTS = ("request.json", "request.form.json")
CLIENT_MODEL = "asked-model"
AT = 1_700_000_000.0


def found() -> list[Path]:
    return sorted(path.parent for name in REQUESTS for path in CASES.rglob(name))


def request_of(case: Path) -> tuple[Request, dict[str, Any]]:
    """What a translator is told, and what the case says beside."""
    schema = case.parts[-2]
    about = DEFAULTS | (_json(case / "case.json") if (case / "case.json").exists() else {})
    body = _asked(case)
    deployment = _deployment(schema, about["deployment"])
    endpoint, dropped = case.parts[-3], deployment.additional_drop_params
    native = (endpoint, schema) in registry.NATIVE
    request = Request(
        body=completed(body, deployment, dropped, endpoint) if native else body,  # type: ignore[arg-type]
        dropped=dropped,
        deployment=deployment,
        streaming=about.get("streaming", body.get("stream") is True),
        call_id="0c0ffee0",
        at=AT,
        drop_params=about["drop_params"],
        allowed=frozenset(about.get("allowed", ())),
        modify_params=about.get("modify_params", False),
    )
    return request, about


def run(case: Path, split: int = 1 << 30) -> dict[str, str]:
    """The texts of the files that are ours. A stream is fed in pieces of `split` bytes."""
    endpoint, schema = case.parts[-3:-1]
    request, about = request_of(case)
    translator = registry.find(endpoint, schema)  # type: ignore[arg-type]
    dialect = dialect_of(endpoint)  # type: ignore[arg-type]
    before = _pretty(request.body)
    try:
        outgoing = translator.request(request)
    except GatewayError as error:
        return {"outgoing.json": _pretty({"refused": error.envelope()["error"]})}
    assert _pretty(request.body) == before, "a translator must not change its request"
    got = {"outgoing.json": _pretty(asdict(outgoing))}
    if not any(case.glob("upstream.*")):
        return got
    kind, raw = upstream(case)
    if about["status"] >= 400:
        error = translator.error(about["status"], about["headers"], raw, request.deployment)
        shown = {"status": error.status, "body": dialect.error(error)}
        return got | {"client.json": _pretty(shown)}
    if kind == "json":
        return got | _whole(translator, dialect, raw, request)
    if kind == "raw":
        usage = translator.raw(request) if translator.raw else None
        return got | {"client.raw": raw.decode(), "usage.json": _usage(usage, "")}
    return got | _stream(translator, dialect, raw, request, STREAMS[kind], split)


def _whole(translator: Any, dialect: Any, raw: bytes, request: Request) -> dict[str, str]:
    body = orjson.loads(raw)
    if translator.listed and isinstance(body, list):
        body = {"list": body}
    try:
        incoming = translator.response(body, request)
    except GatewayError as error:
        return {"client.json": _pretty({"status": error.status, "body": dialect.error(error)})}
    usage = {"usage.json": _usage(incoming.usage, incoming.text)}
    if request.streaming:
        chunks = translator.unstream(incoming.body, request)
        return usage | {"client.sse": "".join(_frames(dialect, chunks)) + dialect.end.decode()}
    return usage | {"client.json": _pretty(dialect.stamp(incoming.body, CLIENT_MODEL))}


def _stream(
    translator: Any, dialect: Any, raw: bytes, request: Request, content_type: str, split: int
) -> dict[str, str]:
    decoder, chunks = decoders.decoder_of(content_type), translator.chunks(request)
    out: list[str] = []
    try:
        for start in range(0, len(raw), split):
            _say(out, dialect, chunks, decoder.feed(raw[start : start + split]))
        _say(out, dialect, chunks, decoder.flush())
        if not chunks.done:
            out += _frames(dialect, chunks.finish())
        if not chunks.done:
            raise unusable_answer("the stream ended before it was complete", request.deployment)
        out.append(dialect.end.decode())
    except GatewayError as error:
        told = sum("data:" in piece for piece in out)
        out.append(dialect.failure(error, told).decode())
    return {"client.sse": "".join(out), "usage.json": _usage(chunks.usage, chunks.text)}


def _say(out: list[str], dialect: Any, chunks: Any, frames: list[Frame]) -> None:
    """What the client gets for these frames; an error in one comes after what was before it."""
    for frame in frames:
        if chunks.done:
            return
        if frame.comment and not frame.data:
            out.append(dialect.comment(frame.comment).decode())
        else:
            out += _frames(dialect, chunks.feed(frame))


def _frames(dialect: Any, chunks: list[Any]) -> list[str]:
    shown = (dialect.chunk(chunk, CLIENT_MODEL, True) for chunk in chunks)
    return [dialect.frame(chunk).decode() for chunk in shown if chunk is not None]


def _usage(usage: Any, text: str) -> str:
    """What is not zero; for a provider that says nothing, the text an estimate is made of."""
    if usage is None:
        return _pretty({"estimated_from": text})
    return _pretty({name: value for name, value in asdict(usage).items() if value})


def _deployment(schema: str, said: dict[str, Any]) -> Deployment:
    given = dict(said)
    usual = {"id": "d1", "group": "g", "provider": schema, "model": "upstream-model"}
    return Deployment(
        **{
            **usual,
            "upstream": Upstream("https", given.pop("host", "provider.test"), 443),
            "schema": schema,
            "api_key": "k",
            **given,
        }
    )


def upstream(case: Path) -> tuple[str, bytes]:
    [path] = case.glob("upstream.*")
    kind = path.name.removeprefix("upstream.")
    return kind, awsframes.stream(path) if kind == "events.json" else path.read_bytes()


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _asked(case: Path) -> Any:
    """The client's body as a translator gets it."""
    form = case / "request.form.json"
    if not form.exists():
        return _json(case / "request.json")
    return {name: _member(member) for name, member in _json(form).items()}


def _member(member: Any) -> Any:
    if isinstance(member, list):
        return [_member(each) for each in member]
    if isinstance(member, dict):
        return Upload(member["filename"], member["content_type"], b64decode(member["base64"]))
    return member


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=_written) + "\n"


def _written(value: object) -> Any:
    """What JSON has no word for: a form's file, and its bytes."""
    if isinstance(value, Upload):
        return asdict(value)
    assert isinstance(value, bytes)
    return b64encode(value).decode()

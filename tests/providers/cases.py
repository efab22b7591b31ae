"""Runs one exchange from tests/cases: what a provider is sent, and what the client gets of its answer.

tests/cases/<endpoint>/<schema>/<case>/
    request.json                  the client's body
    case.json                     what differs from DEFAULTS: deployment, status, headers …
    upstream.json|sse|ndjson|events.json
                                  the provider's answer; missing when the request is refused.
                                  events.json becomes AWS event-stream messages, see awsframes
    outgoing.json                 {path, headers, body}; for a refused request its `refused`
    client.json|sse               what the client gets, byte for byte for a stream
    usage.json                    what is billed: the members that are not zero
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError
from extproc.providers import decoders, registry
from extproc.providers.base import Request
from extproc.providers.dialects import dialect_of
from extproc.providers.failures import unusable_answer
from tests.providers import awsframes

CASES = Path(__file__).parent.parent / "cases"
DEFAULTS: dict[str, Any] = {"status": 200, "headers": {}, "deployment": {}, "drop_params": False}
STREAMS = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
STREAMS["events.json"] = "application/vnd.amazon.eventstream"
CLIENT_MODEL = "asked-model"
AT = 1_700_000_000.0


def found() -> list[Path]:
    return sorted(path.parent for path in CASES.rglob("request.json"))


def run(case: Path, split: int = 1 << 30) -> dict[str, str]:
    """The texts of the files that are ours. A stream is fed in pieces of `split` bytes."""
    endpoint, schema = case.parts[-3:-1]
    about = DEFAULTS | (_json(case / "case.json") if (case / "case.json").exists() else {})
    body = _json(case / "request.json")
    request = Request(
        body=body,
        deployment=_deployment(schema, about["deployment"]),
        streaming=about.get("streaming", body.get("stream") is True),
        call_id="0c0ffee0",
        at=AT,
        drop_params=about["drop_params"],
        allowed=frozenset(about.get("allowed", ())),
        modify_params=about.get("modify_params", False),
    )
    translator = registry.find(endpoint, schema)  # type: ignore[arg-type]
    dialect = dialect_of(endpoint)  # type: ignore[arg-type]
    before = json.dumps(body)
    try:
        outgoing = translator.request(request)
    except GatewayError as error:
        return {"outgoing.json": _pretty({"refused": error.envelope()["error"]})}
    assert json.dumps(body) == before, "a translator must not change its request"
    got = {"outgoing.json": _pretty(asdict(outgoing))}
    kind, raw = _upstream(case)
    if about["status"] >= 400:
        error = translator.error(about["status"], about["headers"], raw, request.deployment)
        shown = {"status": error.status, "body": dialect.error(error)}
        return got | {"client.json": _pretty(shown)}
    if kind == "json":
        return got | _whole(translator, dialect, raw, request)
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
        return usage | {"client.sse": _frames(dialect, chunks) + dialect.end.decode()}
    return usage | {"client.json": _pretty(dialect.stamp(incoming.body, CLIENT_MODEL))}


def _stream(
    translator: Any, dialect: Any, raw: bytes, request: Request, content_type: str, split: int
) -> dict[str, str]:
    decoder, chunks, out = decoders.decoder_of(content_type), translator.chunks(request), ""
    try:
        for start in range(0, len(raw), split):
            for frame in decoder.feed(raw[start : start + split]):
                if frame.data and not chunks.done:
                    out += _frames(dialect, chunks.feed(frame))
        for frame in decoder.flush():
            if frame.data and not chunks.done:
                out += _frames(dialect, chunks.feed(frame))
        if not chunks.done:
            out += _frames(dialect, chunks.finish())
        if not chunks.done:
            raise unusable_answer("the stream ended before it was complete", request.deployment)
        out += dialect.end.decode()
    except GatewayError as error:
        out += dialect.failure(error).decode()
    return {"client.sse": out, "usage.json": _usage(chunks.usage, chunks.text)}


def _frames(dialect: Any, chunks: list[Any]) -> str:
    shown = (dialect.chunk(chunk, CLIENT_MODEL, True) for chunk in chunks)
    return "".join(dialect.frame(chunk).decode() for chunk in shown if chunk is not None)


def _usage(usage: Any, text: str) -> str:
    """What is not zero; for a provider that says nothing, the text an estimate is made of."""
    if usage is None:
        return _pretty({"estimated_from": text})
    return _pretty({name: value for name, value in asdict(usage).items() if value})


def _deployment(schema: str, given: dict[str, Any]) -> Deployment:
    usual = {"id": "d1", "group": "g", "provider": schema, "model": "upstream-model"}
    return Deployment(
        **{
            **usual,
            "upstream": Upstream("https", "provider.test", 443),
            "schema": schema,
            "api_key": "k",
            **given,
        }
    )


def _upstream(case: Path) -> tuple[str, bytes]:
    [path] = case.glob("upstream.*")
    kind = path.name.removeprefix("upstream.")
    return kind, awsframes.stream(path) if kind == "events.json" else path.read_bytes()


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

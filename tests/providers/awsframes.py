"""Writes AWS event-stream messages, so that streams can be kept as readable JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from struct import pack
from typing import Any
from zlib import crc32


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; its headers are strings."""
    packed = b"".join(_header(name, value) for name, value in headers.items())
    prelude = pack("!II", len(packed) + len(payload) + 16, len(packed))
    whole = prelude + pack("!I", crc32(prelude)) + packed + payload
    return whole + pack("!I", crc32(whole))


def event(kind: str, payload: bytes) -> bytes:
    content_type = "application/json" if payload.startswith(b"{") else "application/octet-stream"
    headers = {":event-type": kind, ":content-type": content_type, ":message-type": "event"}
    return message(headers, payload)


def exception(kind: str, payload: bytes) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json"}
    return message(headers | {":message-type": "exception"}, payload)


def error(code: str, text: str) -> bytes:
    headers = {":error-code": code, ":error-message": text, ":message-type": "error"}
    return message(headers, b"")


def stream(path: Path) -> bytes:
    """An `upstream.events.json`: a list of objects, each one message.

    {"contentBlockDelta": {…}}                  an event with a JSON payload
    {"PayloadPart": "text"}                     an event with these bytes
    {"exception:throttlingException": {…}}      an exception with a JSON payload
    {"error:InternalFailure": "text"}           an error with this message
    {"cut": "text"}                             these bytes as they are
    """
    return b"".join(
        _entry(*item) for entry in json.loads(path.read_text()) for item in entry.items()
    )


def _entry(name: str, value: Any) -> bytes:
    kind, _, rest = name.partition(":")
    if kind == "cut":
        return str(value).encode()
    if kind == "error":
        return error(rest, value)
    payload = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return exception(rest, payload) if kind == "exception" else event(name, payload)


def _header(name: str, value: str) -> bytes:
    return (
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + pack("!H", len(value.encode()))
        + value.encode()
    )

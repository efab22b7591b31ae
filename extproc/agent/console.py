"""One readable stream out of what all processes write."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

NAME_WIDTH = 10


class Console:
    """Every line with the name of its process; as JSON, one object a line."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._line = _as_json if as_json else _as_text

    def show(self, name: str, lines: Iterable[str]) -> None:
        self._out.write("".join(f"{self._line(name, line)}\n" for line in lines))
        self._out.flush()

    def say(self, text: str) -> None:
        """A line of the agent's own."""
        self.show("agent", [text])


def _as_json(name: str, line: str) -> str:
    return line if line.startswith("{") else json.dumps({"process": name, "message": line})


def _as_text(name: str, line: str) -> str:
    if line.startswith("{"):
        with suppress(ValueError):
            line = _readable(json.loads(line))
    return f"{name:<{NAME_WIDTH}} {line}"


def _readable(record: dict[str, Any]) -> str:
    """An access log's object as the line a person would write."""
    if record.get("log") == "call":
        known = [record.pop(name, None) for name in ("method", "path", "status", "duration_ms")]
        method, path, status, duration = known
        rest = _pairs({name: record.get(name) for name in ("attempts", "flags", "call_id")})
        return f"{method} {path} {status} {duration} ms {rest}"
    record.pop("time", None)
    return _pairs(record)


def _pairs(record: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in record.items() if value not in (None, "-"))

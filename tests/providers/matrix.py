"""Writes docs/reference/providers.md from the tables and the cases.

`python -m tests.providers.matrix [folder]`. Who serves what comes from the registry and the rows.
What is said to work is what a reviewed case shows: a feature is a predicate over cases.
"""

import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extproc.config.explain import lacking, way
from extproc.config.reference import table
from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.endpoints import ENDPOINTS
from extproc.providers import registry
from extproc.providers.profile import Profile
from extproc.providers.profiles import PROFILES, UNSUPPORTED
from tests.providers import cases

FOLDER = Path("docs/reference")
NAME = "providers.md"
MARKS = {"native": "●", "bridged": "○", "counted": "≈", None: ""}
YES = "✓"

GENERATED = (
    "<!-- Written by `python -m tests.providers.matrix` from the registry and tests/cases. -->"
)
INTRO = f"""\
How each client endpoint reaches each wire format: {MARKS["native"]} natively, {MARKS["bridged"]}
translated over the provider's chat, {MARKS["counted"]} counted by the gateway's tokenizer, without
the provider. An empty field is refused with 400."""
FEATURES_INTRO = f"""\
{YES} means that a case under `tests/cases/<endpoint>/<format>` shows it: a request, the provider's
answer, and what the gateway makes of both. No mark means that no case shows it; what a format
cannot have is told below the table. *Refusals*: what the provider cannot do is a clear 400
before it is asked. A bridged endpoint has what the format's chat has."""
LACKS_INTRO = """\
OpenAI's chat parameters that a format refuses for a model of which the gateway knows nothing. A
request that holds one gets 400, or goes without it where `drop_params` is set."""
ROWS_INTRO = """\
Every provider of LiteLLM that is spoken here, and its format. *Lacks* are parameters that this
provider refuses beside those of its format. [Keys and base URLs](providers-env.md) come from the
environment."""


@dataclass(frozen=True)
class Case:
    """One reviewed exchange, as far as features are concerned."""

    endpoint: str
    schema: str
    request: Any
    about: Mapping[str, Any]
    files: frozenset[str]
    usage: Mapping[str, Any]
    answer: str
    """What the client gets, as text."""
    refused: bool
    """Whether the provider was not asked."""
    said: tuple[Any, ...]
    """The same as JSON: the whole answer, or a stream's events."""


def found() -> list[Case]:
    return [read(folder) for folder in cases.found()]


def read(folder: Path) -> Case:
    texts = {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".raw"}
    answer = texts.get("client.json") or texts.get("client.sse") or ""
    asked = texts.get("request.json") or texts["request.form.json"]
    return Case(
        *folder.parts[-3:-1],
        request=json.loads(asked),
        about=json.loads(texts.get("case.json", "{}")),
        files=frozenset(path.name for path in folder.iterdir()),
        usage=json.loads(texts.get("usage.json", "{}")),
        answer=answer,
        refused=texts["outgoing.json"].startswith('{\n  "refused"'),
        said=tuple(_said(answer)),
    )


def absent(endpoint: str, schema: str) -> Mapping[str, str]:
    """Why a pair has no case for a cell, by cell (tests/providers/cells.py)."""
    path = cases.CASES / endpoint / schema / "absent.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _said(answer: str) -> Iterator[Any]:
    if answer.startswith("{"):
        yield json.loads(answer)
    for line in answer.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects within a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list | tuple):
            yield from objects(inner)


def _failed(case: Case) -> bool:
    return case.about.get("status", 200) >= 400 or case.answer.startswith('{\n  "status": ')


def _answered(case: Case) -> bool:
    return "usage.json" in case.files and not _failed(case)


def _calls(case: Case) -> set[str]:
    """The tool calls of the answer, whatever the client's format calls them."""
    named = set()
    for each in objects(case.said):
        kind = each.get("type")
        if isinstance(each.get("function"), dict) and each.get("id"):
            named.add(str(each["id"]))
        elif kind == "tool_use" or kind == "function_call":
            named.add(str(each.get("call_id") or each.get("id")))
        elif isinstance(each.get("functionCall"), dict):
            named.add(json.dumps(each["functionCall"], sort_keys=True))
    return named


def _reasons(case: Case) -> bool:
    """Whether the answer shows thoughts, whatever the client's format calls them."""
    return any(
        each.get("reasoning_content")
        or each.get("type") in ("thinking", "reasoning")
        or each.get("thought") is True
        for each in objects(case.said)
    )


def _media(*kinds: str) -> Callable[[Case], bool]:
    """Whether the request holds a part of this type, or bytes of this media type."""

    def holds(case: Case) -> bool:
        for each in objects(case.request):
            inline = each.get("inlineData") or each.get("inline_data") or each.get("fileData") or {}
            media = str(inline.get("mimeType") or inline.get("mime_type") or "")
            if each.get("type") in kinds or any(media.startswith(kind) for kind in kinds):
                return _answered(case)
        return False

    return holds


def _holds(*names: str) -> Callable[[Case], bool]:
    """Whether the request has a member of this name, at any depth, and is answered."""

    def holds(case: Case) -> bool:
        return _answered(case) and any(
            each.get(name) not in (None, [], {}) for each in objects(case.request) for name in names
        )

    return holds


def _schema(case: Case) -> bool:
    given = any(each.get("type") == "json_schema" for each in objects(case.request))
    own = _holds("responseSchema", "responseJsonSchema", "response_schema", "output_format")(case)
    return _answered(case) and (given or own)


def _used(*names: str) -> Callable[[Case], bool]:
    return lambda case: any(case.usage.get(name) for name in names)


def _either(*ways: Callable[[Case], bool]) -> Callable[[Case], bool]:
    return lambda case: any(way(case) for way in ways)


FEATURES: Mapping[str, Callable[[Case], bool]] = {
    "whole": lambda case: _answered(case) and "client.sse" not in case.files,
    "streamed": lambda case: _answered(case) and "client.sse" in case.files,
    "tools": lambda case: _holds("tools")(case) and len(_calls(case)) > 0,
    "parallel tools": lambda case: len(_calls(case)) > 1,
    "images": _media("image_url", "image", "input_image", "image/"),
    "files": _media("file", "document", "input_file", "application/pdf"),
    "audio": _either(_media("input_audio", "audio/"), _used("audio_output", "audio_input")),
    "JSON schema": _schema,
    "reasoning": _either(_used("reasoning"), _reasons),
    "caching": _used("cached", "cache_written"),
    "web search": _either(_used("searches"), lambda case: "url_citation" in case.answer),
    "errors": _failed,
    "stream cut": lambda case: "ended before it was complete" in case.answer,
    "refusals": lambda case: case.refused,
}
"""What a case can show."""


def page(known: list[Case]) -> str:
    blocks = [
        GENERATED,
        "# Providers: what works with whom",
        INTRO,
        _formats(),
        "## What the cases show",
        FEATURES_INTRO,
        *(block for endpoint in ENDPOINTS for block in _features(endpoint, known)),
        "## What a format lacks",
        LACKS_INTRO,
        table(("Format", "Lacks"), _lacks()),
        "## The providers",
        ROWS_INTRO,
        table(("Provider", "Format", "Lacks", "Renames", "Documentation"), map(_row, _rows())),
        "Known by name, and not spoken yet: "
        + ", ".join(f"`{name}`" for name in sorted(UNSUPPORTED))
        + ".",
    ]
    return "\n\n".join(blocks) + "\n"


def _schemas() -> list[str]:
    """Every wire format, in the order of the registry."""
    return list(dict.fromkeys(schema for _, schema in registry.NATIVE))


def _formats() -> str:
    shown = [name for name in ENDPOINTS if any(way(name, schema) for schema in _schemas())]
    lines = (
        (f"`{schema}`", *(MARKS[way(name, schema)] for name in shown)) for schema in _schemas()
    )
    return table(("Format", *(name.replace("_", " ") for name in shown)), lines)


def _lacks() -> Iterator[tuple[str, str]]:
    for schema in _schemas():
        some = Deployment("d", "g", schema, "m", Upstream("https", "x", 443), schema=schema)
        if names := lacking(some):
            yield f"`{schema}`", ", ".join(f"`{name}`" for name in names)


def _features(endpoint: str, known: list[Case]) -> list[str]:
    """The table of one endpoint, with the features that at least one of its cases shows."""
    mine = [case for case in known if case.endpoint == endpoint]
    names = [name for name, shows in FEATURES.items() if any(map(shows, mine))]
    lines = [
        (f"`{schema}`", *_marks([c for c in mine if c.schema == schema], names))
        for schema in _schemas()
        if any(case.schema == schema for case in mine)
    ]
    if not mine:
        return []
    reasons = [
        f"* `{schema}`, {cell}: {reason}"
        for schema in _schemas()
        for cell, reason in absent(endpoint, schema).items()
    ]
    blocks = [f"### {endpoint}", table(("Format", "Cases", *names), lines)]
    return [*blocks, "\n".join(reasons)] if reasons else blocks


def _marks(mine: list[Case], names: list[str]) -> list[str]:
    return [str(len(mine)), *(YES if any(map(FEATURES[name], mine)) else "" for name in names)]


def _rows() -> list[Profile]:
    return sorted(PROFILES.values(), key=lambda row: row.name)


def _row(row: Profile) -> tuple[str, ...]:
    formats = dict.fromkeys((row.schema, *(schema for _, schema in row.schemas)))
    return (
        f"`{row.name}`",
        ", ".join(f"`{name}`" for name in formats),
        ", ".join(f"`{name}`" for name in sorted(row.lacks)),
        ", ".join(f"`{ours}` to `{theirs}`" for ours, theirs in row.rename.items()),
        f"<{row.source}>" if row.source else "",
    )


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(page(found()), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))

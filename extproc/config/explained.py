"""An explained config, written for people and for machines."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from extproc.config.explain import Explained
from extproc.config.loader import Loaded


def as_text(loaded: Loaded, deployments: Sequence[Explained]) -> str:
    """Warnings first, then a paragraph a deployment."""
    blocks = ["\n".join(f"warning: {line}" for line in loaded.warnings)] if loaded.warnings else []
    blocks += ["\n".join(_lines(each)) for each in deployments]
    if not deployments:
        blocks.append("No deployment: every request for a model would be refused.")
    return "\n\n".join(blocks)


def as_json(loaded: Loaded, deployments: Sequence[Explained]) -> str:
    return json.dumps(
        {
            "generation": loaded.snapshot.generation,
            "warnings": loaded.warnings,
            "aliases": dict(loaded.snapshot.aliases),
            "deployments": [asdict(each) for each in deployments],
        },
        indent=2,
    )


def _lines(each: Explained) -> Iterator[str]:
    yield f"{each.group}: {each.provider}/{each.model} at {each.url}"
    for name, text in _facts(each):
        if text:
            yield f"    {name:<11}{text}"


def _facts(each: Explained) -> Iterator[tuple[str, str]]:
    yield "format", each.schema
    yield "credential", f"{each.credential}: {_credential(each)}"
    yield "native", ", ".join(each.native)
    yield "bridged", ", ".join(each.bridged)
    yield "counted", ", ".join(each.counted)
    dropped = " (left out)" if each.drops_params else " (refused with 400)"
    yield "lacks", ", ".join(each.lacks) + (dropped if each.lacks else "")
    yield "renames", ", ".join(f"{ours} to {theirs}" for ours, theirs in each.renames.items())
    yield "price", _price(each)
    for name, variables in each.unset_options.items():
        yield "unset", f"{name} ({' or '.join(variables) or 'litellm_params'})"
    for problem in each.problems:
        yield "problem", problem


def _credential(each: Explained) -> str:
    if each.credential_set:
        return "set"
    if each.credential_needed:
        return "missing"
    return f"none set; {each.credential_found or 'sent without'}"


def _price(each: Explained) -> str:
    tokens = ", ".join(f"{rate:g} {name}" for name, rate in each.usd_per_million.items())
    parts = [f"{tokens} for a million tokens"] if tokens else []
    parts += [f"{rate:g} a {unit}" for unit, rate in each.usd_per_unit.items()]
    return f"{each.price}: USD {'; '.join(parts)}" if parts else each.price

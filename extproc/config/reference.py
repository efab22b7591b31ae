"""Writes the reference pages from the tables: `python -m extproc.config.reference [folder]`."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from extproc.config.documentkeys import DOCUMENT
from extproc.config.environkeys import READ, UNUSED
from extproc.config.kinds import meaning
from extproc.config.rows import Key, Table
from extproc.providers.profiles import PROFILES, UNSUPPORTED
from extproc.settings import Settings

FOLDER = Path("docs/reference")

_GENERATED = "<!-- Written by `python -m extproc.config.reference`; edit the tables instead. -->"


def pages() -> Mapping[str, str]:
    """File name -> text, of every generated page."""
    return {
        "settings.md": _settings(),
        "config.md": _config(),
        "providers-env.md": _providers(),
    }


def _page(*blocks: str) -> str:
    return "\n\n".join([_GENERATED, *blocks]) + "\n"


def table(heads: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
    )


def _settings() -> str:
    lines = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append((f"`{name.upper()}`", default, field.description or ""))
    return _page(
        "# Process settings",
        "Read from the environment once, at the start. An empty variable counts as unset. Models, "
        "routing and limits are in the [config file](config.md); where both say a thing, the "
        "environment wins.",
        table(("Variable", "Default", "Meaning"), lines),
    )


def _config() -> str:
    top = {name: Key(key.kind, key.effect) for name, key in DOCUMENT.items()}
    blocks = [_keys("The document", top)]
    shown: list[Table] = []
    for name, key in DOCUMENT.items():
        blocks += _nested(f"{name}[]" if key.kind == "list" else name, key, shown)
    return _page(
        "# Keys of config.yaml",
        "Every key of LiteLLM's config.yaml that is known here. *Not yet* means: its type is "
        "checked, its use is named in a warning, and it changes nothing. A key that is not listed "
        "is ignored with a warning that says which known one is nearest; a wrong type stops the "
        "start. `os.environ/NAME` stands for a variable's value anywhere.",
        *blocks,
    )


def _nested(path: str, key: Key, shown: list[Table]) -> list[str]:
    """The tables below a key, each once: several keys may lead to one."""
    if key.members is None or any(key.members is table for table in shown):
        return []
    shown.append(key.members)
    blocks = [_keys(f"`{path}`", key.members)]
    for name, inner in key.members.items():
        blocks += _nested(f"{path}.{name}", inner, shown)
    return blocks


def _keys(title: str, known: Table) -> str:
    ordered = sorted(known.items(), key=lambda item: (not item[1].effect, item[0]))
    lines = [(f"`{name}`", meaning(key.kind), key.effect or "*not yet*") for name, key in ordered]
    return f"## {title}\n\n" + table(("Key", "Type", "Effect"), lines)


def _providers() -> str:
    lines = [
        (
            f"`{row.name}/`",
            f"`{row.base_url}`" if row.base_url else "needs `api_base`",
            ", ".join(f"`{name}`" for name in row.key_env),
            ", ".join(f"`{name}`" for name in row.base_env),
        )
        for row in PROFILES.values()
    ]
    known = [(f"`{name}`", READ[name]) for name in sorted(READ)]
    known += [(f"`{name}`", "*not yet*") for name in sorted(UNUSED)]
    return _page(
        "# Providers and their environment",
        "The first variable that is set gives the key or the base URL of deployments that have "
        "none of their own. Without a config file, each provider whose key is set is offered as "
        "`provider/*`.",
        table(("Prefix", "Base URL", "Key", "Base URL from"), lines),
        "Known, and left out with a warning until their formats are spoken: "
        + ", ".join(f"`{name}`" for name in sorted(UNSUPPORTED))
        + ".",
        "## LiteLLM's environment variables",
        table(("Variable", "Effect"), known),
    )


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))

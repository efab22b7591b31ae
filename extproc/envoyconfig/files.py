"""Puts a built file where Envoy reads it."""

import os
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Write `text` to `path` at once: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)

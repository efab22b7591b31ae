"""The check of a config: what a start would read of it, and nothing that it would open."""

import time
from collections.abc import Mapping
from pathlib import Path

from extproc.config import Loaded, load
from extproc.config.explain import Explained, explained
from extproc.providers.prices import PriceBook


def checked(path: Path, environ: Mapping[str, str]) -> tuple[Loaded, tuple[Explained, ...]]:
    """The config, and each of its deployments explained. Raises ConfigError."""
    loaded = load(path, environ)
    return loaded, explained(loaded, PriceBook(time.time))

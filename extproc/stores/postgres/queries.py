"""Reads a file of SQL: each query under a line `-- name --`, with a sentence on what it does."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def load(name: str) -> Mapping[str, bytes]:
    """The queries of sql/`name`.sql, by their names."""
    text = (files("extproc.stores.postgres") / "sql" / f"{name}.sql").read_text()
    parts = _NAME.split(text)[1:]
    return {
        name: query.strip().encode() for name, query in zip(parts[::2], parts[1::2], strict=True)
    }

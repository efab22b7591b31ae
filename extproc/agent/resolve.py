"""Settles what the environment, the config and DATA_DIR say together: in that order."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from extproc.config import General
from extproc.settings import Settings


def merged(settings: Settings, general: General) -> Settings:
    """The config's values where the environment has none. Raises SettingError."""
    found: dict[str, object] = {}
    if not settings.litellm_master_key:
        found["litellm_master_key"] = general.master_key
    if not settings.database_url:
        found["database_url"] = general.database_url
    if not settings.redis_address:
        found |= {
            "redis_url": general.redis_url,
            "redis_host": general.redis_host,
            "redis_port": general.redis_port,
            "redis_password": general.redis_password,
        }
    return Settings.of({**settings.model_dump(), **found})


def complete(settings: Settings) -> bool:
    """Whether no config can add anything."""
    return bool(settings.litellm_master_key and settings.database_url and settings.redis_address)


def kept_master_key(path: Path) -> str:
    """The key in DATA_DIR, made on the first run; readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = f"sk-{secrets.token_urlsafe(32)}"
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key}\n")
    return key


def as_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with every setting in it as it was settled; what is unset is left out."""
    values = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }
    return {**environ, **values}

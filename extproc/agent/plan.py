"""Decides what one gateway consists of, before anything is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from extproc.agent import embedded
from extproc.agent.place import free_port
from extproc.agent.resolve import as_environment, kept_master_key, merged
from extproc.config import Loaded, load
from extproc.config.offered import is_demo
from extproc.settings import NONE, Layout, SettingError, Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """`settings` are complete: every process of the gateway gets the same."""

    settings: Settings
    layout: Layout
    loaded: Loaded
    env: Mapping[str, str] = field(repr=False)
    """The environment of the gateway's own processes."""
    whole: bool
    """False: workers, ledger and health alone; Envoy and the rest are somebody else's."""
    postgres: bool = False
    valkey: bool = False
    demo_port: int = 0

    @property
    def database_url(self) -> str | None:
        url = self.settings.database_url
        return None if url == NONE else url


def make(settings: Settings, environ: Mapping[str, str], layout: Layout, *, whole: bool) -> Plan:
    """Raises SettingError and ConfigError."""
    simulated = whole and settings.config is None and is_demo(environ)
    demo_port = free_port("127.0.0.1") if simulated else 0
    demo_url = f"http://127.0.0.1:{demo_port}/v1" if simulated else None
    loaded = load(settings.config, environ, demo_url or "")
    settings = merged(settings, loaded.general)
    postgres, valkey = not settings.database_url, not settings.redis_address
    if not whole:
        _require(settings)
    found: dict[str, Any] = {
        "run_dir": layout.run_dir,
        "data_dir": layout.data_dir,
        "demo_url": demo_url,
        "litellm_master_key": settings.litellm_master_key or kept_master_key(layout.master_key),
    }
    if postgres:
        found["database_url"] = embedded.postgres_url(layout)
    if valkey:
        found["redis_url"] = embedded.valkey_url(layout) if whole else NONE
    settings = settings.model_copy(update=found)
    env = as_environment(settings, {**loaded.general.environment, **environ})
    env["PROMETHEUS_MULTIPROC_DIR"] = str(layout.metrics)
    env.setdefault("MALLOC_ARENA_MAX", "2")  # gRPC's threads would spread memory over many arenas
    return Plan(settings, layout, loaded, env, whole, postgres, valkey and whole, demo_port)


def _require(settings: Settings) -> None:
    """What a worker that is not alone must be told, since others must be told the same."""
    if not settings.litellm_master_key:
        raise SettingError("LITELLM_MASTER_KEY: set it, the same for all processes")
    if not settings.database_url:
        raise SettingError("DATABASE_URL: set it to postgresql://…, or to `none`")

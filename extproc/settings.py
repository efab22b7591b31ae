"""Every process setting, once: name, environment variable, default, meaning.

Nothing else reads the environment. Models, routing and limits are not here: they are in the
LiteLLM config.yaml that `CONFIG` names (extproc/config). Where both can say a thing (master key,
database, Redis), the environment wins.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

NONE = "none"
FOREIGN_PARAMETERS = frozenset(
    {"connection_limit", "pool_timeout", "socket_timeout", "pgbouncer", "statement_cache_size"}
    | {"schema", "sslaccept", "max_idle_connection_lifetime", "max_connection_lifetime"}
)
"""Of Prisma's database URLs: accepted and left out."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
POSTGRES_SCHEMES = ("postgresql", "postgres")

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:]*)(?::\d*)?")
_NOT_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})|\s")


def environment() -> Mapping[str, str]:
    """The process's environment, for whoever must hand it on; read as it is now."""
    return dict(os.environ)


class SettingError(Exception):
    """A setting that cannot be used; the message is one line of advice."""


class Settings(BaseModel):
    """Field names in lower case are the environment variables in upper case."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(default=4000, ge=1, le=65535, description="Port the gateway listens on.")
    health_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="TCP port of the workers' gRPC health service; 0 takes PORT + 10000, or "
        "PORT - 10000 where that is too high.",
    )
    workers: int = Field(default=1, ge=1, le=256, description="ext_proc worker processes.")
    config: Path | None = Field(default=None, description="A LiteLLM config.yaml.")
    data_dir: Path = Field(
        default=Path(".data"),
        description="Master key, journal, embedded Postgres and Valkey live here.",
    )
    run_dir: Path | None = Field(
        default=None, description="Sockets and Envoy's files; a short temporary folder if unset."
    )
    litellm_master_key: str | None = Field(
        default=None,
        repr=False,
        description="The admin key; generated and kept in DATA_DIR if unset.",
    )
    database_url: str | None = Field(
        default=None,
        repr=False,
        description="postgresql://…, or `none`; unset starts an embedded Postgres.",
    )
    redis_url: str | None = Field(
        default=None,
        repr=False,
        description="redis://…, or `none`; unset starts an embedded Valkey.",
    )
    redis_host: str | None = Field(default=None, description="Used when REDIS_URL is unset.")
    redis_port: int = Field(default=6379, description="Goes with REDIS_HOST.")
    redis_password: str | None = Field(
        default=None, repr=False, description="Goes with REDIS_HOST."
    )
    envoy_concurrency: int = Field(
        default=0, ge=0, description="Envoy's worker threads; 0 takes one per CPU core."
    )
    drain_seconds: float = Field(
        default=30.0, ge=0, description="How long open streams may finish after SIGTERM."
    )
    key_grace_seconds: float = Field(
        default=3600.0, ge=0, description="How long known keys work while Postgres is away."
    )
    key_staleness_seconds: float = Field(
        default=5.0,
        gt=0,
        description="How old a cached key may be while change notifications are cut.",
    )
    responses_retention_days: float = Field(
        default=30.0,
        ge=0,
        le=36_500,
        description="How long responses are remembered for previous_response_id; 0 for none.",
    )
    batch_poll_seconds: float = Field(
        default=60.0, gt=0, description="How often a batch at work is asked for at its provider."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    json_logs: bool = Field(default=False, description="Log lines of the processes as JSON.")
    demo_url: str | None = Field(
        default=None, description="Base URL of the simulated provider; the agent sets it."
    )
    outer_listener: bool = Field(
        default=True,
        description="False inside an Envoy without our outer listener: there are no retries.",
    )
    ssl_cert_file: str | None = Field(
        default=None, description="CA bundle for upstream TLS; certifi's if unset."
    )
    https_proxy: str | None = Field(
        default=None, repr=False, description="HTTP proxy that upstream TLS is tunnelled through."
    )

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """From the environment; an empty variable counts as unset. Raises SettingError."""
        values = {
            name.lower(): value
            for name, value in environ.items()
            if value and name.lower() in cls.model_fields and name == name.upper()
        }
        if "https_proxy" not in values and environ.get("https_proxy"):
            values["https_proxy"] = environ["https_proxy"]
        return cls.of(values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Raises SettingError, which shows no secret."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            said = first["msg"].removeprefix("Value error, ")
            shown = f" (got {first['input']!r})" if cls.model_fields[field].repr else ""
            raise SettingError(f"{field.upper()}: {said}{shown}") from None

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in LOG_LEVELS:
            raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}")
        return level.upper()

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        if url is not None and url != NONE and not url.startswith(REDIS_SCHEMES):
            raise ValueError("expected redis://…, rediss://… or unix://…, or none")
        return url

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, url: str | None) -> str | None:
        """What libpq would refuse is refused here: libpq would print it, password and all."""
        if url is None or url == NONE:
            return url
        if not _is_postgres_url(url):
            raise ValueError(
                "expected postgresql://user:password@host:port/database, with special characters "
                "of a password escaped (/ is %2F, % is %25), or none"
            )
        return _without_foreign_parameters(url)

    @property
    def grpc_health_port(self) -> int:
        return self.health_port or (
            self.port + 10_000 if self.port <= 55_535 else self.port - 10_000
        )

    @property
    def redis_address(self) -> str | None:
        """REDIS_URL, or one made of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD."""
        if self.redis_url or not self.redis_host:
            return self.redis_url
        password = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{password}{self.redis_host}:{self.redis_port}/0"


def _is_postgres_url(url: str) -> bool:
    """With one host, several, or none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = parts.netloc.rpartition("@")[2].split(",")
    right = parts.scheme in POSTGRES_SCHEMES and not parts.fragment and not _NOT_ESCAPED.search(url)
    return right and all(map(_HOST.fullmatch, hosts))


def _without_foreign_parameters(url: str) -> str:
    """LiteLLM's URLs carry parameters of its own client, which libpq refuses."""
    address, _, query = url.partition("?")
    kept = [p for p in query.split("&") if p and p.partition("=")[0] not in FOREIGN_PARAMETERS]
    return "?".join((address, "&".join(kept))) if kept else address


class Layout:
    """Where the processes of one gateway find each other: names under RUN_DIR and DATA_DIR."""

    def __init__(self, run_dir: Path, data_dir: Path) -> None:
        self.run_dir = run_dir
        self.data_dir = data_dir
        self.admin_socket = run_dir / "admin.sock"
        self.agent_socket = run_dir / "agent.sock"
        self.envoy_admin_socket = run_dir / "envoy-admin.sock"
        self.envoy_bootstrap = run_dir / "envoy" / "bootstrap.pb"
        self.envoy_clusters = run_dir / "envoy" / "clusters" / "clusters.pb"
        self.unsent_log = run_dir / "unsent.log"
        self.metrics = run_dir / "metrics"
        self.journal = data_dir / "journal"
        self.master_key = data_dir / "master_key"
        self.postgres = data_dir / "postgres"
        self.valkey = data_dir / "valkey"

    def worker_socket(self, index: int) -> Path:
        return self.run_dir / f"worker-{index}.sock"

    def worker_status(self, index: int) -> Path:
        """JSON the worker keeps current: its snapshot's generation and whether it serves."""
        return self.run_dir / f"worker-{index}.json"

    def worker_journal(self, index: int) -> Path:
        return self.journal / f"worker-{index}"

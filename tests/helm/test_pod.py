"""The pod against the gateway's own code: settings, routes, Envoy's configuration, commands."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap

from extproc.admin.app import ROUTES, Access
from extproc.agent.files import write
from extproc.agent.wheels import program
from extproc.config import load
from extproc.envoyconfig import paths
from extproc.settings import NONE, Layout, Settings
from tests.helm.chart import (
    CANARY,
    EVERYTHING,
    MATRIX,
    Json,
    containers,
    environment,
    manifests,
    only,
    pod,
)

SECRETS = {
    "gw-llm-extproc-masterkey": {"masterkey": CANARY},
    "admin-key": {"key": CANARY},
    "anthropic": {"key": "sk-ant"},
    "provider-keys": {"OPENAI_API_KEY": "sk-openai"},
    "pg": {
        "url": "postgresql://u:p@pg/llm",
        "username": "u",
        "password": "p",
        "host": "pg.db.svc",
    },
    "valkey": {"url": "redis://:p@valkey:6379/0", "pw": "p"},
}
SOCKET_PATH_BYTES = 107
each_use = pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)


def settings(values: dict[str, Any], container: str) -> Settings:
    return Settings.load(environment(containers(pod(values))[container], SECRETS))


def every_container() -> Iterator[tuple[Json, Json]]:
    """Each of ours with its pod's spec, the migration's too."""
    job = only(manifests(EVERYTHING), "Job")["spec"]["template"]["spec"]
    yield job, job["containers"][0]
    spec = pod(EVERYTHING)
    for name, container in containers(spec).items():
        if name in ("envoy", "worker", "admin"):
            yield spec, container


@each_use
def test_workers_outlive_envoy(values: dict[str, Any]) -> None:
    """The kubelet stops sidecars, in reverse, after the last of the others has ended."""
    spec = pod(values)
    names = list(containers(spec))
    assert names[:3] == ["worker", "admin", "envoy"]
    assert spec["containers"][0]["name"] == "envoy"


def test_envoy_alone_is_drained_before_it_is_stopped() -> None:
    # A hook also runs when a liveness probe fails: a hanging admin must not drain Envoy.
    found = containers(pod({}))
    assert found["envoy"]["lifecycle"]["preStop"]["exec"]["command"] == ["extproc", "drain"]
    assert "lifecycle" not in found["worker"]
    assert "lifecycle" not in found["admin"]


@pytest.mark.parametrize("seconds", [0, 30, 600])
def test_the_grace_period_holds_a_drain_and_the_workers_own(seconds: int) -> None:
    grace = pod({"drainSeconds": seconds})["terminationGracePeriodSeconds"]
    assert grace >= 2 * seconds + 30
    assert settings({"drainSeconds": seconds}, "worker").drain_seconds == seconds


@each_use
def test_commands_are_commands_of_extproc(values: dict[str, Any]) -> None:
    found = containers(pod(values))
    commands = {name: found[name]["command"] for name in ("envoy", "worker", "admin")}
    assert commands == {
        "envoy": ["extproc", "envoy"],
        "worker": ["extproc", "agent"],
        "admin": ["extproc", "admin"],
    }


@pytest.mark.parametrize("command", ["agent", "envoy", "drain", "admin", "migrate"])
def test_extproc_has_the_command(command: str) -> None:
    run = [sys.executable, "-m", "extproc", command, "--help"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


@each_use
def test_the_settings_of_worker_and_admin_load_and_agree(values: dict[str, Any]) -> None:
    worker, admin = settings(values, "worker"), settings(values, "admin")
    assert worker == admin
    assert worker.litellm_master_key == CANARY
    assert worker.host == "0.0.0.0"
    # Unset would start embedded servers in the pod.
    assert worker.database_url is not None
    assert worker.redis_address is not None


@pytest.mark.parametrize(
    ("use", "database", "redis"),
    [
        ("defaults", NONE, NONE),
        ("everything", "postgresql://u:p@pg/llm", "redis://:p@valkey:6379/0"),
        ("database-by-parts", "postgresql://u:p@pg:5432/llm_extproc", NONE),
        ("database-all-from-secret", "postgresql://u:p@pg.db.svc/llm_extproc", NONE),
        ("redis-by-url", NONE, "redis://:p@valkey:6379/0"),
    ],
)
def test_stores_are_the_ones_named(use: str, database: str, redis: str) -> None:
    worker = settings(MATRIX[use], "worker")
    assert worker.database_url == database
    assert worker.redis_address == redis


def test_values_reach_the_settings() -> None:
    worker = settings(EVERYTHING, "worker")
    assert worker.workers == 2
    assert worker.key_grace_seconds == 60
    assert worker.ssl_cert_file == "/ca/ca.crt"
    assert worker.config == Path("/etc/litellm/config.yaml")
    found = environment(containers(pod(EVERYTHING))["worker"], SECRETS)
    assert found["OPENAI_API_KEY"] == "sk-openai"
    assert found["ANTHROPIC_API_KEY"] == "sk-ant"
    assert found["PROXY_MASTER_KEY"] == CANARY
    assert settings({}, "worker").config is None


@each_use
def test_the_config_file_is_mounted_where_it_is_read(values: dict[str, Any]) -> None:
    spec = pod(values)
    for name in ("worker", "admin"):
        mounted = {m["name"]: m["mountPath"] for m in containers(spec)[name]["volumeMounts"]}
        config = settings(values, name).config
        assert (config is not None) == ("config" in mounted)
        if config is not None:
            (volume,) = (v for v in spec["volumes"] if v["name"] == "config")
            assert mounted["config"] == str(config.parent)
            assert volume["configMap"]["items"][0]["path"] == config.name


@each_use
def test_the_migration_uses_the_gateways_database(values: dict[str, Any]) -> None:
    for job in (each for each in manifests(values) if each["kind"] == "Job"):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        migrating = Settings.load(environment(container, SECRETS))
        assert migrating.database_url == settings(values, "worker").database_url


@each_use
def test_envoy_is_told_no_secret(values: dict[str, Any]) -> None:
    envoy = containers(pod(values))["envoy"]
    assert "envFrom" not in envoy
    assert all("valueFrom" not in variable for variable in envoy["env"])
    known = environment(envoy, {})
    assert CANARY not in known.values()
    Settings.load(known)


@each_use
def test_secrets_come_by_reference_alone(values: dict[str, Any]) -> None:
    for container in containers(pod(values)).values():
        assert "args" not in container
        for variable in container.get("env", []):
            if variable["name"].endswith(("_KEY", "_PASSWORD")) and "value" in variable:
                assert variable["value"] == "$(LITELLM_MASTER_KEY)"


def test_every_container_is_locked_down() -> None:
    for spec, container in every_container():
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        together = spec["securityContext"]
        assert together["runAsNonRoot"] is True
        assert together["runAsUser"] == together["fsGroup"] > 0
        assert together["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_what_is_written_to_is_mounted() -> None:
    for _, container in every_container():
        known = {each["name"]: each.get("value") for each in container["env"]}
        writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
        assert {"/tmp", known["HOME"]} <= writable
        if container["name"] != "migrate":
            assert known["RUN_DIR"] in writable
        if container["name"] == "worker":
            assert known["DATA_DIR"] in writable


def test_socket_paths_are_short_enough() -> None:
    layout = layout_of(settings({}, "worker"))
    sockets = (
        layout.admin_socket,
        layout.agent_socket,
        layout.envoy_admin_socket,
        layout.worker_socket(255),
    )
    for path in sockets:
        assert len(bytes(path)) <= SOCKET_PATH_BYTES


# Probes


def test_http_probes_ask_paths_that_envoy_routes() -> None:
    port = settings({}, "envoy").port
    found = containers(pod({}))
    (named,) = found["envoy"]["ports"]
    assert named == {"name": "http", "containerPort": port, "protocol": "TCP"}
    for kind, path in (
        ("startupProbe", "/health/liveliness"),
        ("livenessProbe", "/health/liveliness"),
        ("readinessProbe", "/health/readiness"),
    ):
        assert found["envoy"][kind]["httpGet"] == {"path": path, "port": "http"}
        assert target(path) == paths.AGENT
    admin = found["admin"]["livenessProbe"]["httpGet"]
    assert admin["port"] == port
    assert target(admin["path"]) == paths.ADMIN
    route = next(each for each in ROUTES if (each.method, each.path) == ("GET", admin["path"]))
    assert route.access is Access.PUBLIC


def target(path: str) -> str:
    """Where Envoy sends a GET."""
    for row in paths.TABLE:
        fits = path == row.path or (row.kind == "prefix" and path.startswith(row.path))
        if fits and row.method in (None, "GET"):
            return row.target
    raise AssertionError(path)


def test_what_starts_before_envoy_is_not_waited_for_through_envoy() -> None:
    found = containers(pod({}))
    assert "grpc" in found["worker"]["startupProbe"]
    assert "startupProbe" not in found["admin"]
    assert "readinessProbe" not in found["admin"]


def test_grpc_probes_ask_the_workers_health_port() -> None:
    worker = containers(pod({}))["worker"]
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        # No service name: the one the worker always answers for.
        assert worker[kind]["grpc"] == {"port": settings({}, "worker").grpc_health_port}


def test_the_service_leads_to_envoy_by_name() -> None:
    service = only(manifests(MATRIX["ingress"]), "Service")["spec"]
    assert service["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    ]
    monitor = only(manifests(EVERYTHING), "ServiceMonitor")["spec"]
    assert target(monitor["endpoints"][0]["path"]) == paths.AGENT


# Envoy's configuration


def layout_of(given: Settings, run_dir: Path | None = None) -> Layout:
    assert given.run_dir is not None
    return Layout(run_dir or given.run_dir, given.data_dir)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pod-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.parametrize("use", ["defaults", "everything"])
def test_envoy_takes_the_pods_configuration(use: str, short_folder: Path) -> None:
    values = MATRIX[use]
    # The certificates are the cluster's own.
    given = settings(values, "worker").model_copy(update={"ssl_cert_file": None})
    layout = layout_of(given, short_folder)
    config = short_folder / "config.yaml"
    config.write_text(yaml.safe_dump(values.get("proxy_config", {})))
    environ = environment(containers(pod(values))["worker"], SECRETS)
    loaded = load(config, environ)
    write(given, layout, loaded.snapshot)
    text = Bootstrap.parse(layout.envoy_bootstrap.read_bytes()).to_json()
    assert '"address": "0.0.0.0"' in text
    assert str(layout.worker_socket(given.workers - 1)) in text
    assert (b"api.openai.com" in layout.envoy_clusters.read_bytes()) == (use == "everything")
    run = [program("envoy"), "--mode", "validate", "-c", str(layout.envoy_bootstrap)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

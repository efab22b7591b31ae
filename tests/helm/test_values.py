"""What the chart refuses, and how it says why."""

import json
from collections.abc import Iterator
from typing import Any

import helm_python as helm
import pytest
import yaml

from tests.helm.chart import CHART, DATABASE, manifests

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def model(**params: str) -> dict[str, Any]:
    return {"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/m", **params}}]}


# Values the schema refuses, and what of them the message names.
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"replicas": 2}, "replicas"),
    ({"replicaCount": "two"}, "replicaCount"),
    ({"replicaCount": -1}, "replicaCount"),
    ({"numWorkers": 0}, "numWorkers"),
    ({"image": {"name": "x"}}, "image"),
    ({"image": {"digest": "sha256:short"}}, "digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    ({"service": {"port": 70000}}, "service/port"),
    ({"service": {"type": "Elsewhere"}}, "service/type"),
    ({"masterkey": "no-prefix"}, "masterkey"),
    ({"masterkeySecretName": "Not A Name"}, "masterkeySecretName"),
    ({"environmentSecrets": [{"name": "x"}]}, "environmentSecrets"),
    ({"envVars": {"A-B": "c"}}, "envVars"),
    ({"envVars": {"A": ["list"]}}, "envVars/A"),
    ({"extraEnvVars": [{"value": "no name"}]}, "extraEnvVars"),
    ({"db": {"deployStandalone": True}}, "db"),
    ({"db": {"url": "mysql://x"}}, "db/url"),
    ({"redis": {"port": 0}}, "redis/port"),
    ({"journal": {"persistence": {"size": "big"}}}, "size"),
    ({"journal": {"persistence": {"accessModes": []}}}, "accessModes"),
    ({"drainSeconds": -1}, "drainSeconds"),
    ({"logLevel": "LOUD"}, "logLevel"),
    ({"livenessProbe": {"path": "/elsewhere"}}, "livenessProbe"),
    ({"resources": {"request": {}}}, "resources"),
    ({"runDir": {"medium": "Disk"}}, "medium"),
    ({"ingress": {"hosts": [{"host": "a", "paths": []}]}}, "paths"),
    ({"pdb": {"maxUnavailable": "half"}}, "maxUnavailable"),
    ({"proxyConfigMap": {"create": False}}, "proxyConfigMap/name"),
    ({"serviceMonitor": {"interval": "often"}}, "interval"),
)

# Values that are each fine and wrong together, and the advice.
CONTRADICTIONS: tuple[tuple[dict[str, Any], str], ...] = (
    (
        {"replicaCount": 2, "journal": {"persistence": {"enabled": True, "existingClaim": "c"}}},
        "one claim serves one replica",
    ),
    (
        {
            "autoscaling": {"enabled": True},
            "journal": {"persistence": {"enabled": True, "existingClaim": "c"}},
        },
        "one claim serves one replica",
    ),
    ({"journal": {"persistence": {"existingClaim": "c"}}}, "enabled is false"),
    ({"masterkey": "sk-1", "masterkeySecretName": "s"}, "not both"),
    (
        {"proxyConfigMap": {"create": False, "name": "mine"}, "proxy_config": model()},
        "would not be used",
    ),
    ({"db": {"useExisting": True}}, "db.secret.name"),
    ({"db": {"useExisting": True, "secret": {"name": "pg"}}}, "db.endpoint"),
    ({"db": {**DATABASE, "url": "postgresql://u:hunter2@pg/db"}}, "holds a password"),
    ({"redis": {"enabled": True}}, "redis.host"),
    (
        {"redis": {"enabled": True, "host": "r", "secret": {"passwordKey": "p"}}},
        "need redis.secret",
    ),
    ({"ingress": {"enabled": True}}, "ingress.hosts"),
    ({"pdb": {"enabled": True, "maxUnavailable": None}}, "pdb.minAvailable"),
    ({"envVars": {"RUN_DIR": "/tmp"}}, "the chart sets this variable itself"),
    ({"envVars": {"OPENAI_API_KEY": "sk-secret"}}, "envVars.OPENAI_API_KEY holds a secret"),
    (
        {"proxy_config": model(api_key="sk-secret")},
        "proxy_config.model_list[0].litellm_params.api_key holds a secret",
    ),
    (
        {"proxy_config": {"general_settings": {"master_key": "sk-secret"}}},
        "proxy_config.general_settings.master_key holds a secret",
    ),
    (
        {"proxy_config": {"environment_variables": {"LANGFUSE_SECRET_KEY": "sk-secret"}}},
        "write os.environ/NAME here",
    ),
)


@pytest.mark.parametrize(("values", "named"), BAD, ids=[json.dumps(v) for v, _ in BAD])
def test_the_schema_refuses(values: dict[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmError) as refusal:
        manifests(values)
    assert named in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "advice"), CONTRADICTIONS, ids=[json.dumps(v) for v, _ in CONTRADICTIONS]
)
def test_contradictions_are_refused_with_advice(values: dict[str, Any], advice: str) -> None:
    with pytest.raises(helm.HelmError) as refusal:
        manifests(values)
    assert advice in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert "sk-secret" not in str(refusal.value)


@pytest.mark.parametrize("key", ["os.environ/OPENAI_API_KEY", "none", ""])
def test_references_to_secrets_are_welcome(key: str) -> None:
    assert manifests({"proxy_config": model(api_key=key)})


def test_numbers_whose_names_end_like_secrets_are_not_taken_for_them() -> None:
    config = model()
    config["model_list"][0]["litellm_params"]["input_cost_per_token"] = 0.5
    assert manifests({"proxy_config": config})


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in schema.get("properties", {}).items():
        yield f"{path}{name}", value
        yield from described(value, f"{path}{name}.")


def test_every_value_is_described() -> None:
    for path, value in described(SCHEMA):
        assert value.get("description", "").endswith("."), path


def keys(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Paths of the values down to where the schema leaves the rest free."""
    for name, value in values.items():
        yield f"{path}{name}"
        inner = schema["properties"][name]
        if isinstance(value, dict) and "properties" in inner:
            yield from keys(value, inner, f"{path}{name}.")


def test_every_described_value_has_its_default_written_down() -> None:
    written = set(keys(VALUES, SCHEMA))
    free = {"global"}
    assert {path for path, _ in described(SCHEMA) if "[" not in path} - free - written <= {
        f"{container}resources.{part}"
        for container in ("", "envoy.", "admin.", "migrationJob.")
        for part in ("requests", "limits", "claims")
    }

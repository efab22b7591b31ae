"""Renders the chart with the real Helm and reads what comes out as a kubelet would."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "llm-extproc"
CANARY = "sk-canary-7c1e"

Json = dict[str, Any]

DATABASE: Json = {"useExisting": True, "secret": {"name": "pg", "urlKey": "url"}}
REDIS: Json = {"enabled": True, "host": "valkey", "secret": {"name": "valkey", "passwordKey": "pw"}}
MODELS: Json = {
    "model_list": [
        {
            "model_name": "small",
            "litellm_params": {"model": "openai/small", "api_key": "os.environ/OPENAI_API_KEY"},
        }
    ],
    "general_settings": {"master_key": "os.environ/PROXY_MASTER_KEY"},
}
PERSISTENT: Json = {"persistence": {"enabled": True, "storageClass": "fast"}}
INGRESS: Json = {
    "enabled": True,
    "className": "nginx",
    "annotations": {"nginx.ingress.kubernetes.io/proxy-buffering": "off"},
    "hosts": [{"host": "llm.example.com", "paths": [{"path": "/", "pathType": "Prefix"}]}],
    "tls": [{"secretName": "llm-tls", "hosts": ["llm.example.com"]}],
}

EVERYTHING: Json = {
    "replicaCount": 3,
    "numWorkers": 2,
    "image": {"repository": "registry.example/llm", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "proxy_config": MODELS,
    "masterkeySecretName": "admin-key",
    "masterkeySecretKey": "key",
    "environmentSecrets": ["provider-keys"],
    "environmentConfigMaps": ["proxies"],
    "envVars": {"KEY_GRACE_SECONDS": 60, "SSL_CERT_FILE": "/ca/ca.crt"},
    "extraEnvVars": [
        {
            "name": "ANTHROPIC_API_KEY",
            "valueFrom": {"secretKeyRef": {"name": "anthropic", "key": "key"}},
        }
    ],
    "db": DATABASE,
    "redis": REDIS,
    "journal": PERSISTENT,
    "runDir": {"medium": "Memory", "sizeLimit": "32Mi"},
    "resources": {"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}},
    "serviceAccount": {"annotations": {"example.com/role": "llm"}},
    "podAnnotations": {"example.com/team": "ml"},
    "podLabels": {"team": "ml"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "llm", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ],
    "priorityClassName": "high",
    "volumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
    "volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
    "extraInitContainers": [{"name": "wait", "image": "busybox"}],
    "extraContainers": [{"name": "logs", "image": "busybox"}],
    "ingress": INGRESS,
    "autoscaling": {"enabled": True, "minReplicas": 2},
    "pdb": {"enabled": True, "minAvailable": "50%"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}

MATRIX: dict[str, Json] = {
    "defaults": {},
    "everything": EVERYTHING,
    "models": {"proxy_config": MODELS, "masterkey": CANARY},
    "database-by-parts": {
        "db": {"useExisting": True, "endpoint": "pg:5432", "secret": {"name": "pg"}}
    },
    "database-all-from-secret": {
        "db": {"useExisting": True, "secret": {"name": "pg", "endpointKey": "host"}}
    },
    "redis-by-url": {"redis": {"enabled": True, "secret": {"name": "valkey", "urlKey": "url"}}},
    "replicas": {"replicaCount": 4, "redis": REDIS},
    "claim-per-replica": {"replicaCount": 2, "journal": PERSISTENT, "db": DATABASE},
    "own-claim": {
        "journal": {"persistence": {"enabled": True, "existingClaim": "journal"}},
        "db": DATABASE,
    },
    "own-config": {"proxyConfigMap": {"create": False, "name": "mine", "key": "llm.yaml"}},
    "ingress": {"ingress": INGRESS, "service": {"type": "LoadBalancer", "port": 80}},
    "autoscaling": {"autoscaling": {"enabled": True}, "pdb": {"enabled": True}},
    "no-migration": {"db": DATABASE, "migrationJob": {"enabled": False}},
}


@cache
def chart() -> helm.Chart:
    return helm.Chart.load(CHART)


def texts(values: Mapping[str, Any], name: str = "gw") -> dict[str, str]:
    """What each template became; raises HelmError."""
    rendered = chart().render(dict(values), name=name, namespace="llm")
    return {path.rsplit("/", 1)[-1]: text for path, text in rendered.items()}


def manifests(values: Mapping[str, Any], name: str = "gw") -> list[Json]:
    found = texts(values, name)
    return [
        document
        for path, text in found.items()
        if path != "NOTES.txt"
        for document in yaml.safe_load_all(text)
        if document
    ]


def only(documents: list[Json], *kinds: str) -> Json:
    """The one manifest of these kinds."""
    (found,) = (each for each in documents if each["kind"] in kinds)
    return found


def workload(values: Mapping[str, Any]) -> Json:
    return only(manifests(values), "Deployment", "StatefulSet")


def pod(values: Mapping[str, Any]) -> Json:
    spec: Json = workload(values)["spec"]["template"]["spec"]
    return spec


def containers(spec: Json) -> dict[str, Json]:
    """Those that run as long as the pod, sidecars first, as they start."""
    sidecars = [c for c in spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]
    return {each["name"]: each for each in (*sidecars, *spec["containers"])}


def environment(container: Json, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The container's variables with its Secrets' entries and $(NAME) filled in."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found.update(secrets.get(source.get("secretRef", {}).get("name", ""), {}))
    for variable in container["env"]:
        if "valueFrom" in variable:
            reference = variable["valueFrom"]["secretKeyRef"]
            value = secrets[reference["name"]][reference["key"]]
        else:
            value = variable["value"]
        found[variable["name"]] = re.sub(
            r"\$\((\w+)\)", lambda match: found.get(match[1], match[0]), value
        )
    return found

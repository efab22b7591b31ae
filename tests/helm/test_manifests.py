"""The chart renders, for every way it is meant to be used, what Kubernetes accepts."""

import base64
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from tests.helm.chart import (
    CANARY,
    CHART,
    DATABASE,
    EVERYTHING,
    MATRIX,
    MODELS,
    PERSISTENT,
    REDIS,
    ROOT,
    manifests,
    only,
    pod,
    texts,
    workload,
)

OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()
OPERATORS = {"ServiceMonitor"}  # not Kubernetes' own: no schema to check it with
each_use = pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)


@each_use
def test_lint_finds_nothing(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True)
    assert not report["errors"]
    assert [m["error"] for m in report["messages"]] in ([], ["icon is recommended"])


@each_use
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_accepts_every_manifest(values: dict[str, Any], version: str) -> None:
    for manifest in manifests(values):
        if manifest["kind"] not in OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_check_would_notice_a_misspelt_field() -> None:
    manifest = workload({})
    manifest["spec"]["template"]["spec"]["containers"][0]["readinessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinessprobe"):
        kubernetes_validate.validate(manifest, NEWEST, strict=True)


@each_use
def test_no_two_manifests_share_a_name(values: dict[str, Any]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests(values)]
    assert len(set(names)) == len(names)


@each_use
def test_selectors_find_the_pods(values: dict[str, Any]) -> None:
    documents = manifests(values)
    labels = only(documents, "Deployment", "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    for each in documents:
        selector = each["spec"].get("selector") if "spec" in each else None
        if each["kind"] != "ServiceMonitor" and selector:
            wanted = selector.get("matchLabels", selector)
            assert wanted.items() <= labels.items(), each["kind"]


def test_a_long_release_name_stays_within_63_characters() -> None:
    for manifest in manifests(EVERYTHING, "r" * 53):
        assert len(manifest["metadata"]["name"]) <= 63


def test_everything_is_optional_but_the_gateway() -> None:
    kinds = {each["kind"] for each in manifests({})}
    assert kinds == {"Deployment", "Service", "ServiceAccount", "Secret"}
    assert {each["kind"] for each in manifests(EVERYTHING)} == {
        "StatefulSet",
        "Service",
        "ServiceAccount",
        "ConfigMap",
        "Job",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "ServiceMonitor",
        "Ingress",
    }


def test_a_changed_config_starts_new_pods() -> None:
    def mark(config: dict[str, Any]) -> str:
        template = workload({"proxy_config": config})["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert mark(MODELS) == mark(MODELS)
    assert mark(MODELS) != mark({**MODELS, "litellm_settings": {"num_retries": 1}})


def test_the_migration_runs_before_the_rest_and_only_with_a_database() -> None:
    job = only(manifests({"db": DATABASE}), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["backoffLimit"] == 4
    assert job["spec"]["ttlSecondsAfterFinished"] == 120
    spec = job["spec"]["template"]["spec"]
    # Nothing that the chart itself makes exists at that time.
    assert "serviceAccountName" not in spec
    assert [v["name"] for v in spec["volumes"]] == ["tmp"]
    for values in ({}, MATRIX["no-migration"]):
        assert all(each["kind"] != "Job" for each in manifests(values))


def test_the_autoscaler_owns_the_number_of_replicas() -> None:
    for journal, kind in (({}, "Deployment"), (PERSISTENT, "StatefulSet")):
        documents = manifests({"autoscaling": {"enabled": True}, "journal": journal})
        assert "replicas" not in only(documents, kind)["spec"]
        target = only(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
        assert target["kind"] == kind
    assert workload({"replicaCount": 4})["spec"]["replicas"] == 4


def data_volume(values: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = {each["name"]: each for each in pod(values)["volumes"]}
    return found.get("data")


def test_the_journal_lies_where_the_values_say() -> None:
    assert data_volume({}) == {"name": "data", "emptyDir": {}}
    assert data_volume({"journal": {"sizeLimit": "1Gi"}}) == {
        "name": "data",
        "emptyDir": {"sizeLimit": "1Gi"},
    }
    own = MATRIX["own-claim"]
    assert data_volume(own) == {"name": "data", "persistentVolumeClaim": {"claimName": "journal"}}
    assert workload(own)["spec"]["strategy"] == {"type": "Recreate"}


def test_replicas_never_share_a_claim() -> None:
    values = MATRIX["claim-per-replica"]
    spec = workload(values)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"]["storageClassName"] == "fast"
    assert data_volume(values) is None
    services = {s["metadata"]["name"] for s in manifests(values) if s["kind"] == "Service"}
    assert spec["serviceName"] in services


def test_an_unset_master_key_is_made_up_and_looks_like_one() -> None:
    def made() -> str:
        data = only(manifests({}), "Secret")["data"]["masterkey"]
        return base64.b64decode(data).decode()

    assert made().startswith("sk-")
    assert len(made()) >= 32
    assert made() != made()


def test_a_given_master_key_is_in_the_secret_alone() -> None:
    documents = manifests(MATRIX["models"])
    encoded = base64.b64encode(CANARY.encode()).decode()
    for manifest in documents:
        told = CANARY in str(manifest) or encoded in str(manifest)
        assert told == (manifest["kind"] == "Secret"), manifest["kind"]
    assert CANARY not in texts(MATRIX["models"])["NOTES.txt"]


def test_with_secrets_of_ones_own_the_chart_makes_none() -> None:
    assert all(each["kind"] != "Secret" for each in manifests(EVERYTHING))


def test_the_guides_values_are_complete() -> None:
    guide = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
    block = guide.split("`values.yaml`:\n\n", 1)[1].split("\n\n", 1)[0]
    values = yaml.safe_load(block)
    assert {each["kind"] for each in manifests(values)} >= {"Deployment", "Job", "ConfigMap"}
    assert "NOTE" not in texts(values)["NOTES.txt"]


def test_the_notes_name_what_is_missing() -> None:
    notes = texts({"replicaCount": 2})["NOTES.txt"]
    assert "there is no database" in notes
    assert "no Redis" in notes
    complete = texts({"replicaCount": 2, "db": DATABASE, "redis": REDIS})["NOTES.txt"]
    assert "NOTE" not in complete
    assert "/key/generate" in complete
    assert "service/gw-llm-extproc 4000:80" in texts(MATRIX["ingress"])["NOTES.txt"]
    assert "admin-key" in texts(EVERYTHING)["NOTES.txt"]

"""Compiles `model_list` into model groups, and `model_group_alias` into aliases."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extproc.config.check import rows, section, unset
from extproc.config.deployments import Defaults, compiled
from extproc.config.documentkeys import CREDENTIALS, MODEL_LIST
from extproc.config.offered import Groups, offered
from extproc.config.problems import ConfigError, LeftOut, Warnings
from extproc.config.yamlfile import Node
from extproc.domain.deployment import Deployment


def groups(given: Mapping[str, Any], defaults: Defaults, warnings: Warnings) -> Groups:
    """The model groups in configured order; what cannot be used is left out with a warning."""
    credentials = _credentials(given.get("credential_list", []), warnings)
    found: dict[str, list[Deployment]] = {}
    everything = False
    for path, node in rows(given.get("model_list", []), "model_list"):
        try:
            deployment = _deployment(path, node, credentials, defaults, warnings)
        except LeftOut as reason:
            warnings.add(f"{node.where}: {path}: left out: {reason}")
            continue
        found.setdefault(deployment.group, []).append(deployment)
        everything = everything or _is_everything(node)
    if everything:
        for group, deployments in offered(defaults, warnings).items():
            found.setdefault(group, list(deployments))
    return _with_unique_ids(found, warnings)


def _is_everything(node: Node) -> bool:
    """`model_name: "*"` with `model: "*"` and no upstream of its own: every provider's models."""
    row = node.plain
    return bool(row["model_name"] == "*" and row["litellm_params"] == {"model": "*"})


def _deployment(
    path: str,
    node: Node,
    credentials: Mapping[str, Mapping[str, Any]],
    defaults: Defaults,
    warnings: Warnings,
) -> Deployment:
    missing = sorted(set(unset(node)))
    if missing:
        raise LeftOut(f"{', '.join(f'os.environ/{name}' for name in missing)} is not set")
    row = section(node, MODEL_LIST, path, warnings)
    if not row.get("model_name") or "litellm_params" not in row:
        raise ConfigError(f"{node.where}: {path}: needs model_name and litellm_params")
    params = row["litellm_params"]
    name = params.get("litellm_credential_name")
    if name is not None:
        if name not in credentials:
            raise LeftOut(f"credential_list has no usable {name}")
        params = {**credentials[name], **params}
    return compiled(row["model_name"], params, row.get("model_info", {}), defaults, warnings)


def _credentials(nodes: list[Node], warnings: Warnings) -> dict[str, dict[str, Any]]:
    found = {}
    for path, node in rows(nodes, "credential_list"):
        missing = sorted(set(unset(node)))
        if missing:
            warnings.add(f"{node.where}: {path}: left out: os.environ/{missing[0]} is not set")
            continue
        row = section(node, CREDENTIALS, path, warnings)
        if "credential_name" not in row or "credential_values" not in row:
            raise ConfigError(f"{node.where}: {path}: needs credential_name and credential_values")
        found[row["credential_name"]] = row["credential_values"]
    return found


def _with_unique_ids(found: Mapping[str, list[Deployment]], warnings: Warnings) -> Groups:
    """Ids name deployments in headers and records: the second of one id gets `-2`."""
    seen: Counter[str] = Counter()
    unique: Groups = {}
    for group, deployments in found.items():
        kept = []
        for deployment in deployments:
            seen[deployment.id] += 1
            number = seen[deployment.id]
            if number > 1:
                warnings.add(f"{group}: two deployments have the id {deployment.id}")
                deployment = replace(deployment, id=f"{deployment.id}-{number}")
            kept.append(deployment)
        unique[group] = tuple(kept)
    return unique


def aliases(
    given: Mapping[str, Any], found: Groups, warnings: Warnings
) -> tuple[dict[str, str], frozenset[str]]:
    """`{alias: group}` and the aliases that are not listed."""
    names: dict[str, str] = {}
    hidden = set()
    for alias, target in given.items():
        path = f"router_settings.model_group_alias.{alias}"
        model = target.get("model") if isinstance(target, dict) else target
        if not isinstance(model, str):
            raise ConfigError(f"{path}: expected a model group, or a mapping with model and hidden")
        names[alias] = model
        if isinstance(target, dict) and target.get("hidden") is True:
            hidden.add(alias)
        if model not in found and not any("*" in group for group in found):
            warnings.add(f"{path}: there is no model group {model}")
    return names, frozenset(hidden)

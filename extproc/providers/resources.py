"""Files, batches and fine-tuning jobs in OpenAI's format: paths, and ids that carry a deployment.

    file-abc of the provider  ──shown──►  file-… with its deployment  ──known──►  file-abc

Whoever asks for a thing again is so sent to the account that has it. An id that is not ours is
taken for the provider's own.

https://platform.openai.com/docs/api-reference/files
https://platform.openai.com/docs/api-reference/batch
https://platform.openai.com/docs/api-reference/fine-tuning
https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.resources import Kind, Resource
from extproc.providers import azure
from extproc.providers.failures import unusable_answer
from extproc.providers.responses import ids

ROOTS: Mapping[Kind, str] = {
    "responses": "/responses",
    "files": "/files",
    "batches": "/batches",
    "fine_tuning": "/fine_tuning/jobs",
}
SPOKEN = frozenset({"openai", "openai_chat", "azure"})
"""The schemas of those who have files and batches in this format."""

FILE, BATCH, JOB = "file-", "batch_", "ftjob-"
PREFIXES = (FILE, BATCH, JOB, ids.PREFIX)

OWN: Mapping[str, str] = {"file": FILE, "batch": BATCH, "fine_tuning.job": JOB}
"""`object` -> how its id begins. A list's first and last ids are its members'."""
MEMBERS: Mapping[str, str] = {
    "input_file_id": FILE,
    "output_file_id": FILE,
    "error_file_id": FILE,
    "training_file": FILE,
    "validation_file": FILE,
    "result_files": FILE,
    "fine_tuning_job_id": JOB,
}
"""Members that hold ids of other things."""


def decode(given: str) -> tuple[str, str] | None:
    """(deployment id, the provider's id) of an id that the gateway wrote."""
    prefix = next((prefix for prefix in PREFIXES if given.startswith(prefix)), None)
    return None if prefix is None else ids.decode(given, prefix)


def known(given: str) -> str:
    """The id as the provider knows it."""
    found = decode(given)
    return given if found is None else found[1]


def shown(answer: Any, deployment_id: str) -> Any:
    """A provider's object or list, with ids that carry its deployment."""
    if not isinstance(answer, dict):
        return answer
    out = dict(answer)
    for name, prefix in MEMBERS.items():
        if name in out:
            out[name] = _sealed(out[name], deployment_id, prefix)
    own = OWN.get(str(out.get("object")))
    if own is not None and "id" in out:
        out["id"] = _sealed(out["id"], deployment_id, own)
    if isinstance(out.get("data"), list):
        _show_list(out, deployment_id)
    return out


def _show_list(out: Json, deployment_id: str) -> None:
    listed = out["data"]
    kinds = {OWN.get(str(item.get("object"))) for item in listed if isinstance(item, dict)}
    out["data"] = [shown(item, deployment_id) for item in listed]
    prefix = kinds.pop() if len(kinds) == 1 else None
    for name in ("first_id", "last_id"):
        if prefix and name in out:
            out[name] = _sealed(out[name], deployment_id, prefix)


def _sealed(value: Any, deployment_id: str, prefix: str) -> Any:
    if isinstance(value, list):
        return [_sealed(each, deployment_id, prefix) for each in value]
    if not isinstance(value, str) or not value:
        return value
    return ids.encode(deployment_id, value, prefix)


def carried(body: Mapping[str, Any]) -> Iterator[str]:
    """The ids in a request's body that say where it must go."""
    for name in MEMBERS:
        value = body.get(name)
        if isinstance(value, str):
            yield value


def unsealed(body: Json) -> Json:
    """The body with the provider's own ids; the same one where it holds none of ours."""
    changed = {
        name: known(value)
        for name in MEMBERS
        if isinstance(value := body.get(name), str) and decode(value)
    }
    return {**body, **changed} if changed else body


def path(deployment: Deployment, resource: Resource, query: str = "") -> str:
    """Below the deployment's base, escaped, with its query."""
    parts = [ROOTS[resource.kind]]
    if resource.id:
        parts.append(quote(known(resource.id), safe=""))
    if resource.action:
        parts.append(resource.action)
    where = "/".join(parts)
    if deployment.schema == "azure":
        where = _on_azure(deployment, where)
    joined = "&" if "?" in where else "?"
    return f"{where}{joined}{query}" if query else where


def _on_azure(deployment: Deployment, where: str) -> str:
    version = deployment.options.get("api_version", azure.USUAL_VERSION)
    if version in azure.VERSIONLESS or where.startswith("/responses"):
        asked = f"?api-version={version}" if version == "preview" else ""
        return f"/openai/v1{where}{asked}"
    return f"/openai{where}?api-version={quote(version)}"


def rewritten(answer: Json, deployment: Deployment) -> bytes:
    """An answer on its way to the client. Raises ProviderError for one that cannot be written."""
    try:
        return orjson.dumps(answer)
    except orjson.JSONEncodeError:
        raise unusable_answer("its answer is nested too deeply", deployment) from None

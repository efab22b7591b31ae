"""Files, batches, jobs and responses by id: where such a call passes to, and with which ids.

What the gateway remembers itself it answers itself; all else passes to the account that has it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from extproc.domain.call import Call, Json
from extproc.domain.deployment import Deployment
from extproc.domain.passage import Answered, Passage
from extproc.domain.resources import Resource, find
from extproc.errors import AuthError, InvalidRequest, NotFound
from extproc.policy import lines, stored
from extproc.policy.homes import MODELS, PROVIDER, home
from extproc.policy.memory import Memory
from extproc.policy.params import BANNED_FIELDS, GATEWAY_FIELDS
from extproc.providers import forms, registry, resources
from extproc.providers.responses import ids

KEPT = frozenset({"accept", "content-type", "openai-beta"})
ROUTING = frozenset({PROVIDER, *MODELS})
"""Say where a request goes; a provider does not see them. A job's model is the provider's too."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The resolver."""

    memory: Memory

    async def __call__(self, call: Call, data: bytes) -> Passage | Answered:
        path, _, query = call.path.partition("?")
        resource = find(call.headers.get(":method", ""), path)
        assert resource is not None, path
        if resource.kind == "responses":
            return await self._response(call, resource, query)
        return await _kept_elsewhere(call, resource, query, data)

    async def _response(self, call: Call, resource: Resource, query: str) -> Passage | Answered:
        found = await self.memory.of(call.key, resource.id)
        if found is not None and found.response is not None:
            match call.headers.get(":method"), resource.action:
                case _, "input_items":
                    body = stored.input_items(found, query)
                case _, "cancel":
                    raise stored.not_cancelled(found)
                case "DELETE", _:
                    await self.memory.forget(found)
                    body = stored.deleted(found)
                case _:
                    body = stored.response(found, query)
            return Answered(call, orjson.dumps(body))
        carried = ids.decode(resource.id)
        deployment = call.snapshot.deployment(carried[0]) if carried else None
        may_see = found is not None or (call.key is not None and call.key.is_master)
        if deployment is None or not may_see or not registry.remembers(deployment.schema):
            raise ResponseNotFound(f"Response with id '{resource.id}' not found.")
        rewrite = None if "stream=true" in query.lower() else _rewriting(ids.stamped, deployment)
        return _passage(call, resource, deployment, query, rewrite)


class ResponseNotFound(NotFound):
    type, param = "invalid_request_error", "response_id"


async def _kept_elsewhere(call: Call, resource: Resource, query: str, data: bytes) -> Passage:
    asked = dict(parse_qsl(query, keep_blank_values=True))
    content_type = call.headers.get("content-type", "")
    is_form = forms.is_form(content_type)
    body = _parsed(content_type, data) if data else {}
    _check_banned(call, body)
    deployment = home(call, resource, body, asked)
    sent = resources.unsealed(_without_ours(body, resource))
    if resource.kind == "fine_tuning" and call.snapshot.find(str(body.get("model", ""))):
        sent["model"] = deployment.model
    if resource.kind == "files" and body.get("purpose") == "batch":
        sent = await _checked(call, deployment, body, sent)
    created = resource.kind == "batches" and not resource.id and bool(data)
    named = call.but(endpoint="batch" if created else "resource", asked={} if is_form else body)
    rewrite = None if resource.action == "content" else _rewriting(resources.shown, deployment)
    passage = _passage(named, resource, deployment, _query(asked), rewrite)
    if sent == body:
        return passage
    written = forms.encode(sent, f"form-{call.id}") if is_form else _json(sent)
    return replace(passage, body=written[0], headers={"content-type": written[1]})


def _json(body: Json) -> tuple[bytes, str]:
    return orjson.dumps(body), "application/json"


def _parsed(content_type: str, data: bytes) -> Json:
    if forms.is_form(content_type):
        try:
            return forms.parse(content_type, data)
        except forms.BadForm as error:
            raise InvalidRequest(f"Invalid form payload: {error}.", param="request_body") from None
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"Invalid JSON payload: {error}", param="request_body") from None
    if not isinstance(body, dict):
        raise InvalidRequest("Invalid JSON payload: expected an object.", param="request_body")
    return body


def _check_banned(call: Call, body: Json) -> None:
    if call.snapshot.rules.allow_client_side_credentials:
        return
    for name in sorted((BANNED_FIELDS - ROUTING) & body.keys()):
        raise AuthError(
            f"Authentication Error, Rejected Request: {name} is not allowed in request body. "
            "An operator can allow it with general_settings.allow_client_side_credentials."
        )


def _without_ours(body: Json, resource: Resource) -> Json:
    ours = (GATEWAY_FIELDS | ROUTING) - ({"model"} if resource.kind == "fine_tuning" else set())
    return {name: value for name, value in body.items() if name not in ours}


def _query(asked: dict[str, str]) -> str:
    """Without what is the gateway's; a cursor is an id too."""
    left = {name: value for name, value in asked.items() if name not in ROUTING}
    if "after" in left:
        left["after"] = resources.known(left["after"])
    return urlencode(left)


async def _checked(call: Call, deployment: Deployment, body: Json, sent: Json) -> Json:
    """The upload whose lines name only models that the key may use."""
    upload = sent.get("file")
    named = next((str(body[name]) for name in MODELS if body.get(name)), "")
    group = named.partition(",")[0].strip() or call.headers.get("x-litellm-model", "")
    limited = call.key is not None and not call.key.is_master and bool(call.key.models)
    if not isinstance(upload, forms.Upload) or not (group or limited):
        return sent
    data = await asyncio.to_thread(lines.prepared, call, deployment, group, upload.data)
    return {**sent, "file": replace(upload, data=data)}


def _passage(
    call: Call,
    resource: Resource,
    deployment: Deployment,
    query: str,
    rewrite: Callable[[bytes], bytes] | None,
) -> Passage:
    return Passage(
        call=call,
        deployment=deployment,
        path=deployment.base_path + resources.path(deployment, resource, query),
        kept=KEPT,
        rewrite=rewrite,
    )


def _rewriting(
    shown: Callable[[Any, str], Any], deployment: Deployment
) -> Callable[[bytes], bytes]:
    """The answer with ids that carry the deployment; one that is no object stays as it is."""

    def rewrite(data: bytes) -> bytes:
        try:
            answer = orjson.loads(data)
        except orjson.JSONDecodeError:
            return data
        return orjson.dumps(shown(answer, deployment.id)) if isinstance(answer, dict) else data

    return rewrite

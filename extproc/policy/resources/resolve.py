"""Files, batches, jobs and responses by id: where such a call passes to, and with which ids.

What the gateway remembers itself it answers itself; all else passes to the account that has it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import parse_qsl, urlencode

import orjson

from extproc.domain.call import Call, Json
from extproc.domain.deployment import Deployment
from extproc.domain.passage import Answered, Passage
from extproc.domain.resources import Resource, find
from extproc.errors import AuthError, InvalidRequest, NotFound
from extproc.policy import query as queries
from extproc.policy.params import BANNED_FIELDS, GATEWAY_FIELDS
from extproc.policy.resources import lines, stored
from extproc.policy.resources.homes import MODELS, PROVIDER, home
from extproc.policy.resources.recall import Recall
from extproc.policy.resources.shelf import Shelf
from extproc.providers import forms, registry, resources
from extproc.providers.resources import rewritten
from extproc.providers.responses import ids

KEPT = frozenset({"accept", "content-type", "openai-beta"})
ROUTING = frozenset({PROVIDER, *MODELS})
"""Say where a request goes; a provider does not see them. A job's model is the provider's too."""
SINGLE = ("purpose", "file")
BATCH = "batch"
LONGEST_PAGE = "100"
BLOBS = frozenset({"input_blob", "output_folder"})
"""Azure's: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch-blob-storage"""


@dataclass(frozen=True, slots=True)
class Resources:
    """The resolver."""

    recall: Recall
    shelf: Shelf

    async def __call__(self, call: Call, data: bytes) -> Passage | Answered:
        path, _, asked = call.path.partition("?")
        query = queries.without_credentials(asked)
        resource = find(call.headers.get(":method", ""), path)
        assert resource is not None, path
        if resource.kind == "responses":
            return await self._response(call, resource, query)
        return await self._kept_elsewhere(call, resource, query, data)

    async def _response(self, call: Call, resource: Resource, query: str) -> Passage | Answered:
        found = await self.recall.of(call.key, resource.id)
        if found is not None and found.response is not None:
            match call.headers.get(":method"), resource.action:
                case _, "input_items":
                    body = stored.input_items(found, query)
                case _, "cancel":
                    raise stored.not_cancelled(found)
                case "DELETE", _:
                    await self.recall.forget(found)
                    body = stored.deleted(found)
                case _:
                    body = stored.response(found, query)
            return Answered(call, orjson.dumps(body))
        carried = ids.decode(resource.id)
        deployment = call.snapshot.deployment(carried[0]) if carried else None
        may_see = found is not None or (call.key is not None and call.key.is_master)
        if deployment is None or not may_see or not registry.remembers(deployment.schema):
            raise ResponseNotFound(f"Response with id '{resource.id}' not found.")
        if call.headers.get(":method") == "DELETE" and found is not None and found.background:
            await self.shelf.check_billed(resource, deployment)
        rewrite = None if "stream=true" in query.lower() else _stamping(deployment)
        return _passage(call, resource, deployment, query, rewrite)

    async def _kept_elsewhere(
        self, call: Call, resource: Resource, query: str, data: bytes
    ) -> Passage:
        asked = dict(parse_qsl(query, keep_blank_values=True))
        is_form = forms.is_form(call.headers.get("content-type", ""))
        body = _parsed(call.headers.get("content-type", ""), data) if data else {}
        _check_banned(call, body)
        if resource.kind == "files":
            _check_single(body)
        if resource.kind == "batches":
            _check_readable(body)
        deployment = home(call, resource, body, asked)
        await self.shelf.check(call, resource, deployment, body)
        sent = resources.unsealed(_without_ours(body, resource))
        if resource.kind == "fine_tuning" and call.snapshot.find(str(body.get("model", ""))):
            sent["model"] = deployment.model
        if resource.kind == "files":
            sent = await _checked(call, deployment, body, sent)
        created = resource.kind == "batches" and not resource.id and bool(data)
        named = call.but(endpoint="batch" if created else "resource", asked={} if is_form else body)
        rewrite = None
        if resource.action != "content":
            checked = body.get("purpose") == BATCH and _limited(call)
            rewrite = partial(self.shelf.show, named, resource, deployment, checked=checked)
        passage = _passage(named, resource, deployment, _query(call, resource, asked), rewrite)
        if not data or (sent == body and _is_master(call)):
            return passage
        # Written anew, so that the provider reads what was checked here and nothing else.
        written = forms.encode(sent, f"form-{call.id}") if is_form else _json(sent)
        return replace(passage, body=written[0], headers={"content-type": written[1]})


class ResponseNotFound(NotFound):
    type, param = "invalid_request_error", "response_id"


def _json(body: Json) -> tuple[bytes, str]:
    try:
        return orjson.dumps(body), "application/json"
    except orjson.JSONEncodeError:
        reason = "Invalid JSON payload: it is nested too deeply."
        raise InvalidRequest(reason, param="request_body") from None


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


def _query(call: Call, resource: Resource, asked: dict[str, str]) -> str:
    """Without what is the gateway's; a cursor is an id too.

    A key is shown a part of every page: of those that are short usually, it asks for the longest.
    """
    left = {name: value for name, value in asked.items() if name not in ROUTING}
    if "after" in left:
        left["after"] = resources.known(left["after"])
    listed = not resource.id and call.headers.get(":method") == "GET"
    if listed and resource.kind != "files" and not _is_master(call):
        left.setdefault("limit", LONGEST_PAGE)
    return urlencode(left)


def _check_single(body: Json) -> None:
    for name in (*SINGLE, *ROUTING):
        if isinstance(body.get(name), list):
            raise InvalidRequest(f"'{name}' must be given once.", param=name)


def _check_readable(body: Json) -> None:
    for name in sorted(BLOBS & body.keys()):
        raise InvalidRequest(
            f"'{name}' is not served: what a batch writes elsewhere could not be billed. Upload "
            "its input, and name it with 'input_file_id'.",
            param=name,
        )


def _is_master(call: Call) -> bool:
    return call.key is not None and call.key.is_master


def _limited(call: Call) -> bool:
    return not _is_master(call) and call.key is not None and bool(call.key.models)


def _is_plain(sent: Json) -> bool:
    others = (value for name, value in sent.items() if name != "file")
    return isinstance(sent.get("file"), forms.Upload) and all(isinstance(o, str) for o in others)


async def _checked(call: Call, deployment: Deployment, body: Json, sent: Json) -> Json:
    """The upload whose lines name only models that the key may use."""
    upload = sent.get("file")
    named = next((str(body[name]) for name in MODELS if body.get(name)), "")
    group = named.partition(",")[0].strip() or call.headers.get("x-litellm-model", "")
    limited = _limited(call)
    if limited and body and not _is_plain(sent):
        raise InvalidRequest("An upload has one file, named 'file', in a form.", param="file")
    if not isinstance(upload, forms.Upload) or not (group or limited):
        return sent
    if str(body.get("purpose", "")).strip().lower() != BATCH:
        if limited:
            await asyncio.to_thread(lines.harmless, call, deployment, upload.data)
        return sent
    data = await asyncio.to_thread(lines.prepared, call, deployment, group, upload.data)
    return {**sent, "file": replace(upload, data=data)}


def _passage(
    call: Call,
    resource: Resource,
    deployment: Deployment,
    query: str,
    rewrite: Callable[[bytes], Awaitable[bytes]] | None,
) -> Passage:
    return Passage(
        call=call,
        deployment=deployment,
        path=deployment.base_path + resources.path(deployment, resource, query),
        kept=KEPT,
        rewrite=rewrite,
    )


def _stamping(deployment: Deployment) -> Callable[[bytes], Awaitable[bytes]]:
    """The answer with ids that carry the deployment; one that is no object stays as it is."""

    async def rewrite(data: bytes) -> bytes:
        try:
            answer = orjson.loads(data)
        except orjson.JSONDecodeError:
            return data
        if not isinstance(answer, dict):
            return data
        return rewritten(ids.stamped(answer, deployment.id), deployment)

    return rewrite

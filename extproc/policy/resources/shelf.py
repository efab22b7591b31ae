"""What a key may do to the files, batches and jobs at providers, and what it is shown of them.

    request ──check──► only what is the key's own leaves
    answer  ──show───► what was made is noted, what is not the key's is left out, batches get jobs

A batch whose creation nobody saw to its end belongs to whoever owns its input file.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from extproc.domain.call import Call, Json
from extproc.domain.deployment import Deployment
from extproc.domain.openbill import OpenBill, SeenBatch
from extproc.domain.resources import Owned, Resource
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.resources.owners import Ownership, may_see
from extproc.policy.settle import about
from extproc.providers import resources
from extproc.providers.answers import objects, record, text
from extproc.providers.resources import rewritten
from extproc.providers.responses import ids
from extproc.stores.base import OpenBills, StoreUnavailable

log = logging.getLogger(__name__)

OVER = frozenset({"completed", "failed", "expired", "cancelled"})
WRITTEN = ("output_file_id", "error_file_id")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Over its stores; without a database there are no batches to bill."""

    owners: Ownership
    bills: OpenBills | None

    async def check(
        self, call: Call, resource: Resource, home: Deployment, body: Mapping[str, Any]
    ) -> None:
        """Raises Missing for what is not the key's own, InvalidRequest for what may not be done."""
        given = [each for each in (resource.id, *resources.carried(body)) if each]
        if call.key is not None and not call.key.is_master:
            found = await self.owners.check(call, home, given)
            if resource.kind == "batches" and not resource.id and call.key.models:
                _check_input(body, found)
        if resource.kind == "files" and call.headers.get(":method") == "DELETE":
            await self._check_unused(call, resource, home)

    async def _check_unused(self, call: Call, resource: Resource, home: Deployment) -> None:
        if self.bills is None:
            return
        file_id = resources.known(resource.id)
        owned = (await self.owners.find(call, home, [file_id])).get(file_id)
        where = owned.deployment_id if owned else home.id
        try:
            batch_id = await self.bills.using(where, file_id)
        except StoreUnavailable:
            raise _away() from None
        if batch_id is not None:
            shown = ids.encode(where, batch_id, resources.BATCH)
            raise InvalidRequest(
                f"The file '{resource.id}' belongs to the batch '{shown}', which is not billed "
                "yet. Delete it when that is over.",
                param="file_id",
            )

    async def check_billed(self, resource: Resource, home: Deployment) -> None:
        """Raises InvalidRequest for what could not be billed any more if it were deleted."""
        if self.bills is None:
            return
        try:
            over = await self.bills.billed(home.id, resources.known(resource.id))
        except StoreUnavailable:
            raise _away() from None
        if not over:
            raise InvalidRequest(
                f"The response '{resource.id}' was made in the background and is not billed yet. "
                "Delete it a little after it is over.",
                param="response_id",
            )

    async def show(
        self, call: Call, resource: Resource, home: Deployment, data: bytes, *, checked: bool
    ) -> bytes:
        """The client's body. One that is no object stays as it is. Raises Unavailable."""
        try:
            answer = orjson.loads(data)
        except orjson.JSONDecodeError:
            return data
        if not isinstance(answer, dict):
            return data
        listed = not resource.id and call.headers.get(":method") == "GET"
        items = objects(answer.get("data")) if listed else [answer]
        if resource.action in ("events", "checkpoints"):
            return rewritten(resources.shown(answer, home.id), home)
        if call.headers.get(":method") == "POST" and not resource.id:
            made = Owned(text(answer.get("id")), home.id, _hash(call), checked)
            whose = {made.id: made} if made.id else {}
        else:
            whose = await self._owners_of(call, home, items, listed=listed)
        await self._note(call, items, whose)
        if not listed:
            return rewritten(resources.shown(answer, _at(answer, whose, home)), home)
        own = [item for item in items if may_see(call.key, whose.get(text(item.get("id"))))]
        return rewritten(_page(answer, own, whose, home), home)

    async def _owners_of(
        self, call: Call, home: Deployment, items: Sequence[Json], *, listed: bool
    ) -> dict[str, Owned]:
        """By id; of a batch that is known by its input alone too."""
        sources = {text(item.get("id")): text(item.get("input_file_id")) for item in items}
        try:
            found = dict(await self.owners.find(call, home, [*sources, *sources.values()]))
        except Unavailable:
            if listed:
                raise
            return {}  # the one that was asked for was looked up before it was asked for
        for thing, source in sources.items():
            if thing and thing not in found and source in found:
                above = found[source]
                found[thing] = Owned(thing, above.deployment_id, above.owner)
        alone = next(iter(sources), "")
        if not listed and alone and alone not in found and _is_batch(items[0]):
            found[alone] = Owned(alone, home.id, _hash(call))
        return found

    async def _note(self, call: Call, items: Sequence[Json], whose: Mapping[str, Owned]) -> None:
        owned = [(item, whose[each]) for item in items if (each := text(item.get("id"))) in whose]
        await self.owners.note(_with_written(owned))
        seen = [_seen(call, item, each) for item, each in owned if _is_batch(item)]
        if self.bills is None or not seen:
            return
        try:
            await self.bills.see(seen, call.received_at)
        except StoreUnavailable as error:  # its call is in the ledger, and it is shown again
            log.warning("%d batches that were shown are not noted: %s", len(seen), error)


def _away() -> Unavailable:
    return Unavailable("The database that knows what is to be billed is not reachable. Try again.")


def _hash(call: Call) -> str:
    return call.key.hash if call.key else ""


def _check_input(body: Mapping[str, Any], found: Sequence[Owned]) -> None:
    if any(not each.checked for each in found):
        raise InvalidRequest(
            f"The models in the file '{body.get('input_file_id')}' were not checked for this API "
            "key, whose models are limited. Upload it again, with purpose 'batch'.",
            param="input_file_id",
        )


def _is_batch(item: Json) -> bool:
    return item.get("object") == "batch"


def _with_written(owned: Iterable[tuple[Json, Owned]]) -> list[Owned]:
    """Things and what they wrote: results are of whoever asked for them."""
    noted = []
    for item, each in owned:
        results = item.get("result_files")
        written = [item.get(name) for name in WRITTEN]
        written += results if isinstance(results, list) else []
        noted.append(each)
        known = filter(None, map(text, written))
        noted += [Owned(name, each.deployment_id, each.owner) for name in known]
    return noted


def _seen(call: Call, item: Json, owned: Owned) -> SeenBatch:
    own = owned.owner == _hash(call)
    files = (text(item.get(name)) for name in ("input_file_id", *WRITTEN))
    job = OpenBill(
        id=owned.id,
        key_hash=owned.owner,
        deployment_id=owned.deployment_id,
        call_id=call.client_id,
        created_at=call.received_at,
        metadata=about(call) if own else {},
    )
    return SeenBatch(job, tuple(filter(None, files)), item.get("status") in OVER)


def _at(item: Json, whose: Mapping[str, Owned], home: Deployment) -> str:
    """The deployment in a thing's id stays what it was when the thing was made."""
    owned = whose.get(text(item.get("id")))
    return owned.deployment_id if owned else home.id


def _page(answer: Json, own: Sequence[Json], whose: Mapping[str, Owned], home: Deployment) -> Json:
    data = [record(resources.shown(item, _at(item, whose, home))) for item in own]
    ends = {"first_id": 0, "last_id": -1}
    shown = {name: data[end]["id"] if data else None for name, end in ends.items()}
    return {**answer, "data": data, **{n: each for n, each in shown.items() if n in answer}}

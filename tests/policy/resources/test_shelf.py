"""Whose things are is noted when they are shown, and nobody else is shown them."""

from typing import Any

import orjson
import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.domain.openbill import OpenBill
from extproc.domain.resources import Owned, find
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.resources.owners import Missing, Ownership
from extproc.policy.resources.shelf import Shelf
from extproc.providers import resources
from extproc.providers.responses import ids
from extproc.stores.base import StoreUnavailable
from extproc.stores.memory import MemoryBills, MemoryKeys, MemoryLedger, MemoryOwners
from tests.calls import call, deployment, snapshot

HOME = deployment("d1")
TWIN = deployment("d2", upstream=HOME.upstream)
ADA, BOB, MASTER = Key("ada"), Key("bob"), Key("m", is_master=True)


def asking(method: str, path: str, key: Key) -> Call:
    return call(
        endpoint="resource",
        path=path,
        headers={":method": method},
        key=key,
        snapshot=snapshot(HOME, TWIN),
        body={},
    )


class Desk:
    """A shelf over stores in memory."""

    def __init__(self, owners: Any = None) -> None:
        self.owners = owners or MemoryOwners()
        self.batches = MemoryBills(MemoryLedger(MemoryKeys()))
        self.shelf = Shelf(Ownership(self.owners), self.batches)

    async def show(
        self, method: str, path: str, key: Key, answer: Any, home: Any = HOME, checked: bool = False
    ) -> Any:
        resource = find(method, path)
        assert resource is not None
        asked = asking(method, path, key)
        data = orjson.dumps(answer)
        return orjson.loads(await self.shelf.show(asked, resource, home, data, checked=checked))

    async def check(self, method: str, path: str, key: Key, **body: Any) -> None:
        resource = find(method, path)
        assert resource is not None
        await self.shelf.check(asking(method, path, key), resource, HOME, body)

    async def upload(self, key: Key, file_id: str = "file-1") -> str:
        made = await self.show("POST", "/v1/files", key, {"object": "file", "id": file_id})
        return str(made["id"])

    async def jobs(self, at: float = 1000.0) -> list[tuple[str, str, str]]:
        claimed = await self.batches.claim(at, 9, 60.0)
        return [(job.deployment_id, job.id, job.key_hash) for job in claimed]


def batch(batch_id: str = "batch_1", **more: Any) -> dict[str, Any]:
    return {"object": "batch", "id": batch_id, "status": "in_progress", **more}


def shown(batch_id: str = "batch_1", home: str = "d1") -> str:
    return ids.encode(home, batch_id, "batch_")


async def test_an_upload_belongs_to_its_key() -> None:
    desk = Desk()
    given = await desk.upload(ADA)
    for key in (ADA, MASTER):
        await desk.check("GET", f"/v1/files/{given}", key)
    with pytest.raises(Missing):
        await desk.check("GET", f"/v1/files/{given}", BOB)


async def test_a_created_batch_has_a_job_at_once() -> None:
    desk = Desk()
    await desk.show("POST", "/v1/batches", ADA, batch())
    assert await desk.jobs() == [("d1", "batch_1", "ada")]


async def test_a_list_holds_what_is_the_keys_own_under_the_ids_it_knows() -> None:
    desk = Desk()
    mine = await desk.upload(ADA, "file-1")
    await desk.upload(BOB, "file-2")
    answer = {
        "object": "list",
        "data": [{"object": "file", "id": f"file-{n}"} for n in (3, 2, 1)],
        "first_id": "file-3",
        "last_id": "file-1",
        "has_more": True,
    }
    page = await desk.show("GET", "/v1/files", ADA, answer, TWIN)
    assert [each["id"] for each in page["data"]] == [mine]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (mine, mine, True)
    everything = await desk.show("GET", "/v1/files", MASTER, answer)
    assert len(everything["data"]) == 3
    nothing = await desk.show("GET", "/v1/files", Key("new"), answer)
    assert (nothing["data"], nothing["first_id"]) == ([], None)


async def test_a_batch_whose_creation_nobody_saw_is_found_by_its_input() -> None:
    desk = Desk()
    await desk.upload(ADA, "file-in")
    answer = {"object": "list", "data": [batch(input_file_id="file-in"), batch("batch_2")]}
    assert (await desk.show("GET", "/v1/batches", BOB, answer))["data"] == []
    page = await desk.show("GET", "/v1/batches", ADA, answer)
    assert [each["id"] for each in page["data"]] == [shown()]
    assert await desk.jobs() == [("d1", "batch_1", "ada")]
    await desk.check("GET", f"/v1/batches/{shown()}", ADA)


async def test_a_batch_that_nobody_owns_is_the_master_keys_when_it_asks_for_it() -> None:
    desk = Desk()
    await desk.show("GET", "/v1/batches", MASTER, {"object": "list", "data": [batch()]})
    assert await desk.jobs() == []
    await desk.show("GET", f"/v1/batches/{shown()}", MASTER, batch())
    assert await desk.jobs() == [("d1", "batch_1", "m")]


async def test_what_a_batch_writes_belongs_to_its_key_and_stays_until_it_is_billed() -> None:
    desk = Desk()
    await desk.show("POST", "/v1/batches", ADA, batch(input_file_id="file-in"))
    (job,) = await desk.batches.claim(1000.0, 1, 600.0)
    over = batch(status="completed", output_file_id="file-out", error_file_id="file-err")
    done = await desk.show("GET", f"/v1/batches/{shown()}", ADA, over)
    assert await desk.jobs(100.0) == [("d1", "batch_1", "ada")]
    output = done["output_file_id"]
    await desk.check("GET", f"/v1/files/{output}/content", ADA)
    with pytest.raises(Missing):
        await desk.check("GET", f"/v1/files/{output}/content", BOB)
    for key, given in ((ADA, output), (MASTER, output), (MASTER, "file-out")):
        with pytest.raises(InvalidRequest, match=shown()):
            await desk.check("DELETE", f"/v1/files/{given}", key)
    await desk.batches.close(job, "billed")
    await desk.check("DELETE", f"/v1/files/{output}", ADA)


async def test_a_limited_keys_input_must_have_been_checked() -> None:
    desk, key = Desk(), Key("ada", models=("gpt",))
    answer = {"object": "file", "id": "file-1"}
    given = (await desk.show("POST", "/v1/files", key, answer, checked=True))["id"]
    await desk.check("POST", "/v1/batches", key, input_file_id=given)
    other = await desk.upload(key, "file-2")
    with pytest.raises(InvalidRequest, match="were not checked"):
        await desk.check("POST", "/v1/batches", key, input_file_id=other)


async def test_a_job_s_results_belong_to_its_key() -> None:
    desk = Desk()
    job = {"object": "fine_tuning.job", "id": "ftjob-1", "result_files": ["file-r"]}
    made = await desk.show("POST", "/v1/fine_tuning/jobs", ADA, job)
    await desk.check("GET", f"/v1/files/{made['result_files'][0]}/content", ADA)
    events = {"object": "list", "data": [{"object": "fine_tuning.job.event", "id": "e"}]}
    path = f"/v1/fine_tuning/jobs/{made['id']}/events"
    assert (await desk.show("GET", path, ADA, events)) == events


class Away(MemoryOwners):
    """A database that is away for a while."""

    away = True

    async def note(self, owned: Any) -> None:
        if self.away:
            raise StoreUnavailable
        await super().note(owned)

    async def find(self, each: Any) -> Any:
        if self.away:
            raise StoreUnavailable
        return await super().find(each)


async def test_what_is_noted_while_the_database_is_away_is_written_later() -> None:
    store = Away()
    desk = Desk(store)
    given = await desk.upload(ADA, "file-1")
    await desk.check("GET", f"/v1/files/{given}", ADA)
    with pytest.raises(Missing):
        await desk.check("GET", f"/v1/files/{given}", BOB)
    with pytest.raises(Unavailable):
        await desk.check("GET", f"/v1/files/{ids.encode('d1', 'file-9', 'file-')}", ADA)
    store.away = False
    await desk.upload(ADA, "file-2")
    assert await store.find(["file-1"]) == [Owned("file-1", "d1", "ada")]


async def test_only_so_many_owners_are_kept_in_memory() -> None:
    ownership = Ownership(MemoryOwners(capacity=1), capacity=1)
    await ownership.note([Owned("file-1", "d1", "ada"), Owned("file-2", "d1", "ada")])
    asked = asking("GET", "/v1/files", ADA)
    assert list(await ownership.find(asked, HOME, ["file-1", "file-2"])) == ["file-2"]


async def test_the_same_id_at_another_account_is_another_thing() -> None:
    desk = Desk()
    elsewhere = deployment("d9", api_key="sk-9")
    await desk.show("POST", "/v1/files", ADA, {"object": "file", "id": "file-1"}, elsewhere)
    with pytest.raises(Missing):
        await desk.check("GET", f"/v1/files/{ids.encode('d1', 'file-1', 'file-')}", ADA)


async def test_a_shown_job_is_that_of_its_call() -> None:
    desk = Desk()
    await desk.show("POST", "/v1/batches", Key("ada", alias="a's"), batch())
    (job,) = await desk.batches.claim(1000.0, 1, 60.0)
    assert isinstance(job, OpenBill)
    assert (job.call_id, job.created_at, job.metadata["key_alias"]) == ("c1", 100.0, "a's")
    assert resources.decode(shown()) == ("d1", "batch_1")

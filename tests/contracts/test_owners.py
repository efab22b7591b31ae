from typing import Any

from extproc.domain.resources import Owned


async def test_the_first_owner_stays(owners: Any) -> None:
    mine = Owned("file-1", "d1", "me", checked=True)
    await owners.note([mine, Owned("file-1", "d2", "other")])
    await owners.note([Owned("file-1", "d1", "thief"), mine])
    found = await owners.find(["file-1", "file-2"])
    assert sorted(found, key=lambda each: each.deployment_id) == [
        mine,
        Owned("file-1", "d2", "other"),
    ]


async def test_ids_that_no_database_can_hold_are_harmless(owners: Any) -> None:
    await owners.note([Owned("file-\x00\ud800", "d1", "me")])
    await owners.find(["file-\x00\ud800"])

from dataclasses import replace
from typing import Any

from extproc.domain.conversation import Remembered

NOW = 1_700_000_000.5
SAID = Remembered(
    id="resp_1",
    owner="a" * 64,
    deployment_id="d1",
    created_at=NOW,
    expires_at=NOW + 100,
    response={"id": "resp_1", "object": "response", "output": [], "note": "é\u2028"},
    items=[{"type": "message", "role": "user", "content": "Hi"}],
)


async def test_what_was_kept_is_found_as_it_was(conversations: Any) -> None:
    await conversations.keep(SAID)
    assert await conversations.find("resp_1", NOW) == SAID
    assert await conversations.find("resp_2", NOW) is None


async def test_a_response_of_a_provider_has_only_an_owner(conversations: Any) -> None:
    owned = replace(SAID, response=None, items=[])
    await conversations.keep(owned)
    assert await conversations.find("resp_1", NOW) == owned


async def test_the_first_of_an_id_stays(conversations: Any) -> None:
    await conversations.keep(SAID)
    await conversations.keep(replace(SAID, owner="b" * 64))
    assert (await conversations.find("resp_1", NOW)).owner == "a" * 64


async def test_an_expired_response_is_not_found(conversations: Any) -> None:
    await conversations.keep(SAID)
    assert await conversations.find("resp_1", NOW + 99.5)
    assert await conversations.find("resp_1", NOW + 100) is None


async def test_a_deleted_response_is_gone(conversations: Any) -> None:
    await conversations.keep(SAID)
    assert await conversations.delete("resp_1") is True
    assert await conversations.find("resp_1", NOW) is None
    assert await conversations.delete("resp_1") is False


async def test_a_purge_deletes_what_is_over_and_nothing_else(conversations: Any) -> None:
    for number in range(5):
        await conversations.keep(replace(SAID, id=f"resp_{number}", expires_at=NOW + number))
    assert await conversations.purge(NOW + 2) == 3
    assert await conversations.purge(NOW + 2) == 0
    assert await conversations.find("resp_2", NOW - 10) is None
    assert await conversations.find("resp_3", NOW - 10) is not None


async def test_text_that_no_database_takes_does_not_stop_it(conversations: Any) -> None:
    odd = [{"type": "message", "role": "user", "content": "a\x00b"}]
    await conversations.keep(replace(SAID, id="resp_\x00", items=odd))
    found = await conversations.find("resp_\x00", NOW)
    assert found.items[0]["role"] == "user"

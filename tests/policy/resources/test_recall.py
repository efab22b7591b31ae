"""A conversation goes on where it is remembered, for the key that began it."""

from dataclasses import replace
from typing import Any

import pytest

from extproc.domain.call import Call
from extproc.domain.conversation import Remembered
from extproc.domain.key import Key
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.resources.recall import AWAY_SECONDS, MOST_BYTES, Continue, Keeper, Recall
from extproc.providers.responses import ids
from extproc.stores.base import StoreUnavailable
from extproc.stores.memory import MemoryConversations
from tests.calls import call, deployment, plan, snapshot

OWNER, MASTER = Key("owner"), Key("master", is_master=True)
SAID = {"type": "message", "role": "user", "content": "Hi", "id": "item_1"}
CHAT = deployment("chat", schema="openai_chat")
NATIVE = deployment("native")
TWIN = replace(NATIVE, id="twin")
STRANGER = deployment("stranger", api_key="sk-other")
HERE = Remembered("resp_here", "owner", "chat", 1.0, 1000.0, {"id": "resp_here"}, [SAID])
THERE_ID = ids.encode("native", "resp_1")
THERE = Remembered(THERE_ID, "owner", "native", 1.0, 1000.0)


class Away:
    async def find(self, *_: Any) -> Any:
        raise StoreUnavailable

    keep = find


async def recall(*said: Remembered) -> Recall:
    conversations = MemoryConversations()
    for each in said:
        await conversations.keep(each)
    return Recall(conversations, lambda: 10.0)


def asking(previous: Any, *deployments: Any, key: Key = OWNER, **more: Any) -> Call:
    body = {"model": "gpt", "input": "And?", "previous_response_id": previous}
    served = snapshot(CHAT, NATIVE, TWIN, STRANGER)
    return call(
        **{"endpoint": "responses", "body": body, "key": key, "snapshot": served, **more},
        plan=plan(*(deployments or (CHAT, NATIVE, TWIN, STRANGER))),
    )


def ids_of(made: Call) -> list[str]:
    assert made.plan is not None
    return [d.id for d in made.plan.deployments]


async def test_what_is_remembered_here_goes_before_the_request() -> None:
    made = await Continue(await recall(HERE))(asking("resp_here"))
    assert ids_of(made) == ["chat"]
    assert "previous_response_id" not in made.body
    assert made.body["input"][0] == SAID and len(made.body["input"]) == 2
    assert made.body_changed and made.body_bytes > 0


async def test_what_a_provider_remembers_goes_to_the_same_account() -> None:
    made = await Continue(await recall(THERE))(asking(THERE_ID))
    assert ids_of(made) == ["native", "twin"]
    assert made.body["previous_response_id"] == THERE_ID


@pytest.mark.parametrize("previous", ["resp_here", THERE_ID, "resp_unknown"])
async def test_to_another_key_it_does_not_exist(previous: str) -> None:
    stage = Continue(await recall(HERE, THERE))
    with pytest.raises(InvalidRequest, match=f"^Previous response with id '{previous}' not found"):
        await stage(asking(previous, key=Key("another")))


async def test_the_master_key_may_go_on_from_everything() -> None:
    stage = Continue(await recall(HERE))
    assert ids_of(await stage(asking("resp_here", key=MASTER))) == ["chat"]
    assert ids_of(await stage(asking(THERE_ID, key=MASTER))) == ["native", "twin"]
    foreign = await stage(asking("resp_of_the_provider", key=MASTER))
    assert ids_of(foreign) == ["native", "twin", "stranger"]


async def test_what_has_expired_is_not_found() -> None:
    stage = Continue(await recall(replace(HERE, expires_at=10.0)))
    with pytest.raises(InvalidRequest, match="not found"):
        await stage(asking("resp_here"))


async def test_who_cannot_go_on_says_why() -> None:
    gone_id = ids.encode("gone", "resp_1")
    stage = Continue(await recall(HERE, THERE, replace(THERE, id=gone_id)))
    for previous, deployments, reason in (
        ("resp_here", (NATIVE,), "remembered by the gateway"),
        (THERE_ID, (CHAT,), "no deployment there"),
        (THERE_ID, (STRANGER,), "no deployment there"),
        (gone_id, (NATIVE,), "no longer has"),
    ):
        with pytest.raises(InvalidRequest, match=reason):
            await stage(asking(previous, *deployments))


@pytest.mark.parametrize("previous", [3, True, ["resp_1"]])
async def test_an_id_is_a_string(previous: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be a string"):
        await Continue(await recall())(asking(previous))


async def test_other_calls_are_left_alone() -> None:
    stage = Continue(Recall(Away(), lambda: 10.0))  # type: ignore[arg-type]
    for made in (asking(None), asking("resp_here", endpoint="chat")):
        assert await stage(made) is made


async def test_without_the_database_nobody_can_tell() -> None:
    with pytest.raises(Unavailable):
        await Continue(Recall(Away(), lambda: 10.0))(asking("resp_here"))  # type: ignore[arg-type]


class Counted:
    """Counts what is kept, and fails while it is away."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.kept: list[Remembered] = []

    async def keep(self, said: Remembered) -> None:
        self.asked += 1
        if self.away:
            raise StoreUnavailable
        self.kept.append(said)


async def test_what_is_kept_has_an_end() -> None:
    store = Counted()
    await Keeper(store, 100.0, lambda: 10.0, lambda: None).keep(HERE)  # type: ignore[arg-type]
    assert store.kept == [replace(HERE, expires_at=101.0)]
    await Keeper(store, 0.0, lambda: 10.0, lambda: None).keep(HERE)  # type: ignore[arg-type]
    assert store.asked == 1


async def test_a_database_that_is_away_is_not_waited_for_each_time() -> None:
    store, lost = Counted(), []
    now = [10.0]
    keeper = Keeper(store, 100.0, lambda: now[0], lambda: lost.append(1))  # type: ignore[arg-type]
    store.away = True
    for _ in range(3):
        await keeper.keep(HERE)
    assert (store.asked, len(lost)) == (1, 3)
    store.away = False
    now[0] += AWAY_SECONDS
    await keeper.keep(HERE)
    assert len(store.kept) == 1


async def test_what_is_too_large_is_not_kept() -> None:
    store, lost = Counted(), []
    keeper = Keeper(store, 100.0, lambda: 10.0, lambda: lost.append(1))  # type: ignore[arg-type]
    await keeper.keep(replace(HERE, items=[{"content": "x" * MOST_BYTES}]))
    assert (store.kept, len(lost)) == ([], 1)

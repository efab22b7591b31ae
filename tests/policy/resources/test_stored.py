"""Remembered responses, as OpenAI's API shows them."""

from typing import Any

import orjson
import pytest

from extproc.domain.conversation import Remembered
from extproc.domain.key import Key
from extproc.domain.passage import Answered
from extproc.errors import InvalidRequest
from extproc.policy.resources import stored
from extproc.policy.resources.owners import Ownership
from extproc.policy.resources.recall import Recall
from extproc.policy.resources.resolve import Resources, ResponseNotFound
from extproc.policy.resources.shelf import Shelf
from extproc.providers.responses import ids
from extproc.stores.memory import MemoryConversations, MemoryOwners
from tests.calls import call, deployment, snapshot

ASKED = [
    {"role": "user", "content": "One", "id": "item_1"},
    {"type": "message", "role": "assistant", "content": [], "id": "msg_1"},
    {"type": "function_call_output", "call_id": "c", "output": "3", "id": "item_2"},
]
SAID = {"type": "message", "role": "assistant", "content": [], "id": "msg_2"}
RESPONSE = {"id": "resp_1", "object": "response", "output": [SAID]}
HERE = Remembered("resp_1", "owner", "d1", 1.0, 1000.0, RESPONSE, [*ASKED, SAID])


def listed(query: str) -> tuple[list[str], bool]:
    page = stored.input_items(HERE, query)
    names = [item["id"] for item in page["data"]]
    assert (page["first_id"], page["last_id"]) == ((names or [None])[0], (names or [None])[-1])
    return names, page["has_more"]


def test_items_come_in_pages_newest_first() -> None:
    assert listed("") == (["item_2", "msg_1", "item_1"], False)
    assert listed("order=asc&limit=2") == (["item_1", "msg_1"], True)
    assert listed("order=asc&limit=2&after=msg_1") == (["item_2"], False)
    assert listed("after=item_1") == ([], False)


def test_a_message_is_shown_as_one() -> None:
    shown = stored.input_items(HERE, "order=asc")["data"][0]
    assert shown["type"] == "message"
    assert shown["content"] == [{"type": "input_text", "text": "One"}]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=nothing"])
def test_a_page_that_cannot_be(query: str) -> None:
    with pytest.raises(InvalidRequest):
        stored.input_items(HERE, query)


async def ask(method: str, path: str, key: Key, recall: Recall | None = None) -> Any:
    made = recall or await full()
    headers = {":method": method}
    asked = call(path=path, headers=headers, key=key, snapshot=snapshot(deployment("d1")))
    return await Resources(made, Shelf(Ownership(MemoryOwners()), None))(asked, b"")


async def full() -> Recall:
    conversations = MemoryConversations()
    await conversations.keep(HERE)
    return Recall(conversations, lambda: 10.0)


async def test_its_key_and_the_master_key_are_answered_here() -> None:
    for key in (Key("owner"), Key("m", is_master=True)):
        answer = await ask("GET", "/v1/responses/resp_1", key)
        assert isinstance(answer, Answered)
        assert orjson.loads(answer.body) == RESPONSE


async def test_what_is_deleted_is_gone() -> None:
    memory = await full()
    answer = await ask("DELETE", "/v1/responses/resp_1", Key("owner"), memory)
    assert orjson.loads(answer.body) == {"id": "resp_1", "object": "response", "deleted": True}
    with pytest.raises(ResponseNotFound):
        await ask("GET", "/v1/responses/resp_1", Key("owner"), memory)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", f"/v1/responses/{ids.encode('d1', 'resp_theirs')}"),
    ],
)
async def test_to_another_key_it_does_not_exist(method: str, path: str) -> None:
    with pytest.raises(ResponseNotFound):
        await ask(method, path, Key("another"))


async def test_what_is_over_can_be_neither_cancelled_nor_streamed() -> None:
    for method, path in (("POST", "resp_1/cancel"), ("GET", "resp_1?stream=true")):
        with pytest.raises(InvalidRequest, match="background=true"):
            await ask(method, f"/v1/responses/{path}", Key("owner"))

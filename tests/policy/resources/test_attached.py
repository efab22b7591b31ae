"""A file named in a message takes the call to the account that has it."""

from typing import Any

import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.domain.resources import Owned
from extproc.errors import InvalidRequest
from extproc.policy.resources.attached import FollowFiles
from extproc.policy.resources.owners import Missing, Ownership
from extproc.providers.responses import ids
from extproc.stores.memory import MemoryOwners
from tests.calls import call, deployment, plan, snapshot

HOME, OTHER = deployment("home"), deployment("other", api_key="sk-2")
FILE = ids.encode("home", "file-1", "file-")


async def follow_files(asked: Call) -> Call:
    owners = MemoryOwners()
    await owners.note([Owned("file-1", "home", "hash-of-key")])
    return await FollowFiles(Ownership(owners))(asked)


def asking(endpoint: Any, *content: Any, deployments: Any = (HOME, OTHER)) -> Call:
    member = "messages" if endpoint == "chat" else "input"
    messages = [{"role": "user", "content": "Hi"}, {"role": "user", "content": list(content)}]
    return call(
        endpoint=endpoint,
        body={"model": "gpt", member: messages},
        snapshot=snapshot(HOME, OTHER),
        plan=plan(*deployments),
    )


def in_chat(file_id: str) -> Any:
    return {"type": "file", "file": {"file_id": file_id}}


def in_response(file_id: str) -> Any:
    return {"type": "input_file", "file_id": file_id}


@pytest.mark.parametrize(("endpoint", "part"), [("chat", in_chat), ("responses", in_response)])
async def test_the_call_goes_where_the_file_is(endpoint: Any, part: Any) -> None:
    made = await follow_files(asking(endpoint, {"type": "text", "text": "?"}, part(FILE)))
    assert made.plan is not None and made.plan.deployments == (HOME,)
    member = "messages" if endpoint == "chat" else "input"
    assert made.body[member][1]["content"][1] == part("file-1")
    assert made.body_changed


MASTER = Key("m", is_master=True)


async def test_an_id_of_the_provider_passes_as_it_is_for_the_master_key() -> None:
    asked = asking("chat", in_chat("file-abc"), in_chat("file-" + "x" * 30), 3)
    made = await follow_files(asked.but(key=MASTER))
    assert (made.body, made.plan, made.body_changed) == (asked.body, asked.plan, False)


async def test_an_id_of_the_provider_may_be_anybodys() -> None:
    with pytest.raises(Missing, match="No such File object: file-abc"):
        await follow_files(asking("chat", in_chat("file-abc")))
    other = deployment("claude", schema="anthropic", provider="anthropic")
    made = await follow_files(asking("chat", in_chat("file-abc"), deployments=(HOME, other)))
    assert made.plan is not None and made.plan.deployments == (other,)


async def test_a_file_of_another_key_cannot_be_read() -> None:
    asked = asking("responses", in_response(FILE))
    with pytest.raises(Missing):
        await follow_files(asked.but(key=Key("another")))
    assert await follow_files(asked.but(key=MASTER))


async def test_files_are_found_wherever_they_are_named() -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": [in_response(FILE)]}
    tool = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [FILE]}}
    asked = asking("responses")
    made = await follow_files(asked.but(body={"model": "gpt", "input": [output], "tools": [tool]}))
    assert made.body["input"][0]["output"] == [in_response("file-1")]
    assert made.body["tools"][0]["container"]["file_ids"] == ["file-1"]
    schema = {"properties": {"file_id": {"type": "string"}}}
    plain = asked.but(body={"model": "gpt", "input": "Hi", "tools": [schema]})
    assert await follow_files(plain) is plain


async def test_a_file_of_another_account_cannot_be_read() -> None:
    gone = ids.encode("gone", "file-1", "file-")
    for given, deployments in ((FILE, (OTHER,)), (gone, (HOME,))):
        with pytest.raises(InvalidRequest, match="is kept by an account"):
            await follow_files(asking("chat", in_chat(given), deployments=deployments))

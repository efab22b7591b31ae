"""A file named in a message takes the call to the account that has it."""

from typing import Any

import pytest

from extproc.domain.call import Call
from extproc.errors import InvalidRequest
from extproc.policy.attached import follow_files
from extproc.providers.responses import ids
from tests.calls import call, deployment, plan, snapshot

HOME, OTHER = deployment("home"), deployment("other", api_key="sk-2")
FILE = ids.encode("home", "file-1", "file-")


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


async def test_an_id_of_the_provider_passes_as_it_is() -> None:
    asked = asking("chat", in_chat("file-abc"), in_chat("file-" + "x" * 30), 3)
    assert await follow_files(asked) is asked


async def test_a_file_of_another_account_cannot_be_read() -> None:
    gone = ids.encode("gone", "file-1", "file-")
    for given, deployments in ((FILE, (OTHER,)), (gone, (HOME,))):
        with pytest.raises(InvalidRequest, match="is kept by an account"):
            await follow_files(asking("chat", in_chat(given), deployments=deployments))

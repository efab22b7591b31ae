"""Files of a message that are named by id: the call goes to the account that has them.

chat        messages[].content[] = {"type": "file", "file": {"file_id": …}}
responses   input[].content[]    = {"type": "input_file" | "input_image", "file_id": …}
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extproc.domain.call import Call, Json
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest
from extproc.policy.homes import same_account
from extproc.providers import resources

MESSAGES: Mapping[Endpoint, str] = {"chat": "messages", "responses": "input"}
NAME = "file_id"


async def follow_files(call: Call) -> Call:
    """The stage: after the plan, which it narrows. An id that is not ours passes as it is."""
    member = MESSAGES.get(call.endpoint, "")
    messages = call.body.get(member)
    if not isinstance(messages, list) or call.plan is None:
        return call
    homes: dict[str, str] = {}
    shown = [_message(message, homes) for message in messages]
    if not homes:
        return call
    able = call.plan.deployments
    for home_id, given in homes.items():
        home = call.snapshot.deployment(home_id)
        able = tuple(d for d in able if home is not None and same_account(d, home))
        if not able:
            raise InvalidRequest(
                f"The file '{given}' is kept by an account of a provider that model {call.model} "
                "has no deployment of.",
                param=NAME,
            )
    return call.but(
        body={**call.body, member: shown},
        body_changed=True,
        plan=replace(call.plan, deployments=able),
    )


def _message(message: Any, homes: dict[str, str]) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    parts = [_part(part, homes) for part in content]
    return message if parts == content else {**message, "content": parts}


def _part(part: Any, homes: dict[str, str]) -> Any:
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("file"), dict):
        return {**part, "file": _named(part["file"], homes)}
    return _named(part, homes)


def _named(holder: Json, homes: dict[str, str]) -> Json:
    given = holder.get(NAME)
    carried = resources.decode(given) if isinstance(given, str) else None
    if carried is None:
        return holder
    homes.setdefault(carried[0], str(given))
    return {**holder, NAME: carried[1]}

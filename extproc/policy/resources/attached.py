"""Files of a message that are named by id: the call goes to the account that has them.

chat        messages[].content[] = {"type": "file", "file": {"file_id": …}}
responses   input[].content[]    = {"type": "input_file" | "input_image", "file_id": …}
responses   tools[].container    = {"file_ids": […]}

A key may name only files of its own. An id that is not ours can be anybody's: where the gateway
keeps files, it is the master key's alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.errors import InvalidRequest
from extproc.policy.resources.homes import same_account
from extproc.policy.resources.owners import Ownership, missing
from extproc.providers import resources

MESSAGES: Mapping[Endpoint, tuple[str, ...]] = {
    "chat": ("messages",),
    "responses": ("input", "tools"),
}
NAME, NAMES = "file_id", "file_ids"


@dataclass(frozen=True, slots=True)
class FollowFiles:
    """The stage: after the plan, which it narrows."""

    owners: Ownership

    async def __call__(self, call: Call) -> Call:
        members = MESSAGES.get(call.endpoint, ())
        given: list[str] = []
        shown = {
            name: _mapped(call.body[name], _noting(given)) for name in members if name in call.body
        }
        if not given or call.plan is None:
            return call
        ours = [each for each in given if resources.decode(each)]
        able = call.plan.deployments
        for each in ours:
            home = _home(call, each)
            able = tuple(d for d in able if home is not None and same_account(d, home))
            if home is None or not able:
                raise _elsewhere(call, each)
            await self._check(call, home, each)
        if len(ours) < len(given) and not (call.key and call.key.is_master):
            able = tuple(d for d in able if d.schema not in resources.SPOKEN)
            if not able:
                raise missing(next(each for each in given if each not in ours))
        return call.but(
            body={**call.body, **shown} if ours else call.body,
            body_changed=call.body_changed or bool(ours),
            plan=replace(call.plan, deployments=able),
        )

    async def _check(self, call: Call, home: Deployment, given: str) -> None:
        if call.key is None or not call.key.is_master:
            await self.owners.check(call, home, [given])


def _home(call: Call, given: str) -> Deployment | None:
    carried = resources.decode(given)
    return call.snapshot.deployment(carried[0]) if carried else None


def _elsewhere(call: Call, given: str) -> InvalidRequest:
    return InvalidRequest(
        f"The file '{given}' is kept by an account of a provider that model {call.model} has no "
        "deployment of.",
        param=NAME,
    )


def _noting(given: list[str]) -> Callable[[Any], Any]:
    """Of an id the provider's own; what stands for a file otherwise stays as it is."""

    def known(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        given.append(value)
        return resources.known(value)

    return known


def _mapped(part: Any, known: Callable[[Any], Any]) -> Any:
    """The same with every id of a file replaced, however deep it stands."""
    if isinstance(part, list):
        return [_mapped(each, known) for each in part]
    if not isinstance(part, dict):
        return part
    if NAME not in part and all(type(value) is str for value in part.values()):
        return part
    out = {}
    for name, value in part.items():
        if name == NAME:
            out[name] = known(value)
        elif name == NAMES and isinstance(value, list):
            out[name] = [known(each) for each in value]
        else:
            out[name] = _mapped(value, known)
    return out

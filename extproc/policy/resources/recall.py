"""What a key may go on from: `previous_response_id` resolved, by Postgres or by the provider.

    made over chat        its items come before the request's own; any deployment without a memory
                          of its own may go on
    made by a provider    the call goes where it is remembered: to the same account of the provider

A response belongs to the key that made it. To others it does not exist, but to the master key.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from extproc.domain.call import Call
from extproc.domain.conversation import Remembered
from extproc.domain.deployment import Deployment
from extproc.domain.key import Key
from extproc.errors import InvalidRequest, Unavailable
from extproc.policy.resources.homes import same_account
from extproc.providers import registry
from extproc.providers.responses import history, ids
from extproc.stores.base import Conversations, Refused, StoreUnavailable

log = logging.getLogger(__name__)

PREVIOUS = "previous_response_id"
CONTINUING = frozenset({"responses", "response_tokens"})
MOST_BYTES = 8 * 1024 * 1024
"""Of one conversation as JSON."""
AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Recall:
    """Looks up responses for the keys that made them."""

    conversations: Conversations
    now: Callable[[], float]

    async def of(self, key: Key | None, response_id: str) -> Remembered | None:
        """The response, if it is there and the key's own. Raises Unavailable."""
        try:
            found = await self.conversations.find(response_id, self.now())
        except StoreUnavailable:
            raise _away() from None
        return found if found is not None and _may_see(key, found) else None

    async def forget(self, said: Remembered) -> None:
        """Raises Unavailable."""
        try:
            await self.conversations.delete(said.id)
        except StoreUnavailable:
            raise _away() from None


def _away() -> Unavailable:
    return Unavailable("The database that remembers responses is not reachable. Try again.")


def _may_see(key: Key | None, found: Remembered) -> bool:
    return key is not None and (key.is_master or key.hash == found.owner)


class Keeper:
    """Remembers responses as well as can be: an answer never fails because it is not remembered.

    Not kept is what is larger than MOST_BYTES, and what comes while the database is away: after a
    failure it is left alone for a while, so that not every client waits for it.
    """

    def __init__(
        self,
        conversations: Conversations,
        retention_seconds: float,
        now: Callable[[], float],
        lost: Callable[[], None],
    ) -> None:
        """`lost` is told of each response that could not be kept."""
        self._conversations = conversations
        self._retention_seconds = retention_seconds
        self._now = now
        self._lost = lost
        self._away_until = 0.0

    async def keep(self, said: Remembered) -> None:
        if not self._retention_seconds:
            return
        if self._now() < self._away_until or len(orjson.dumps(list(said.items))) > MOST_BYTES:
            self._lost()
            return
        expires_at = said.created_at + self._retention_seconds
        try:
            await self._conversations.keep(replace(said, expires_at=expires_at))
        except StoreUnavailable as error:
            self._away_until = self._now() + AWAY_SECONDS
            log.warning("a response is not remembered: %s", error)
            self._lost()
        except Refused as error:
            log.warning("a response is not remembered: %s", error)
            self._lost()


@dataclass(frozen=True, slots=True)
class Continue:
    """The stage: after the plan, which it narrows to the deployments that can go on."""

    recall: Recall

    async def __call__(self, call: Call) -> Call:
        previous = call.body.get(PREVIOUS)
        if call.endpoint not in CONTINUING or previous is None or call.plan is None:
            return call
        if not isinstance(previous, str):
            raise InvalidRequest(f"'{PREVIOUS}' must be a string.", param=PREVIOUS)
        found = await self.recall.of(call.key, previous)
        if found is not None and found.response is not None:
            return _continued(call, found)
        foreign = call.key is None or not call.key.is_master
        if found is None and foreign:
            raise _not_found(previous)
        return _pinned(call, previous)


def _not_found(previous: str) -> InvalidRequest:
    return InvalidRequest(f"Previous response with id '{previous}' not found.", param=PREVIOUS)


def _continued(call: Call, found: Remembered) -> Call:
    """The whole conversation, for a deployment that has no memory of its own."""
    forgetful = [d for d in _deployments(call) if not registry.remembers(d.schema)]
    if not forgetful:
        raise InvalidRequest(
            f"The response '{found.id}' is remembered by the gateway, and model {call.model} is "
            "served by a provider that can only go on from its own. Send the conversation as "
            "'input', or ask for the model that made the response.",
            param=PREVIOUS,
        )
    return _planned(call, forgetful).but(
        body=history.continued(call.body, found.items),
        body_bytes=call.body_bytes + len(orjson.dumps(list(found.items))),
        body_changed=True,
    )


def _pinned(call: Call, previous: str) -> Call:
    """To where the provider knows the response; an id that is not ours passes as it is."""
    able = [d for d in _deployments(call) if registry.remembers(d.schema)]
    carried = ids.decode(previous)
    if carried is not None:
        home = call.snapshot.deployment(carried[0])
        if home is None or not registry.remembers(home.schema):
            raise _not_found(previous) if home else _gone(previous)
        able = [d for d in able if same_account(d, home)]
    if not able:
        if carried is None:
            raise _not_found(previous)
        raise InvalidRequest(
            f"The response '{previous}' is remembered by its provider, and model {call.model} has "
            "no deployment there. Ask for the model that made it.",
            param=PREVIOUS,
        )
    return _planned(call, able)


def _gone(previous: str) -> InvalidRequest:
    return InvalidRequest(
        f"The response '{previous}' was made by a deployment that this gateway no longer has.",
        param=PREVIOUS,
    )


def _deployments(call: Call) -> tuple[Deployment, ...]:
    assert call.plan is not None
    return call.plan.deployments


def _planned(call: Call, deployments: list[Deployment]) -> Call:
    assert call.plan is not None
    return call.but(plan=replace(call.plan, deployments=tuple(deployments)))

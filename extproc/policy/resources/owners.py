"""Whose a file, a batch or a job at a provider is: noted when it is made, asked before it is used.

To others it does not exist, but to the master key. A thing that nobody is known to own is the
master key's alone.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.key import Key
from extproc.domain.resources import Owned
from extproc.errors import NotFound, Unavailable
from extproc.policy.resources.homes import same_account
from extproc.providers import resources
from extproc.stores.base import Owners, StoreUnavailable

log = logging.getLogger(__name__)

MISSING: Mapping[str, str] = {
    resources.BATCH: "No batch found with id '{}'.",
    resources.JOB: "Could not find fine tune: {}",
}
NO_FILE = "No such File object: {}"


def may_see(key: Key | None, owned: Owned | None) -> bool:
    if key is None:
        return False
    return key.is_master or (owned is not None and owned.owner == key.hash)


def missing(given: str) -> NotFound:
    """As OpenAI says it."""
    said = next((text for start, text in MISSING.items() if given.startswith(start)), NO_FILE)
    return Missing(said.format(given))


class Missing(NotFound):
    type, param = "invalid_request_error", "id"


class Ownership:
    """Remembers what it noted or found: an owner never changes.

    What cannot be noted while the database is away is noted with the next.
    """

    def __init__(self, owners: Owners, capacity: int = 10_000) -> None:
        self._owners = owners
        self._capacity = capacity
        self._known: OrderedDict[tuple[str, str], Owned] = OrderedDict()
        self._homes: dict[str, set[str]] = {}
        self._unwritten: list[Owned] = []

    async def note(self, owned: Iterable[Owned]) -> None:
        """Never raises."""
        fresh = [each for each in owned if (each.id, each.deployment_id) not in self._known]
        if not fresh:
            return
        self._remember(fresh)
        self._unwritten = [*self._unwritten, *fresh][-self._capacity :]
        written = list(self._unwritten)
        try:
            await self._owners.note(written)
        except StoreUnavailable as error:
            log.warning("the owners of %d things are not written: %s", len(written), error)
            return
        self._unwritten = [each for each in self._unwritten if each not in written]

    async def find(self, call: Call, home: Deployment, ids: Iterable[str]) -> Mapping[str, Owned]:
        """The owned ones among these ids of a provider's account, by id. Raises Unavailable."""
        wanted = list(dict.fromkeys(each for each in ids if each))
        found = {each: owned for each in wanted if (owned := self._at(call, home, each))}
        unknown = [each for each in wanted if each not in found]
        if unknown:
            try:
                self._remember(await self._owners.find(unknown))
            except StoreUnavailable:
                raise Unavailable(
                    "The database that knows whose files and batches are is not reachable. Try "
                    "again."
                ) from None
            found |= {each: owned for each in unknown if (owned := self._at(call, home, each))}
        return found

    async def check(self, call: Call, home: Deployment, given: Sequence[str]) -> list[Owned]:
        """What these ids of a client name, all of them its own. Raises Missing, Unavailable."""
        known = [resources.known(each) for each in given]
        found = await self.find(call, home, known)
        for each, theirs in zip(given, known, strict=True):
            raw = resources.decode(each) is None and not (call.key and call.key.is_master)
            if raw or not may_see(call.key, found.get(theirs)):
                raise missing(each)
        return list(found.values())

    def _at(self, call: Call, home: Deployment, provider_id: str) -> Owned | None:
        for deployment_id in self._homes.get(provider_id, ()):
            other = call.snapshot.deployment(deployment_id)
            if deployment_id == home.id or (other is not None and same_account(other, home)):
                return self._known[provider_id, deployment_id]
        return None

    def _remember(self, owned: Iterable[Owned]) -> None:
        for each in owned:
            self._known.setdefault((each.id, each.deployment_id), each)
            self._homes.setdefault(each.id, set()).add(each.deployment_id)
        while len(self._known) > self._capacity:
            (provider_id, deployment_id), _ = self._known.popitem(last=False)
            self._homes[provider_id].discard(deployment_id)
            if not self._homes[provider_id]:
                del self._homes[provider_id]

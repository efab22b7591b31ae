"""The stores in this process's memory: for DATABASE_URL=none and REDIS_URL=none, and for tests."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from extproc.domain.conversation import Remembered
from extproc.domain.key import Key
from extproc.domain.ledger import Begun, Ended, Noted, SpendRow
from extproc.domain.openbill import OpenBill, SeenBatch
from extproc.domain.resources import Owned
from extproc.stores.base import AliasTaken, KeyPage, Replica, SpendQuery, Trail

TRAIL_SECONDS = 600.0
REPLICA_SECONDS = 30.0


class NoJournal:
    """Implements Journal where there is no ledger that records could go to."""

    def begin(self, begun: Begun) -> None:
        pass

    def note(self, noted: Noted) -> None:
        pass

    def end(self, ended: Ended) -> None:
        pass


class MemoryKeys:
    """Implements Keys and KeyRegistry; `changed` is told the hash of every key that changes."""

    def __init__(self, changed: Callable[[str], None] = lambda key_hash: None) -> None:
        self._changed = changed
        self._keys: dict[str, Key] = {}

    async def find(self, key_hash: str) -> Key | None:
        return self._keys.get(key_hash)

    async def get(self, key_hash: str) -> Key | None:
        return self._keys.get(key_hash)

    async def create(self, key: Key) -> Key:
        return self._put(key)

    async def update(self, key_hash: str, changes: Mapping[str, Any]) -> Key | None:
        key = self._keys.get(key_hash)
        return None if key is None else self._put(replace(key, **changes))

    async def delete(self, key_hashes: Sequence[str]) -> Sequence[str]:
        deleted = [key_hash for key_hash in dict.fromkeys(key_hashes) if key_hash in self._keys]
        for key_hash in deleted:
            del self._keys[key_hash]
            self._changed(key_hash)
        return deleted

    async def hashes_of(self, aliases: Sequence[str]) -> Sequence[str]:
        return sorted(key.hash for key in self._keys.values() if key.alias in aliases)

    async def page(self, filters: Mapping[str, str], offset: int, limit: int) -> KeyPage:
        names = {"key_hash": "hash", "key_alias": "alias"}
        found = [
            key
            for key in self._keys.values()
            if all(getattr(key, names.get(name, name)) == value for name, value in filters.items())
        ]
        found.sort(key=lambda key: (key.created_at, key.hash), reverse=True)
        return KeyPage(found[offset : offset + limit], len(found))

    def spend(self, key_hash: str, moved_nanousd: int) -> None:
        """The ledger's part: add to a key's spend, if there is such a key."""
        key = self._keys.get(key_hash)
        if key is not None:
            self._keys[key_hash] = replace(key, spend_nanousd=key.spend_nanousd + moved_nanousd)

    def _put(self, key: Key) -> Key:
        namesakes = (other for other in self._keys.values() if other.alias == key.alias)
        if key.alias is not None and any(other.hash != key.hash for other in namesakes):
            raise AliasTaken(key.alias)
        self._keys[key.hash] = key
        self._changed(key.hash)
        return key


class MemoryLedger:
    """Implements Ledger over MemoryKeys; unbounded, so for tests."""

    def __init__(self, keys: MemoryKeys) -> None:
        self._keys = keys
        self._rows: dict[str, SpendRow] = {}

    async def apply(self, rows: Sequence[SpendRow]) -> int:
        return sum(self._apply(row) for row in rows)

    async def rows(self, query: SpendQuery) -> Sequence[SpendRow]:
        found = [row for row in self._rows.values() if _matches(row, query)]
        found.sort(key=lambda row: (row.begun.at, row.begun.attempt_id), reverse=True)
        return found[: query.limit]

    def _apply(self, row: SpendRow) -> bool:
        before = self._rows.get(row.begun.attempt_id)
        if before is not None and (row.interrupted or not before.interrupted):
            return False
        charged = before.ended.cost_nanousd if before else 0
        self._keys.spend(row.begun.key_hash, (row.ended.cost_nanousd or 0) - (charged or 0))
        self._rows[row.begun.attempt_id] = row
        return True


def _matches(row: SpendRow, query: SpendQuery) -> bool:
    begun = row.begun
    return (
        query.key_hash in (None, begun.key_hash)
        and query.request_id in (None, begun.call_id)
        and query.user_id in (None, begun.metadata.get("user"))
        and (query.start_at is None or begun.at >= query.start_at)
        and (query.end_at is None or begun.at < query.end_at)
    )


class MemoryTrails:
    """Implements Trails; the oldest make room."""

    def __init__(self, now: Callable[[], float], capacity: int = 10_000) -> None:
        self._now = now
        self._capacity = capacity
        self._trails: OrderedDict[str, tuple[float, Trail]] = OrderedDict()

    async def remember(self, call_id: str, trail: Trail) -> None:
        self._trails[call_id] = self._now(), trail
        self._trails.move_to_end(call_id)
        if len(self._trails) > self._capacity:
            self._trails.popitem(last=False)
        self._forget_old()

    async def recall(self, call_id: str) -> Trail | None:
        self._forget_old()
        found = self._trails.get(call_id)
        return found and found[1]

    def _forget_old(self) -> None:
        oldest = self._now() - TRAIL_SECONDS
        while self._trails and next(iter(self._trails.values()))[0] <= oldest:
            self._trails.popitem(last=False)


class MemoryReplicas:
    """Implements Replicas."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._replicas: dict[str, Replica] = {}

    async def report(self, name: str, generation: str) -> None:
        self._replicas[name] = Replica(name, generation, self._now())

    async def list(self) -> Sequence[Replica]:
        oldest = self._now() - REPLICA_SECONDS
        self._replicas = {n: r for n, r in self._replicas.items() if r.seen_at > oldest}
        return [self._replicas[name] for name in sorted(self._replicas)]


class MemoryConversations:
    """Implements Conversations; the oldest make room."""

    def __init__(self, capacity: int = 1000) -> None:
        self._capacity = capacity
        self._said: OrderedDict[str, Remembered] = OrderedDict()

    async def keep(self, said: Remembered) -> None:
        self._said.setdefault(said.id, said)
        if len(self._said) > self._capacity:
            self._said.popitem(last=False)

    async def find(self, response_id: str, at: float) -> Remembered | None:
        found = self._said.get(response_id)
        return found if found is not None and found.expires_at > at else None

    async def delete(self, response_id: str) -> bool:
        return self._said.pop(response_id, None) is not None

    async def purge(self, at: float) -> int:
        over = [said.id for said in self._said.values() if said.expires_at <= at]
        for response_id in over:
            del self._said[response_id]
        return len(over)


class MemoryOwners:
    """Implements Owners; the oldest make room."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._owned: OrderedDict[tuple[str, str], Owned] = OrderedDict()

    async def note(self, owned: Sequence[Owned]) -> None:
        for each in owned:
            self._owned.setdefault((each.id, each.deployment_id), each)
            if len(self._owned) > self._capacity:
                self._owned.popitem(last=False)

    async def find(self, ids: Sequence[str]) -> Sequence[Owned]:
        return [each for each in self._owned.values() if each.id in ids]


Name: TypeAlias = tuple[str, str]
"""(deployment id, the provider's id of a batch)"""


class MemoryBills:
    """Implements OpenBills over MemoryLedger; unbounded, so for tests."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._due: dict[Name, tuple[float, OpenBill]] = {}
        self._files: dict[Name, tuple[str, ...]] = {}
        self.states: dict[Name, str] = {}

    async def discover(self, at: float, since: float) -> int:
        rows = await self._ledger.rows(SpendQuery(start_at=since))
        return sum(self._add(job, at) for row in rows if (job := _open_bill(row)))

    async def claim(self, at: float, limit: int, lease_seconds: float) -> Sequence[OpenBill]:
        due = sorted((when, _name(job)) for when, job in self._due.values() if when <= at)[:limit]
        claimed = [self._due[name][1] for _, name in due]
        self._due |= {_name(job): (at + lease_seconds, job) for job in claimed}
        return claimed

    async def later(self, job: OpenBill, at: float, failures: int) -> None:
        name = _name(job)
        if name in self._due:
            self._due[name] = at, replace(self._due[name][1], failures=failures)

    async def close(self, job: OpenBill, state: str) -> None:
        if self._due.pop(_name(job), None) is not None:
            self.states[_name(job)] = state

    async def see(self, seen: Sequence[SeenBatch], at: float) -> None:
        for each in seen:
            name = _name(each.job)
            self._add(each.job, at)
            self._files[name] = each.files
            if each.over and name in self._due and not self._due[name][1].failures:
                self._due[name] = at, self._due[name][1]

    async def billed(self, deployment_id: str, work_id: str) -> bool:
        return self.states.get((deployment_id, work_id), "open") != "open"

    async def using(self, deployment_id: str, file_id: str) -> str | None:
        names = (
            n for n in self._due if n[0] == deployment_id and file_id in self._files.get(n, ())
        )
        return next((name[1] for name in names), None)

    def _add(self, job: OpenBill, at: float) -> bool:
        if _name(job) in self.states:
            return False
        self._due[_name(job)] = at, job
        self.states[_name(job)] = "open"
        return True


def _name(job: OpenBill) -> Name:
    return job.deployment_id, job.id


def _open_bill(row: SpendRow) -> OpenBill | None:
    begun, told = row.begun, row.ended.metadata
    work_id, is_batch = told.get("response_id", ""), begun.call_type == "acreate_batch"
    if not work_id or not (is_batch or told.get("deferred")):
        return None
    return OpenBill(
        id=work_id,
        kind="batch" if is_batch else "response",
        key_hash=begun.key_hash,
        deployment_id=begun.deployment_id,
        call_id=begun.call_id,
        created_at=begun.at,
        metadata=begun.metadata,
    )

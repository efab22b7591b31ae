"""What the gateway needs from storage, as narrow protocols named for the domain.

A store that cannot be reached raises StoreUnavailable; what happens then is the caller's policy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from extproc.domain.conversation import Remembered
from extproc.domain.key import Key
from extproc.domain.ledger import Begun, Ended, Noted, SpendRow
from extproc.domain.openbill import OpenBill, SeenBatch
from extproc.domain.resources import Owned


class StoreUnavailable(Exception):
    """The database or the counter store did not answer: refused, silent, or too slow."""


class Refused(Exception):
    """The database is there and does not take these values; trying again changes nothing."""


class JournalUnavailable(Exception):
    """The journal cannot take a record: disk full, read-only, or gone."""


class AliasTaken(Exception):
    """Another key has this alias."""


class Keys(Protocol):
    """Virtual keys as the data path reads them."""

    async def find(self, key_hash: str) -> Key | None:
        """The key, or None when there is none. Raises StoreUnavailable when nobody can tell."""
        ...


class KeyRegistry(Protocol):
    """Virtual keys as the management API changes them. Every change notifies all replicas."""

    async def create(self, key: Key) -> Key:
        """Insert. Raises AliasTaken; the hash is new."""
        ...

    async def get(self, key_hash: str) -> Key | None: ...

    async def update(self, key_hash: str, changes: Mapping[str, Any]) -> Key | None:
        """Set the named Key fields, in one statement; None when there is no such key."""
        ...

    async def delete(self, key_hashes: Sequence[str]) -> Sequence[str]:
        """Delete in one transaction; the hashes that existed."""
        ...

    async def hashes_of(self, aliases: Sequence[str]) -> Sequence[str]:
        """The hashes of the keys with these aliases."""
        ...

    async def page(self, filters: Mapping[str, str], offset: int, limit: int) -> "KeyPage":
        """Newest first. Filters: user_id, team_id, organization_id, key_hash, key_alias."""
        ...


@dataclass(frozen=True, slots=True)
class KeyPage:
    keys: Sequence[Key]
    total: int


@dataclass(frozen=True, slots=True)
class SpendQuery:
    """Which spend rows: every given field must match; dates are epoch seconds, half-open."""

    key_hash: str | None = None
    request_id: str | None = None
    user_id: str | None = None
    start_at: float | None = None
    end_at: float | None = None
    limit: int = 10_000


class Ledger(Protocol):
    """Rows of spend: written once by attempt id, read by the management API."""

    async def apply(self, rows: Sequence[SpendRow]) -> int:
        """Insert the rows and move the keys' spend in one transaction; how many changed anything.

        A row whose attempt id is there already changes nothing, so that a replay is harmless;
        except that a true end replaces an `interrupted` estimate, moving spend by the difference.
        Raises Refused when one of the rows can never be stored; then none of them is.
        """
        ...

    async def rows(self, query: SpendQuery) -> Sequence[SpendRow]:
        """Newest first."""
        ...


class Journal(Protocol):
    """The local, durable record of attempts. Written at once, fsync'd in groups within 50 ms."""

    def begin(self, begun: Begun) -> None:
        """Returns once the kernel has the record: a killed process does not lose it.

        Raises JournalUnavailable.
        """
        ...

    def note(self, noted: Noted) -> None:
        """Never raises: a note that cannot be written is lost, and the end says it all the same."""
        ...

    def end(self, ended: Ended) -> None:
        """Never raises: a record that cannot be written now is kept and written later."""
        ...


@dataclass(frozen=True, slots=True)
class Trail:
    """What one attempt leaves for the next."""

    error: str
    """The last error's envelope as JSON, to be shown if no attempt is left."""
    status: int


class Trails(Protocol):
    """Attempts of calls in progress, by gateway id; forgotten after ten minutes."""

    async def remember(self, call_id: str, trail: Trail) -> None: ...

    async def recall(self, call_id: str) -> Trail | None: ...


@dataclass(frozen=True, slots=True)
class Replica:
    """One gateway and the configuration generation it serves; epoch seconds."""

    name: str
    generation: str
    seen_at: float


class Replicas(Protocol):
    """Who is alive, and with which configuration."""

    async def report(self, name: str, generation: str) -> None:
        """Say so again at least every ten seconds."""
        ...

    async def list(self) -> Sequence[Replica]:
        """Those heard of in the last 30 seconds, by name."""
        ...


class Conversations(Protocol):
    """Responses that their keys may ask for, or continue, again. Times are epoch seconds."""

    async def keep(self, said: Remembered) -> None:
        """Insert; a response that is there already stays. Raises Refused for what is no JSON."""
        ...

    async def find(self, response_id: str, at: float) -> Remembered | None:
        """None for an id that is not there, or no longer at that time."""
        ...

    async def delete(self, response_id: str) -> bool:
        """Whether it was there."""
        ...

    async def purge(self, at: float) -> int:
        """Delete what has expired by then; how many there were."""
        ...


class OpenBills(Protocol):
    """Work at providers that is billed when it is over. Times are epoch seconds."""

    async def discover(self, at: float, since: float) -> int:
        """Make due bills of the calls since then that began such work; how many are new."""
        ...

    async def claim(self, at: float, limit: int, lease_seconds: float) -> Sequence[OpenBill]:
        """Open jobs that are due; each goes to one caller, and is due again after the lease."""
        ...

    async def later(self, job: OpenBill, at: float, failures: int) -> None:
        """An open job is due again then."""
        ...

    async def close(self, job: OpenBill, state: str) -> None:
        """The job is over: `billed`, or `lost`."""
        ...

    async def see(self, seen: Sequence[SeenBatch], at: float) -> None:
        """Note their files; make jobs of the new ones; one that is over is due, if open."""
        ...

    async def billed(self, deployment_id: str, work_id: str) -> bool:
        """Whether the work is known, and over; both ids the provider's."""
        ...

    async def using(self, deployment_id: str, file_id: str) -> str | None:
        """The open batch that the file belongs to, if there is one; both ids the provider's."""
        ...


class Owners(Protocol):
    """Whose the things are that providers keep."""

    async def note(self, owned: Sequence[Owned]) -> None:
        """Insert; what has an owner already keeps it."""
        ...

    async def find(self, ids: Sequence[str]) -> Sequence[Owned]:
        """Everything with one of the providers' ids, of whatever account."""
        ...

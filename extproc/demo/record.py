"""What the simulated provider saw: the last requests, and how often each run's orders applied."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from extproc.demo.orders import Orders

KEPT_REQUESTS = 20_000
KEPT_BODY_BYTES = 1000
_HASHED = frozenset(
    {"authorization", "api-key", "x-api-key", "x-goog-api-key", "x-amz-security-token"}
)

ANSWERED = "answered"
FAILED = "failed"
CUT = "cut"
LEFT = "left"
"""The client was gone before the answer was."""


@dataclass(slots=True)
class Seen:
    """One request. `outcome` is empty while the answer is being written."""

    id: str
    at: str
    """The path as it came."""
    headers: Mapping[str, str]
    """Credentials are kept as the SHA-256 of their values."""
    body_bytes: int
    body_head: str
    run: str = ""
    produced: int = 0
    """Tokens of answer made."""
    sent: int = 0
    """Tokens of answer that left in bytes the kernel took."""
    prompt_tokens: int = 0
    outcome: str = ""
    status: int = 0


class Record:
    """Bounded: the oldest requests are forgotten first."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self._applied: Counter[str] = Counter()
        self._count = 0

    def next_id(self) -> str:
        self._count += 1
        return f"demo-{self._count}"

    def add(self, seen: Seen) -> None:
        self._seen.append(seen)

    def choose(self, entries: Iterable[Orders], segments: list[str]) -> Orders:
        """The first entry that applies; its run is counted."""
        for orders in entries:
            if orders.at and orders.at not in segments:
                continue
            if orders.first:
                key = f"{orders.run}/{orders.at}"
                if self._applied[key] >= orders.first:
                    continue
                self._applied[key] += 1
            return orders
        return Orders()

    def as_json(self, run: str) -> dict[str, Any]:
        """Every request kept, oldest first; only those of `run` when it is named."""
        rows = [asdict(seen) for seen in self._seen if run in ("", seen.run)]
        return {"count": self._count, "requests": rows}


def safe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be shown."""
    return {
        name: sha256(value.encode()).hexdigest() if name in _HASHED else value
        for name, value in headers.items()
    }

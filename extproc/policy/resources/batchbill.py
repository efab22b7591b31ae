"""What a batch cost: usage and price of each line of its output, summed into one ledger row.

A line is priced on its own, at the batch rate of its model: the price that the operator gave the
deployment of that model, else the published one. What a batch did is paid whether it was completed,
cancelled, or expired.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import Endpoint
from extproc.domain.ledger import Begun, Ended, SpendRow
from extproc.domain.openbill import OpenBill
from extproc.domain.snapshot import Snapshot
from extproc.domain.usage import NOTHING, Price, Usage
from extproc.errors import GatewayError
from extproc.policy.resources.homes import same_account
from extproc.policy.tokens import guess_tokens
from extproc.providers import registry
from extproc.providers.answers import count, record, text
from extproc.providers.base import Request
from extproc.providers.prices import PriceBook, undated
from extproc.providers.responses.native import usage as stated_usage

ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "responses",
    "/v1/moderations": "moderations",
}
CALL_TYPE = "aretrieve_batch"
_COUNTS = tuple(part.name for part in fields(Usage) if part.name != "stated_nanousd")

_ODD = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What a body of a strange shape may raise: one line must not keep the others from being billed."""

Prices = Callable[[str], Price | None]


@dataclass(slots=True)
class Bill:
    """Grows line by line; made and used in one thread."""

    deployment: Deployment
    endpoint: Endpoint
    price_of: Prices
    """Of a model, as the provider names it."""
    usage: Usage = NOTHING
    cost_nanousd: int = 0
    models: Counter[str] = field(default_factory=Counter)
    """Model -> answers."""
    unpriced: set[str] = field(default_factory=set)
    estimated: bool = False
    unread: int = 0
    """Lines that were answered and cannot be read."""
    gone: bool = False
    """Whether there is no output to be read."""

    def add_all(self, lines: Iterable[bytes]) -> "Bill":
        for line in lines:
            if line.strip():
                self.add(line)
        return self

    def add_unseen(self, batch: Json) -> "Bill":
        """By what the batch says of itself; without that at a price that nobody knows."""
        self.gone = True
        model = text(batch.get("model")) or self.deployment.model
        price, usage = self.price_of(model), stated_usage(batch)
        self.models[model] += count(record(batch.get("request_counts")).get("completed")) or 0
        self.usage = _sum(self.usage, usage or NOTHING)
        if usage is None or price is None:
            self.unpriced.add(model)
        else:
            self.cost_nanousd += price.cost_nanousd(usage)
        return self

    def add(self, line: bytes) -> None:
        try:
            response = record(record(orjson.loads(line)).get("response"))
        except orjson.JSONDecodeError:
            self.unread += 1
            return
        body = record(response.get("body"))
        if response.get("status_code", 200) != 200 or not body:
            return
        try:
            self._count(body)
        except (GatewayError, *_ODD):
            self.unread += 1

    def _count(self, body: Json) -> None:
        request = Request({}, self.deployment)
        translator = registry.find(self.endpoint, self.deployment.schema)
        incoming = translator.response(body, request)
        usage = incoming.usage
        if usage is None:
            self.estimated = self.estimated or bool(incoming.text)
            usage = Usage(output=guess_tokens(len(incoming.text)) if incoming.text else 0)
        model = text(body.get("model")) or self.deployment.model
        self.models[model] += 1
        self.usage = _sum(self.usage, usage)
        price = self.price_of(model)
        if price is None:
            self.unpriced.add(model)
        else:
            self.cost_nanousd += price.cost_nanousd(usage)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in _COUNTS})


def prices(snapshot: Snapshot, home: Deployment, book: PriceBook) -> Prices:
    """The batch prices of the models of one account."""
    served = [d for d in (home, *snapshot.deployments) if same_account(d, home)]

    def price_of(model: str) -> Price | None:
        """Answers name dated models (`gpt-4o-2024-08-06`) where requests named others."""
        fitting = [d for d in served if d.model in (model, undated(model))]
        best = max(fitting, key=lambda d: len(d.model), default=None)
        own, base = (best.price, best.base_model) if best else (None, None)
        price = book.price_of(home.provider, model, base, own)
        return None if price is None else price.batched()

    return price_of


def row(job: OpenBill, batch: Json, bill: Bill, at: float) -> SpendRow:
    """One row for the whole batch, keyed by its account and id."""
    attempt_id = f"batch-{job.deployment_id}-{job.id}"
    deployment = bill.deployment
    status = text(batch.get("status"))
    begun = Begun(
        attempt_id=attempt_id,
        call_id=job.call_id,
        number=1,
        at=job.created_at,
        key_hash=job.key_hash,
        call_type=CALL_TYPE,
        model_group=deployment.group,
        model=", ".join(sorted(bill.models)) or deployment.model,
        provider=deployment.provider,
        deployment_id=deployment.id,
        api_base=deployment.api_base,
        prompt_tokens_estimate=0,
        prompt_cost_nanousd=None,
        metadata=job.metadata,
    )
    unpriced = bool(bill.unpriced) and not bill.cost_nanousd
    ended = Ended(
        attempt_id=attempt_id,
        at=at,
        status="success" if status == "completed" else "failure",
        http_status=200,
        usage=bill.usage,
        cost_nanousd=None if unpriced else bill.cost_nanousd,
        estimated=bill.estimated,
        error="" if status == "completed" else f"the batch is {status}",
        metadata=_about(job, batch, bill),
    )
    return SpendRow(begun, ended)


def _about(job: OpenBill, batch: Json, bill: Bill) -> dict[str, Any]:
    counts = record(batch.get("request_counts"))
    known = {
        "unpriced_models": sorted(bill.unpriced),
        "unread_lines": bill.unread,
        "output_gone": bill.gone,
    }
    return {
        "response_id": job.id,
        "batch_status": text(batch.get("status")),
        "batch_models": dict(bill.models),
        "batch_requests": {name: counts.get(name) for name in ("total", "completed", "failed")},
        **{name: value for name, value in known.items() if value},
    }

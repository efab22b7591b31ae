"""What an attempt cost: the only place that turns an outcome into a record of spend.

Begun is written before the attempt leaves, Ended once it is over. Usage is the provider's own;
where it said nothing although something was produced, it is estimated and the record says so.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.endpoints import ENDPOINTS
from extproc.domain.key import Key
from extproc.domain.ledger import Begun, Ended, Noted
from extproc.domain.outcome import Outcome, Receipt
from extproc.domain.passage import Passage
from extproc.domain.usage import NOTHING, Price, Usage
from extproc.errors import Unavailable
from extproc.policy.tokens import guess_tokens
from extproc.providers.prices import PriceBook
from extproc.stores.base import Journal, JournalUnavailable

WAITED_SECONDS, LATE_SECONDS = 2.0, 60.0
"""How long an estimate may take while a client waits for its end, and when nobody does."""
MAX_TEXT = 256
"""Client-chosen names in a record (user, tags) are cut to this many characters."""


class Estimator(Protocol):
    """Counts tokens where a provider did not."""

    async def usage(self, call: Call, model: str, text: str, deadline_seconds: float) -> Usage:
        """The prompt's tokens as input, those of `text` as output."""
        ...


class KeySpend:
    """What each key has spent: the database's figure, and what was settled here since it moved."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._since: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def add(self, key: Key, cost_nanousd: int) -> int:
        """Add a cost; the key's spend with it, in nano-USD."""
        known, added = self._since.get(key.hash, (key.spend_nanousd, 0))
        if known != key.spend_nanousd:
            known, added = key.spend_nanousd, 0
        self._since[key.hash] = known, added + cost_nanousd
        self._since.move_to_end(key.hash)
        if len(self._since) > self._capacity:
            self._since.popitem(last=False)
        return known + added + cost_nanousd


class Settler:
    """Writes the two records of every attempt, and notes of long ones in between."""

    def __init__(
        self,
        journal: Journal,
        prices: PriceBook,
        estimator: Estimator,
        now: Callable[[], float],
        observe: Callable[[Outcome, Ended], None],
    ) -> None:
        self._journal = journal
        self._prices = prices
        self._estimator = estimator
        self._now = now
        self._observe = observe
        self._spend = KeySpend()

    def begin(self, call: Call, deployment: Deployment, passage: Passage | None = None) -> float:
        """Journal the attempt; epoch seconds. Raises Unavailable if it cannot be journaled."""
        at = self._now()
        free = ENDPOINTS[call.endpoint].free
        prompt = NOTHING if free else Usage(input=guess_tokens(call.body_bytes))
        cost = self._cost(deployment, prompt) if prompt else 0
        if passage is not None and passage.cost_nanousd is not None:
            cost = passage.cost_nanousd
        elif passage is not None and passage.unmetered:
            cost = None
        begun = Begun(
            attempt_id=call.attempt_id,
            call_id=call.client_id,
            number=call.attempt,
            at=at,
            key_hash=call.key.hash if call.key else "",
            call_type=ENDPOINTS[call.endpoint].call_type,
            model_group=call.group,
            model=deployment.model,
            provider=deployment.provider,
            deployment_id=deployment.id,
            api_base=deployment.api_base,
            prompt_tokens_estimate=prompt.input,
            prompt_cost_nanousd=cost,
            metadata=about(call),
        )
        try:
            self._journal.begin(begun)
        except JournalUnavailable:
            raise Unavailable(
                "The gateway cannot write its journal, and does not send what it cannot account "
                "for. Its operator finds the reason in the log."
            ) from None
        return at

    def note(self, outcome: Outcome) -> None:
        """Journal what an attempt has come to so far: its bill, if this process dies now."""
        self._journal.note(Noted(self._ended(outcome, outcome.usage or NOTHING, False)))

    async def settle(self, outcome: Outcome) -> Receipt:
        ended = self._ended(outcome, *await self._usage(outcome))
        self._journal.end(ended)
        self._observe(outcome, ended)
        key, cost = outcome.call.key, ended.cost_nanousd or 0
        return Receipt(ended.cost_nanousd, self._spend.add(key, cost) if key else 0)

    def _ended(self, outcome: Outcome, usage: Usage, estimated: bool) -> Ended:
        deployment = self._billed(outcome)
        cost = self._cost(deployment, usage) if usage else 0
        cost = None if outcome.unmetered else cost
        unpriced = self._unpriced(deployment, usage)
        for model, used in outcome.beside.items():
            cost = _sum(cost, self._cost_beside(deployment, model, used))
            usage += used
        return Ended(
            attempt_id=outcome.call.attempt_id,
            at=outcome.at,
            status="success" if outcome.ok else "failure",
            http_status=outcome.http_status,
            usage=usage,
            cost_nanousd=cost,
            estimated=estimated,
            first_byte_at=outcome.first_byte_at,
            error=outcome.error[:1024],
            metadata={
                "response_id": outcome.response_id[:MAX_TEXT],
                "applied_guardrails": list(outcome.call.applied_guardrails),
                **({"deferred": True} if outcome.deferred else {}),
                **unpriced,
            },
        )

    async def _usage(self, outcome: Outcome) -> tuple[Usage, bool]:
        """(usage, whether it is an estimate)."""
        stated = outcome.usage
        free = ENDPOINTS[outcome.call.endpoint].free
        if free or outcome.unmetered or outcome.deferred:
            return stated or NOTHING, False
        if stated is not None and (outcome.ok or not outcome.text):
            return stated, False
        if not outcome.produced:
            return Usage(), False
        model = outcome.deployment.model
        seconds = WAITED_SECONDS if outcome.ok else LATE_SECONDS
        estimate = await self._estimator.usage(outcome.call, model, outcome.text, seconds)
        if stated is None:
            return estimate, True
        # An answer cut short: what was stated before the cut may be less than what was produced.
        larger = max(stated.output, estimate.output)
        return replace(stated, output=larger), larger > stated.output

    def _billed(self, outcome: Outcome) -> Deployment:
        """The deployment; priced by the model that its answer names where its own has no price."""
        deployment, served = outcome.deployment, outcome.served_model
        if not served or self._price(deployment) is not None:
            return deployment
        return replace(deployment, base_model=served)

    def _cost_beside(self, deployment: Deployment, model: str, usage: Usage) -> int | None:
        """By the other model's own price; by the deployment's where that is not known."""
        same = model in ("", deployment.model, deployment.base_model)
        other = replace(deployment, model=model, base_model=None, price=None)
        known = not same and self._price(other) is not None
        return self._cost(other if known else deployment, usage)

    def _cost(self, deployment: Deployment, usage: Usage) -> int | None:
        """Nano-USD: what the provider itself says, else by price; None where no price is known."""
        if usage.stated_nanousd is not None and deployment.price is None:
            return usage.stated_nanousd
        price = self._price(deployment)
        if price is None:
            return None
        cost = price.cost_nanousd(usage)
        if cost == 0 and deployment.price is None and price.unpriced(usage):
            return None
        return cost

    def _unpriced(self, deployment: Deployment, usage: Usage) -> dict[str, list[str]]:
        """Says in the row what its cost leaves out."""
        if usage.stated_nanousd is not None or not usage.has_units:
            return {}
        price = self._price(deployment)
        missing = price.unpriced(usage) if price else ()
        return {"unpriced": list(missing)} if missing else {}

    def _price(self, deployment: Deployment) -> Price | None:
        return self._prices.price_of(
            deployment.provider, deployment.model, deployment.base_model, deployment.price
        )


def _sum(one: int | None, other: int | None) -> int | None:
    """Unknown where either is."""
    return None if one is None or other is None else one + other


def about(call: Call) -> dict[str, Any]:
    """Who and what for, as the spend row shows it."""
    asked_metadata = call.asked.get("metadata")
    metadata = asked_metadata if isinstance(asked_metadata, dict) else {}
    key = call.key
    about = {
        "user": key.user_id if key else None,
        "key_alias": key.alias if key else None,
        "team_id": key.team_id if key else None,
        "organization_id": key.organization_id if key else None,
        "end_user": _text(call.asked.get("user")),
        "requester_ip_address": _text(call.headers.get("x-envoy-external-address")),
        "tags": _tags(call, metadata),
        "spend_logs_metadata": metadata.get("spend_logs_metadata"),
        "gateway_id": call.id,
        "requested_model": _text(call.model),
    }
    return {name: value for name, value in about.items() if value}


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _tags(call: Call, metadata: Mapping[str, Any]) -> list[str]:
    """Request, header and key tags together, each once."""
    sources = [
        call.asked.get("tags"),
        metadata.get("tags"),
        call.headers.get("x-litellm-tags", "").split(","),
        call.key.metadata.get("tags") if call.key else None,
    ]
    tags = [tag for source in sources if isinstance(source, list) for tag in source]
    return list(dict.fromkeys(_text(tag).strip() for tag in tags if _text(tag).strip()))

"""What a response cost that was made in the background, as one ledger row.

What was made is paid whether the response was completed, cut short or cancelled.
"""

from extproc.domain.call import Json
from extproc.domain.deployment import Deployment
from extproc.domain.ledger import Begun, Ended, SpendRow
from extproc.domain.openbill import OpenBill
from extproc.domain.usage import NOTHING, Price, Usage
from extproc.policy.tokens import guess_tokens
from extproc.providers.answers import text
from extproc.providers.responses.native import produced
from extproc.providers.responses.native import usage as stated_usage

CALL_TYPE = "aresponses"
GOOD = frozenset({"completed", "incomplete"})
FREE = "failed"


def row(
    job: OpenBill, response: Json, deployment: Deployment, price: Price | None, at: float
) -> SpendRow:
    """Keyed by the deployment and the response's id."""
    attempt_id = f"response-{job.deployment_id}-{job.id}"
    status = text(response.get("status"))
    usage, estimated = _usage(response)
    begun = Begun(
        attempt_id=attempt_id,
        call_id=job.call_id,
        number=1,
        at=job.created_at,
        key_hash=job.key_hash,
        call_type=CALL_TYPE,
        model_group=deployment.group,
        model=deployment.model,
        provider=deployment.provider,
        deployment_id=deployment.id,
        api_base=deployment.api_base,
        prompt_tokens_estimate=0,
        prompt_cost_nanousd=None,
        metadata=job.metadata,
    )
    missing = list(price.unpriced(usage)) if price else []
    ended = Ended(
        attempt_id=attempt_id,
        at=at,
        status="success" if status in GOOD else "failure",
        http_status=200,
        usage=usage,
        cost_nanousd=_cost(usage, price, status),
        estimated=estimated,
        error="" if status in GOOD else f"the response is {status}",
        metadata={"response_id": job.id, **({"unpriced": missing} if missing else {})},
    )
    return SpendRow(begun, ended)


def _usage(response: Json) -> tuple[Usage, bool]:
    """(usage, whether it is an estimate)."""
    stated, made = stated_usage(response), produced(response)
    if stated is None and made:
        return Usage(output=guess_tokens(len(made))), True
    return stated or NOTHING, False


def _cost(usage: Usage, price: Price | None, status: str) -> int | None:
    """None where nobody knows: without a price, and where work was done that nobody stated."""
    if not usage:
        return 0 if status == FREE else None
    return None if price is None else price.cost_nanousd(usage)

"""How an attempt ended, as the flow knows it, and what settling it said."""

from collections.abc import Mapping
from dataclasses import field

from extproc.domain.call import Call
from extproc.domain.deployment import Deployment
from extproc.domain.usage import Usage
from extproc.domain.value import value

CLIENT_LEFT = 499
"""What is counted for a call that ended before its answer did."""


@value
class Outcome:
    """One attempt's end. Times are epoch seconds.

    `usage` None means that the provider did not say: it is then estimated from the prompt and
    `text`, if `produced`; an attempt that failed before anything was produced costs nothing.
    """

    call: Call
    deployment: Deployment
    begun_at: float
    at: float
    http_status: int
    ok: bool
    produced: bool
    usage: Usage | None = None
    beside: Mapping[str, Usage] = field(default_factory=dict)
    """What other models of the provider used for it; each is paid at its own price."""
    unmetered: bool = False
    """Whether it cost something that is not known, nor to be estimated."""
    deferred: bool = False
    """Whether the provider goes on with it: it is billed when that is over, by its response id."""
    served_model: str = ""
    """As the answer names it: for a price where the one that was asked has none."""
    text: str = ""
    first_byte_at: float | None = None
    response_id: str = ""
    error: str = ""
    answered: int | None = None
    """The status the client saw; None when another attempt follows."""


@value
class Receipt:
    """What an attempt cost, and what its key has spent with it, in nano-USD."""

    cost_nanousd: int | None
    key_spend_nanousd: int

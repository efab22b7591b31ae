"""Token counts and prices as immutable values.

Buckets are inclusive: `cached`, `cache_written` and `audio_input` are parts of `input`; `reasoning`
and `audio_output` are parts of `output`. Providers that report them apart (Anthropic, Bedrock) are
normalised in their translator. Prices are USD per token; a cost is integer nano-USD, computed
exactly and rounded half-up once.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one attempt consumed, in tokens."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return self.input > 0 or self.output > 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token. A part without a rate of its own costs what its whole costs."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_written: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    tiers: tuple[tuple[int, "Price"], ...] = ()
    """(prompt tokens, the price of a whole call with more than those), rising."""

    def cost_nanousd(self, usage: Usage) -> int:
        """The exact cost of `usage`, rounded half-up to whole nano-USD once."""
        for above, price in reversed(self.tiers):
            if usage.input > above:
                return price.cost_nanousd(usage)
        total = _cost(
            self.input,
            usage.input,
            (usage.cached, self.cached),
            (usage.cache_written, self.cache_written),
            (usage.audio_input, self.audio_input),
        ) + _cost(
            self.output,
            usage.output,
            (usage.reasoning, self.reasoning),
            (usage.audio_output, self.audio_output),
        )
        return int((total * NANO).to_integral_value(ROUND_HALF_UP))


def _cost(rate: Decimal, tokens: int, *parts: tuple[int, Decimal | None]) -> Decimal:
    """`tokens` at `rate`, but for the parts, which may have rates of their own."""
    cost = Decimal(0)
    for part, own in parts:
        if part:
            tokens -= part
            cost += part * (rate if own is None else own)
    return cost + max(0, tokens) * rate


def usd(nanousd: int) -> float:
    """Nano-USD as the decimal number of USD that JSON and headers show."""
    return nanousd / 1_000_000_000

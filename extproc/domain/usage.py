"""Token counts and prices as immutable values.

Buckets are inclusive: `cached`, `cache_written`, `audio_input` and `image_input` are parts of
`input`, `cache_written_1h` is a part of `cache_written`; `reasoning`, `audio_output` and
`image_output` are parts of `output`. Providers that report them apart (Anthropic, Bedrock) are
normalised in their translator. Prices are USD per token, or per unit of what is not counted in
tokens; a cost is integer nano-USD, computed exactly and rounded half-up once.
"""

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one attempt consumed: tokens, then units of other kinds."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    """To be kept for five minutes, or for as long as the provider keeps it."""
    cache_written_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0

    images: int = 0
    """Pictures made."""
    searches: int = 0
    """Web searches of a model, search units of a rerank."""
    characters: int = 0
    """Of the text that was spoken."""
    audio_milliseconds: int = 0
    """Of the speech that was written down."""
    stated_nanousd: int | None = None
    """What the provider itself says that the attempt cost."""

    def __add__(self, other: "Usage") -> "Usage":
        """Both together; what a provider states itself is known only if it is stated of both."""
        counts = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name != "stated_nanousd"
        }
        mine, theirs = self.stated_nanousd, other.stated_nanousd
        stated = None if mine is None or theirs is None else mine + theirs
        return Usage(**counts, stated_nanousd=stated)

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return self.input > 0 or self.output > 0 or self != NOTHING

    @property
    def has_units(self) -> bool:
        """Whether anything was counted that has no tokens."""
        return bool(self.images or self.searches or self.characters or self.audio_milliseconds)

    @property
    def total(self) -> int:
        return self.input + self.output


NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token, and per unit of what has no tokens.

    A part without a rate of its own costs what its whole costs. A unit without a rate adds nothing,
    and `unpriced` names it.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_written: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    cache_written_1h: Decimal | None = None
    image_input: Decimal | None = None
    image_output: Decimal | None = None
    image: Decimal | None = None
    search: Decimal | None = None
    character: Decimal | None = None
    audio_second: Decimal | None = None
    batch_input: Decimal | None = None
    batch_output: Decimal | None = None
    """In a batch. Without them a batch costs half."""
    tiers: tuple[tuple[int, "Price"], ...] = ()
    """(prompt tokens, the price of a whole call with more than those), rising."""

    def cost_nanousd(self, usage: Usage) -> int:
        """The exact cost of `usage`, rounded half-up to whole nano-USD once."""
        for above, price in reversed(self.tiers):
            if usage.input > above:
                return price.cost_nanousd(usage)
        total = self._read(usage) + self._produced(usage) + self._units(usage)
        return int((total * NANO).to_integral_value(ROUND_HALF_UP))

    def batched(self) -> "Price":
        """What the same costs in a batch."""
        halves: dict[str, Any] = {
            part.name: None if (rate := getattr(self, part.name)) is None else rate / 2
            for part in fields(self)
            if part.name not in ("batch_input", "batch_output", "tiers")
        }
        stated = {
            name: rate
            for name, rate in (("input", self.batch_input), ("output", self.batch_output))
            if rate is not None
        }
        tiers = tuple((above, price.batched()) for above, price in self.tiers)
        return Price(**{**halves, **stated, "tiers": tiers})

    def _read(self, usage: Usage) -> Decimal:
        short_lived = usage.cache_written - usage.cache_written_1h
        written = self.cache_written
        return _cost(
            self.input,
            usage.input,
            (usage.cached, self.cached),
            (short_lived, written),
            (usage.cache_written_1h, self.cache_written_1h or written),
            (usage.audio_input, self.audio_input),
            (usage.image_input, self.image_input),
        )

    def _produced(self, usage: Usage) -> Decimal:
        return _cost(
            self.output,
            usage.output,
            (usage.reasoning, self.reasoning),
            (usage.audio_output, self.audio_output),
            (usage.image_output, self.image_output),
        )

    def unpriced(self, usage: Usage) -> tuple[str, ...]:
        """What was used and has no rate here: what `cost_nanousd` leaves out."""
        return tuple(name for name, amount, rate in self._counted(usage) if amount and rate is None)

    def _units(self, usage: Usage) -> Decimal:
        amounts = (amount * rate for _, amount, rate in self._counted(usage) if amount and rate)
        return sum(amounts, Decimal(0))

    def _counted(self, usage: Usage) -> tuple[tuple[str, Decimal, Decimal | None], ...]:
        """(unit, how many, the rate of one)."""
        if not usage.has_units:
            return ()
        return (
            ("images", Decimal(usage.images), self.image),
            ("searches", Decimal(usage.searches), self.search),
            ("characters", Decimal(usage.characters), self.character),
            ("seconds", Decimal(usage.audio_milliseconds) / 1000, self.audio_second),
        )


def _cost(rate: Decimal, tokens: int, *parts: tuple[int, Decimal | None]) -> Decimal:
    """`tokens` at `rate`, but for the parts, which may have rates of their own.

    The parts are never more than the whole, whatever a provider says of them.
    """
    cost = Decimal(0)
    for part, own in parts:
        if part > 0:
            part = min(part, tokens)
            tokens -= part
            cost += part * (rate if own is None else own)
    return cost + tokens * rate


def usd(nanousd: int) -> float:
    """Nano-USD as the decimal number of USD that JSON and headers show."""
    return nanousd / 1_000_000_000


def nanousd(usd: Decimal) -> int:
    """A provider's own figure, rounded half-up."""
    return int((usd * NANO).to_integral_value(ROUND_HALF_UP))

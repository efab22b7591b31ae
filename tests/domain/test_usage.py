"""Money is exact."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from extproc.domain.usage import Price, Usage, usd
from tests.calls import PRICE

counts = st.integers(0, 10**9)


def test_cached_tokens_have_their_own_rate() -> None:
    assert PRICE.cost_nanousd(Usage(input=1000, output=200, cached=400)) == 4_920_000


def test_two_usages_together() -> None:
    one, other = Usage(input=1, audio_input=1, stated_nanousd=5), Usage(input=2, images=1)
    assert one + other == Usage(input=3, audio_input=1, images=1)
    assert (one + one).stated_nanousd == 10


def test_half_a_nano_dollar_rounds_up_once() -> None:
    tiny = Price(Decimal("0.0000000005"), Decimal(0))
    assert [tiny.cost_nanousd(Usage(input=n)) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_long_prompt_pays_the_dearer_tier_for_the_whole_call() -> None:
    tiered = Price(Decimal(1), Decimal(2), tiers=((100, Price(Decimal(10), Decimal(20))),))
    assert tiered.cost_nanousd(Usage(input=100, output=1)) == 102 * 10**9
    assert tiered.cost_nanousd(Usage(input=101, output=1)) == 1030 * 10**9


@given(counts, counts)
def test_usage_adds_up(a: int, b: int) -> None:
    assert Usage(a, b).total == a + b and bool(Usage(a, b)) is (a + b > 0)


def test_dollars_are_shown_as_a_number() -> None:
    assert usd(1_500_000_000) == 1.5 and usd(1) == 1e-9


def test_a_batch_costs_half_but_for_what_has_its_own_price() -> None:
    dear = Price(Decimal(4), Decimal(8))
    price = Price(Decimal(2), Decimal(4), cached=Decimal(1), tiers=((200, dear),))
    assert price.batched() == Price(
        Decimal(1), Decimal(2), cached=Decimal("0.5"), tiers=((200, Price(Decimal(2), Decimal(4))),)
    )
    own = Price(Decimal(2), Decimal(4), batch_input=Decimal("1.5"), batch_output=Decimal(3))
    assert own.batched() == Price(Decimal("1.5"), Decimal(3))


def test_a_unit_without_a_rate_is_named_and_never_hidden() -> None:
    price = Price(Decimal(1), Decimal(1), search=Decimal("0.01"))
    used = Usage(input=1, searches=2, images=3, audio_milliseconds=1500)
    assert price.unpriced(used) == ("images", "seconds")
    assert price.cost_nanousd(used) == 1_020_000_000


def test_parts_never_cost_more_than_their_whole_allows() -> None:
    price = Price(Decimal(1), Decimal(1), cached=Decimal("0.5"), audio_input=Decimal(9))
    absurd = Usage(input=10, cached=2**31, audio_input=2**31)
    assert price.cost_nanousd(absurd) == 5 * 10**9
    assert price.cost_nanousd(Usage(input=10, cached=-5)) == 10 * 10**9

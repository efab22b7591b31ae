"""Money is exact."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from extproc.domain.usage import Price, Usage, usd
from tests.calls import PRICE

counts = st.integers(0, 10**9)


def test_cached_tokens_have_their_own_rate() -> None:
    assert PRICE.cost_nanousd(Usage(input=1000, output=200, cached=400)) == 4_920_000


def test_half_a_nano_dollar_rounds_up_once() -> None:
    tiny = Price(Decimal("0.0000000005"), Decimal(0))
    assert [tiny.cost_nanousd(Usage(input=n)) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_parts_larger_than_their_whole_never_cost_less_than_nothing() -> None:
    assert PRICE.cost_nanousd(Usage(input=1, cached=5)) == 5 * 300


@given(counts, counts, counts, counts)
def test_usage_adds_up(a: int, b: int, c: int, d: int) -> None:
    assert Usage(a, b) + Usage(c, d) == Usage(a + c, b + d)
    assert Usage(a, b).total == a + b


def test_dollars_are_shown_as_a_number() -> None:
    assert usd(1_500_000_000) == 1.5 and usd(1) == 1e-9

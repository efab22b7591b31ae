"""Where a price comes from, and that an unknown model has none."""

import threading
from decimal import Decimal

import pytest

from extproc.domain.usage import Price, Usage
from extproc.providers.prices import PriceBook

NOW = 1_767_225_600.0
OWN = Price(Decimal("0.000003"), Decimal("0.000015"), cached=Decimal("0.0000003"))


@pytest.fixture
def book() -> PriceBook:
    return PriceBook(lambda: NOW, size=8)


def test_a_call_costs_what_the_worked_example_says(book: PriceBook) -> None:
    price = book.price_of("openai", "gpt-4o", own=OWN)
    assert price is not None
    assert price.cost_nanousd(Usage(input=1000, cached=400, output=200)) == 4_920_000


def test_published_prices_are_per_token(book: PriceBook) -> None:
    price = book.price_of("openai", "gpt-4o")
    assert price is not None
    assert (price.input, price.output) == (Decimal("0.0000025"), Decimal("0.00001"))
    assert price.cached == Decimal("0.00000125")
    assert price.cost_nanousd(Usage(input=1000, output=100)) == 3_500_000


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4o@20240806"),
        ("openai", "openai/gpt-4o"),
        ("azure", "gpt-4o"),
    ],
)
def test_other_spellings_of_a_model_find_its_price(
    book: PriceBook, provider: str, model: str
) -> None:
    found, known = book.price_of(provider, model), book.price_of("openai", "gpt-4o")
    assert found is not None
    assert known is not None
    assert (found.input, found.output) == (known.input, known.output)


@pytest.mark.parametrize("base_model", ["gpt-4o", "azure/gpt-4o", "openai/gpt-4o"])
def test_the_base_model_prices_an_arbitrary_deployment_name(
    book: PriceBook, base_model: str
) -> None:
    assert book.price_of("azure", "our-deployment") is None
    assert book.price_of("azure", "our-deployment", base_model) is not None


def test_the_base_model_wins_over_the_model(book: PriceBook) -> None:
    assert book.price_of("openai", "gpt-4o", "gpt-4o-mini") == book.price_of(
        "openai", "gpt-4o-mini"
    )


@pytest.mark.parametrize(
    ("provider", "model", "heard", "spoken"),
    [
        ("openai", "gpt-4o-audio-preview-2025-06-03", "40", "80"),
        ("azure", "gpt-4o-mini-audio-preview", "10", "20"),
    ],
)
def test_sound_costs_more_than_text(
    book: PriceBook, provider: str, model: str, heard: str, spoken: str
) -> None:
    price = book.price_of(provider, model)
    assert price is not None
    million = Decimal(1_000_000)
    assert price.audio_input == Decimal(heard) / million
    assert price.audio_output == Decimal(spoken) / million


def test_an_input_only_model_has_a_price(book: PriceBook) -> None:
    price = book.price_of("openai", "text-embedding-3-small")
    assert price is not None
    assert price.input > 0
    assert price.output == 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("no-such-provider", "gpt-4o"),
        ("", "gpt-4o"),
        ("openai", ""),
        ("hosted_vllm", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("openai_like", "gpt-4o"),
    ],
)
def test_an_unknown_price_is_none_and_not_zero(book: PriceBook, provider: str, model: str) -> None:
    assert book.price_of(provider, model) is None


def test_what_is_remembered_is_bounded(book: PriceBook) -> None:
    for number in range(100):
        assert book.price_of("openai", f"unknown-{number}") is None
    assert len(book._found) == 8
    assert book.price_of("openai", "gpt-4o") is not None


def test_looking_up_starts_no_thread(book: PriceBook) -> None:
    before = threading.active_count()
    book.price_of("anthropic", "claude-3-5-sonnet-20241022")
    assert threading.active_count() == before

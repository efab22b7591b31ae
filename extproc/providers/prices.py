"""What a model costs: the operator's own price, else the provider's published one.

Published prices are genai-prices' bundled table, and the sound of two models that it lacks: nothing
is fetched. A model that is not in it has no price (None), which is never the same as free.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from genai_prices import data
from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from extproc.domain.usage import Price

_PER_MILLION = Decimal(1_000_000)
_FRESH_SECONDS = 60.0
"""How long a published price is taken as unchanged: some change with the hour."""

_RATES: Mapping[str, tuple[str, Decimal]] = {
    "input": ("input_mtok", _PER_MILLION),
    "output": ("output_mtok", _PER_MILLION),
    "cached": ("cache_read_mtok", _PER_MILLION),
    "cache_written": ("cache_write_mtok", _PER_MILLION),
    "cache_written_1h": ("cache_write_1h_mtok", _PER_MILLION),
    "reasoning": ("output_reasoning_mtok", _PER_MILLION),
    "audio_input": ("input_audio_mtok", _PER_MILLION),
    "audio_output": ("output_audio_mtok", _PER_MILLION),
    "image_input": ("input_image_mtok", _PER_MILLION),
    "image_output": ("output_image_mtok", _PER_MILLION),
    "search": ("web_searches_kcount", Decimal(1000)),
    "character": ("input_mchars", _PER_MILLION),
    "audio_second": ("audio_hours", Decimal(3600)),
}
"""Our rates -> the table's, and how many of our units one of its rates is for."""

_SOUND: Mapping[str, tuple[int, int]] = {
    "gpt-4o-audio": (40, 80),
    "gpt-4o-mini-audio": (10, 20),
}
"""How a model's name begins -> USD for a million tokens heard and spoken, which the table lacks: as
text they would cost a sixteenth. https://platform.openai.com/docs/pricing"""

_PROVIDERS = {
    "fireworks_ai": "fireworks",
    "hosted_vllm": "",
    "openai_like": "",
    "custom_openai": "",
}
"""Names the table has otherwise, and names that only look like one of its providers."""

_DATE = re.compile(r"[-@](20\d{2}-?[01]\d-?[0-3]\d)(?=$|[-:])")


class PriceBook:
    """Finds prices, and remembers where it found them for the last `size` models asked for."""

    def __init__(self, now: Callable[[], float], size: int = 4096) -> None:
        """`now` gives epoch seconds: published prices change with the date, some with the hour."""
        self._now = now
        self._size = size
        self._found: OrderedDict[tuple[str, str, str | None], ModelInfo | None] = OrderedDict()
        self._prices: OrderedDict[tuple[str, str, str | None], tuple[float, Price | None]] = (
            OrderedDict()
        )

    def price_of(
        self,
        provider: str,
        model: str,
        base_model: str | None = None,
        own: Price | None = None,
    ) -> Price | None:
        """The price in force now: `own`, else of `base_model`, else of `model`; None if unknown."""
        if own is not None:
            return own
        key = (provider, model, base_model)
        now = self._now()
        known = self._prices.get(key)
        if known is not None and now < known[0]:
            return known[1]
        price = self._published(key, now)
        self._prices[key] = now + _FRESH_SECONDS, price
        if len(self._prices) > self._size:
            self._prices.popitem(last=False)
        return price

    def _published(self, key: tuple[str, str, str | None], now: float) -> Price | None:
        info = self._info(*key)
        if info is None:
            return None
        price = _converted(info.get_prices(datetime.fromtimestamp(now, UTC)))
        return None if price is None else _with_sound(price, info.id)

    def _info(self, provider: str, model: str, base_model: str | None) -> ModelInfo | None:
        key = (provider, model, base_model)
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = (_lookup(owner, name) for owner, name in _candidates(provider, model, base_model))
        info = next((info for info in found if info is not None), None)
        self._found[key] = info
        if len(self._found) > self._size:
            self._found.popitem(last=False)
        return info


def _candidates(provider: str, model: str, base_model: str | None) -> Iterator[tuple[str, str]]:
    """(provider, name) pairs to look up, the most telling first.

    Only a base model may name another provider than the deployment's: the operator wrote it to be
    priced by. A model's own prefix (`mistralai/…` on somebody's vLLM) says who trained it.
    """
    for name in filter(None, (base_model, model)):
        prefix, _, tail = name.partition("/")
        pairs = [(provider, name)]
        if tail and name == base_model:
            pairs.append((prefix, tail))
        if tail:
            pairs.append((provider, tail))
        for owner, ref in pairs:
            yield owner, ref
            if undated(ref) != ref:
                yield owner, undated(ref)


def undated(model: str) -> str:
    """The model of which this one is a version by its date: gpt-4o of gpt-4o-2024-08-06."""
    return _DATE.sub("", model)


def _lookup(provider: str, model: str) -> ModelInfo | None:
    name = _PROVIDERS.get(provider, provider)
    owner = find_provider_by_id(data.providers, name) if name else None
    return owner.find_model(model, all_providers=data.providers) if owner else None


def _converted(published: ModelPrice) -> Price | None:
    """USD per token of a row in USD per million tokens; None when it is not paid by the token."""
    base = _at(published, 0)
    if base is None:
        return None
    fields = [vars(published).get(theirs) for theirs, _ in _RATES.values()]
    starts = {
        tier.start for field in fields if isinstance(field, TieredPrices) for tier in field.tiers
    }
    dearer = ((start, _at(published, start + 1)) for start in sorted(starts))
    return replace(base, tiers=tuple((start, price) for start, price in dearer if price))


def _with_sound(price: Price, model: str) -> Price:
    found = next((rates for start, rates in _SOUND.items() if model.startswith(start)), None)
    if found is None or price.audio_input is not None:
        return price
    heard, spoken = (rate / _PER_MILLION for rate in found)
    return replace(price, audio_input=heard, audio_output=spoken)


def _at(published: ModelPrice, prompt_tokens: int) -> Price | None:
    """The rates of a call with this many prompt tokens."""
    rates = {
        ours: _rate(vars(published).get(theirs), prompt_tokens, units)
        for ours, (theirs, units) in _RATES.items()
    }
    given: dict[str, Any] = {name: rate for name, rate in rates.items() if rate is not None}
    if not given:
        return None
    return Price(**{"input": Decimal(0), "output": Decimal(0), **given})


def _rate(
    value: Decimal | TieredPrices | None, prompt_tokens: int, units: Decimal
) -> Decimal | None:
    if isinstance(value, TieredPrices):
        reached = [tier.price for tier in value.tiers if prompt_tokens > tier.start]
        value = reached[-1] if reached else value.base
    return None if value is None else value / units

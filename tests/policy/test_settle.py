"""Settlement: one begun, one ended, the right cost, and nothing sent that cannot be journaled."""

from dataclasses import replace
from typing import Any

import pytest

from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.domain.ledger import Begun, Ended, Noted, Record, interrupted
from extproc.domain.outcome import Outcome
from extproc.domain.passage import Passage
from extproc.domain.usage import Usage
from extproc.errors import Unavailable
from extproc.policy.settle import KeySpend, Settler
from extproc.providers.prices import PriceBook
from extproc.stores.base import JournalUnavailable
from tests.calls import call, deployment


class ListJournal:
    def __init__(self, full: bool = False) -> None:
        self.records: list[Record] = []
        self.full = full

    def begin(self, begun: Begun) -> None:
        if self.full:
            raise JournalUnavailable("disk full")
        self.records.append(begun)

    def note(self, noted: Noted) -> None:
        self.records.append(noted)

    def end(self, ended: Ended) -> None:
        self.records.append(ended)


class Estimate:
    async def usage(self, call: Call, model: str, text: str, deadline_seconds: float) -> Usage:
        return Usage(input=100, output=len(text))


def settler(journal: ListJournal) -> Settler:
    return Settler(
        journal, PriceBook(lambda: 0.0), Estimate(), lambda: 100.0, lambda outcome, ended: None
    )


def outcome(**changes: Any) -> Outcome:
    made = Outcome(call(), deployment(), 100.2, 101.0, 200, ok=True, produced=True)
    return replace(made, **changes)


async def ended(**changes: Any) -> Ended:
    journal = ListJournal()
    await settler(journal).settle(outcome(**changes))
    (record,) = journal.records
    assert isinstance(record, Ended)
    return record


async def test_worked_example_costs_what_it_should() -> None:
    record = await ended(usage=Usage(input=1000, output=200, cached=400))
    assert record.cost_nanousd == 4_920_000 and not record.estimated


async def test_what_the_provider_goes_on_with_costs_nothing_yet() -> None:
    record = await ended(deferred=True, text="four", response_id="resp_1")
    assert (record.cost_nanousd, record.usage, record.estimated) == (0, Usage(), False)
    assert (record.metadata["deferred"], record.metadata["response_id"]) == (True, "resp_1")


async def test_usage_nobody_stated_is_estimated_and_says_so() -> None:
    record = await ended(ok=False, text="four")
    assert record.usage == Usage(input=100, output=4) and record.estimated
    assert record.cost_nanousd == 100 * 3000 + 4 * 15000


async def test_failure_that_produced_nothing_costs_nothing() -> None:
    record = await ended(ok=False, produced=False, http_status=500, error="broken")
    assert (record.usage, record.cost_nanousd, record.status) == (Usage(), 0, "failure")


async def test_usage_stated_before_a_cut_is_raised_to_what_was_produced() -> None:
    record = await ended(ok=False, usage=Usage(input=10, output=0), text="x" * 500)
    assert record.usage == Usage(input=10, output=500) and record.estimated
    kept = await ended(ok=False, usage=Usage(input=10, output=900), text="x" * 500)
    assert kept.usage == Usage(input=10, output=900) and not kept.estimated


async def test_unknown_price_is_none_and_never_zero() -> None:
    unpriced = deployment(price=None, provider="nobody", model="nothing")
    assert (await ended(deployment=unpriced, usage=Usage(input=1))).cost_nanousd is None


def test_interrupted_attempt_of_unknown_price_is_not_free() -> None:
    journal = ListJournal()
    settler(journal).begin(call(), deployment(price=None, provider="nobody", model="nothing"))
    (begun,) = journal.records
    assert isinstance(begun, Begun) and interrupted(begun).ended.cost_nanousd is None


async def test_a_note_says_what_the_end_would_say_and_settles_nothing() -> None:
    journal = ListJournal()
    observed: list[object] = []
    settling = Settler(
        journal,
        PriceBook(lambda: 0.0),
        Estimate(),
        lambda: 100.0,
        lambda *what: observed.append(what),
    )
    said = outcome(
        ok=False, usage=Usage(input=1000), beside={"": Usage(output=10)}, response_id="sess_1"
    )
    settling.note(said)
    assert observed == []
    await settling.settle(said)
    noted, end = journal.records
    assert isinstance(noted, Noted) and noted.so_far == end
    assert noted.so_far.cost_nanousd == 1000 * 3000 + 10 * 15000


@pytest.mark.parametrize(
    ("passing", "cost"),
    [
        ({"cost_nanousd": 7}, 7),
        ({"cost_nanousd": 7, "unmetered": True}, 7),
        ({"unmetered": True}, None),
    ],
)
def test_interrupted_passage_costs_what_is_fixed_or_what_nobody_knows(
    passing: dict[str, Any], cost: int | None
) -> None:
    journal = ListJournal()
    passage = Passage(call=call(), deployment=deployment(), path="/x", **passing)
    settler(journal).begin(call(), deployment(), passage)
    (begun,) = journal.records
    assert isinstance(begun, Begun) and begun.prompt_cost_nanousd == cost


def test_attempt_that_cannot_be_journaled_does_not_leave() -> None:
    with pytest.raises(Unavailable):
        settler(ListJournal(full=True)).begin(call(), deployment())


def test_begun_record_holds_what_the_row_will_show() -> None:
    journal = ListJournal()
    asked = {
        "user": "u" * 1000,
        "tags": ["b"],
        "metadata": {"tags": ["a", "b", 7], "spend_logs_metadata": {"x": 1}},
    }
    headers = {"x-litellm-tags": "c, a", "x-litellm-call-id": "mine"}
    key = Key("h", alias="k", user_id="owner", metadata={"tags": ["team"]})
    at = settler(journal).begin(
        call(asked=asked, headers=headers, key=key, body_bytes=400, attempt=2), deployment()
    )
    (begun,) = journal.records
    assert isinstance(begun, Begun) and at == 100.0
    assert (begun.attempt_id, begun.call_id, begun.key_hash) == ("c1-2", "mine", "h")
    assert begun.prompt_tokens_estimate == 100 and begun.prompt_cost_nanousd == 300_000
    assert begun.metadata["tags"] == ["b", "a", "c", "team"]
    assert begun.metadata["spend_logs_metadata"] == {"x": 1}
    assert len(begun.metadata["end_user"]) == 256 and begun.metadata["user"] == "owner"


def test_key_spend_counts_on_from_the_databases_figure() -> None:
    spend = KeySpend()
    assert spend.add(Key("h", spend_nanousd=10), 5) == 15
    assert spend.add(Key("h", spend_nanousd=10), 5) == 20
    assert spend.add(Key("h", spend_nanousd=20), 1) == 21


@pytest.mark.parametrize("endpoint", ["count_tokens", "moderations"])
async def test_what_nobody_charges_for_is_free_even_when_its_client_leaves(endpoint: str) -> None:
    asked = call(endpoint=endpoint)
    record = await ended(call=asked, ok=False, http_status=0, error="incomplete")
    assert (record.usage, record.cost_nanousd, record.estimated) == (Usage(), 0, False)
    journal = ListJournal()
    settler(journal).begin(asked, deployment())
    [begun] = journal.records
    assert isinstance(begun, Begun) and begun.prompt_cost_nanousd == 0


async def test_what_another_model_used_is_paid_at_its_own_price() -> None:
    heard = Usage(input=1_000_000, audio_input=1_000_000)
    record = await ended(usage=Usage(input=10), beside={"gpt-4o-transcribe": heard})
    assert record.cost_nanousd == 10 * 3000 + 6_000_000_000
    assert record.usage == Usage(input=1_000_010, audio_input=1_000_000)


async def test_seconds_of_another_model_are_paid_or_of_unknown_price_and_never_free() -> None:
    heard = Usage(audio_milliseconds=10_000)
    record = await ended(usage=Usage(input=10), beside={"whisper-1": heard})
    assert record.cost_nanousd == 10 * 3000 + 1_000_000
    assert "unpriced" not in record.metadata
    record = await ended(usage=Usage(input=10), beside={"gpt-4o-transcribe": heard})
    assert record.cost_nanousd is None


@pytest.mark.parametrize("model", ["", "gpt-4o", "nobody-knows-this"])
async def test_a_model_without_a_price_costs_what_the_deployment_does(model: str) -> None:
    record = await ended(usage=Usage(), beside={model: Usage(input=10)})
    assert record.cost_nanousd == 10 * 3000


async def test_a_unit_of_unknown_price_is_said_in_the_row() -> None:
    priced = deployment(provider="openai", model="gpt-4o", price=None)
    both = await ended(deployment=priced, usage=Usage(input=1000, characters=5))
    assert both.cost_nanousd and both.metadata["unpriced"] == ["characters"]
    alone = await ended(deployment=priced, usage=Usage(characters=5))
    assert alone.cost_nanousd is None
    own = await ended(usage=Usage(characters=5))
    assert own.cost_nanousd == 0 and own.metadata["unpriced"] == ["characters"]


async def test_what_nobody_can_know_the_cost_of_is_neither_free_nor_estimated() -> None:
    record = await ended(unmetered=True)
    assert (record.usage, record.cost_nanousd, record.estimated) == (Usage(), None, False)


async def test_model_that_the_answer_names_is_the_price_of_one_that_has_none() -> None:
    usage = Usage(input=1000, output=100)
    named = PriceBook(lambda: 0.0).price_of("openai", "gpt-4o")
    assert named is not None
    unknown = deployment(model="my-deployment", price=None)
    record = await ended(deployment=unknown, usage=usage, served_model="gpt-4o")
    assert record.cost_nanousd == named.cost_nanousd(usage)
    priced = await ended(usage=usage, served_model="gpt-5-pro")
    assert priced.cost_nanousd == 1000 * 3000 + 100 * 15000
    assert (await ended(deployment=unknown, usage=usage)).cost_nanousd is None

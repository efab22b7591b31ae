from dataclasses import replace
from types import MappingProxyType

import pytest

from extproc._pb import journal_pb2
from extproc.domain.ledger import Begun, Ended, Noted
from extproc.domain.usage import Usage
from extproc.stores.records import decode, encode_begun, encode_ended, encode_noted
from extproc.stores.segments import MAX_PAYLOAD_BYTES
from tests.contracts.values import BEGUN, ENDED


def test_begun_survives() -> None:
    assert decode(encode_begun(BEGUN)) == BEGUN


@pytest.mark.parametrize(
    "ended",
    [
        ENDED,
        replace(ENDED, cost_nanousd=None, first_byte_at=None),
        replace(ENDED, cost_nanousd=0, first_byte_at=0.0, usage=Usage(), metadata={}),
        Ended("a", 1.0, "failure", 0),
    ],
)
def test_ended_survives(ended: Ended) -> None:
    assert decode(encode_ended(ended)) == ended


def test_noted_survives_and_is_no_end() -> None:
    assert decode(encode_noted(Noted(ENDED))) == Noted(ENDED)
    absurd = decode(encode_noted(Noted(replace(ENDED, usage=Usage(10**30)))))
    assert isinstance(absurd, Noted) and absurd.so_far.usage.input == 2**63 - 1


def test_values_that_cannot_be_encoded_are_replaced() -> None:
    begun = replace(BEGUN, model="\ud800", metadata={"user": "\udfff", "n": 10**30})
    recorded = decode(encode_begun(begun))
    assert isinstance(recorded, Begun)
    assert recorded.model == "\ufffd"
    assert recorded.metadata == {"user": "\ufffd", "n": 2**63 - 1}


def test_absurd_token_counts_are_clamped() -> None:
    recorded = decode(encode_ended(replace(ENDED, usage=Usage(10**30), cost_nanousd=10**30)))
    assert isinstance(recorded, Ended)
    assert (recorded.usage.input, recorded.cost_nanousd) == (2**63 - 1, 2**63 - 1)


def test_metadata_may_be_a_read_only_mapping() -> None:
    begun = replace(BEGUN, metadata=MappingProxyType({"a": MappingProxyType({"b": 1})}))
    recorded = decode(encode_begun(begun))
    assert recorded is not None
    assert recorded.metadata == {"a": {"b": 1}}


def test_large_metadata_loses_its_large_items_only() -> None:
    begun = replace(BEGUN, metadata={"user": "u", "blob": "x" * 2_000_000})
    data = encode_begun(begun)
    recorded = decode(data)
    assert recorded is not None
    assert recorded.metadata == {"user": "u", "truncated": True}
    assert len(data) < MAX_PAYLOAD_BYTES


def test_a_record_of_a_later_version_is_passed_over() -> None:
    assert decode(journal_pb2.Record().SerializeToString()) is None

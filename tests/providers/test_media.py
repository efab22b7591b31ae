"""Pictures, sound and moderation: what odd answers and odd requests do to the bill."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.domain.usage import Usage
from extproc.errors import ProviderError
from extproc.providers import media
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from tests.calls import deployment

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)
COMPLETED = {"type": "image_generation.completed", "usage": {"input_tokens": 2, "output_tokens": 8}}


def frame(event: Any) -> Frame:
    return Frame(data=orjson.dumps(event))


@pytest.mark.parametrize("n", [None, "", "two", 0, -1, True, 1.5, [], {}])
def test_a_number_of_pictures_that_is_none_counts_as_one(n: Any) -> None:
    chunks = media.IMAGES.chunks(Request({"n": n}, deployment(), streaming=True))
    chunks.feed(frame(COMPLETED))
    assert chunks.done


@pytest.mark.parametrize("n", [2, "2"])
def test_a_stream_of_two_pictures_ends_with_the_second(n: Any) -> None:
    chunks = media.IMAGES.chunks(Request({"n": n}, deployment(), streaming=True))
    chunks.feed(frame(COMPLETED))
    assert not chunks.done
    chunks.feed(frame(COMPLETED))
    assert chunks.done
    assert chunks.usage == Usage(input=2, output=8, image_output=8)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": ODD,
            "output_tokens": ODD,
            "seconds": ODD,
            "input_tokens_details": ODD,
            "output_tokens_details": ODD,
        },
    )
    | ODD
)
def test_an_odd_usage_is_read_or_counts_as_none(raw: Any) -> None:
    found = media.usage(raw)
    assert found is None or (found.input >= 0 and found.output >= 0)


@given(ODD)
def test_an_odd_event_is_passed_or_a_failure(event: Any) -> None:
    chunks = media.TRANSCRIPTIONS.chunks(Request({}, deployment(), streaming=True))
    try:
        passed = chunks.feed(frame(event))
    except ProviderError:
        return
    assert passed == [event]

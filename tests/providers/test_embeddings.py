"""OpenAI's embeddings format as the hub."""

import struct
from base64 import b64decode
from typing import Any

import pytest

from extproc.errors import InvalidRequest, ProviderError, UnsupportedParams
from extproc.providers import embeddings
from extproc.providers.base import Request
from tests.calls import deployment


def request(drop_params: bool = False, **body: Any) -> Request:
    return Request(body=body, deployment=deployment(), drop_params=drop_params)


@pytest.mark.parametrize("given", [None, 3, [], [1, 2], [[1, 2]], ["a", None], {"a": "b"}])
def test_only_texts_can_be_embedded(given: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        embeddings.inputs({"input": given})
    assert caught.value.error_param == "input"


def test_dimensions_are_refused_where_they_are_lacking_or_dropped() -> None:
    with pytest.raises(UnsupportedParams):
        embeddings.given(request(input="a", dimensions=5), frozenset())
    assert embeddings.given(request(True, input="a", dimensions=5), frozenset()) == {"input": "a"}
    kept = embeddings.given(request(input="a", dimensions=5), frozenset({"dimensions"}))
    assert kept["dimensions"] == 5


def test_floats_are_packed_for_a_client_that_asked_for_base64() -> None:
    made = embeddings.listing(request(input="a", encoding_format="base64"), [[0.5, -2]], None)
    packed = made.body["data"][0]["embedding"]
    assert struct.unpack("<2f", b64decode(packed)) == (0.5, -2.0)


@pytest.mark.parametrize("vectors", [None, "x", [None], [{"a": 1}], [["x"]], [[10**400]]])
def test_what_is_no_vector_is_502(vectors: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        embeddings.listing(request(input="a", encoding_format="base64"), vectors, None)
    assert caught.value.status == 502

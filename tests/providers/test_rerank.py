"""Reranking by the table."""

from typing import Any

import pytest

from extproc.errors import InvalidRequest
from extproc.providers import rerank
from extproc.providers.base import Request
from tests.calls import deployment

TEI = rerank.translator(rerank.TEI)


def request(**body: Any) -> Request:
    asked = {"query": "q", "documents": ["a", "b"], **body}
    return Request(body=asked, deployment=deployment(provider="tei"), call_id="c1")


def test_the_best_comes_first_whatever_order_they_came_in() -> None:
    scored = {"list": [{"index": 0, "score": 0.1}, {"index": 1, "score": 0.9}]}
    found = TEI.response(scored, request()).body["results"]
    assert [one["index"] for one in found] == [1, 0]


def test_no_more_than_asked_for_where_the_provider_cannot_be_told() -> None:
    assert "top_n" not in TEI.request(request(top_n=1)).body
    scored = {"list": [{"index": 0, "score": 0.1}, {"index": 1, "score": 0.9}]}
    assert len(TEI.response(scored, request(top_n=1)).body["results"]) == 1


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"query": None}, "query"),
        ({"documents": "a"}, "documents"),
        ({"documents": ["a", 3]}, "documents"),
        ({"top_n": "all"}, "top_n"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        TEI.request(request(**body))
    assert caught.value.error_param == param


def test_a_document_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(InvalidRequest):
        TEI.request(request(documents=[{"a": deep}]))

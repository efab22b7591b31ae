"""Jina's, Voyage's and TEI's endpoints of the simulated provider."""

from typing import Any

import httpx
import pytest

BEARER = {"authorization": "Bearer k"}


def post(url: str, path: str, body: dict[str, Any]) -> Any:
    answer = httpx.post(url + path, json=body, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_voyage(url: str) -> None:
    said = post(url, "/voyage/v1/embeddings", {"model": "v", "input": ["a b", "c"]})
    assert (len(said["data"]), said["usage"]) == (2, {"total_tokens": 3})
    asked = {"model": "r", "query": "a b", "documents": ["c", "b a"], "top_k": 1}
    said = post(url, "/voyage/v1/rerank", asked)
    assert said["data"] == [{"index": 1, "relevance_score": 1.0}]


def test_jina(url: str) -> None:
    said = post(url, "/jina/v1/embeddings", {"model": "j", "input": ["a b"]})
    assert said["usage"]["total_tokens"] == 2
    said = post(url, "/jina/v1/rerank", {"model": "r", "query": "a", "documents": [{"text": "a"}]})
    assert said["results"][0]["document"] == {"text": "a"}


def test_tei(url: str) -> None:
    assert len(post(url, "/tei/embed", {"inputs": ["a", "b"]})) == 2
    said = post(url, "/tei/rerank", {"query": "a", "texts": ["c", "a"], "return_text": True})
    assert said[0] == {"index": 1, "score": 1.0, "text": "a"}
    assert post(url, "/tei/v1/embeddings", {"model": "t", "input": "a b"})["object"] == "list"


@pytest.mark.parametrize("name", ["jina", "voyage"])
def test_a_key_is_needed(url: str, name: str) -> None:
    answer = httpx.post(f"{url}/{name}/v1/embeddings", json={"model": "m", "input": "a"})
    assert (answer.status_code, list(answer.json())) == (401, ["detail"])

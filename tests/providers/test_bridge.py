"""A client format over chat: what goes in is chat, what comes out is the client's."""

from typing import Any

import pytest

from extproc.domain.deployment import Deployment, Upstream
from extproc.domain.usage import Usage
from extproc.errors import InvalidRequest, ProviderError
from extproc.providers import openai
from extproc.providers.base import Request
from extproc.providers.bridge import Bridge, over
from extproc.providers.chat import wrong
from extproc.providers.frames import Frame

Json = dict[str, Any]
DEPLOYMENT = Deployment(
    id="d1",
    group="g",
    provider="openai",
    model="upstream-model",
    upstream=Upstream("https", "provider.test", 443),
)


def _request(asked: Request) -> Json:
    """A format in which a request is one question."""
    if not isinstance(asked.body.get("question"), str):
        raise wrong("question", "a string")
    return {"messages": [{"role": "user", "content": asked.body["question"]}]}


def _response(body: Json, asked: Request) -> Json:
    return {"to": asked.body["question"], "said": body["choices"][0]["message"]["content"]}


class _Events:
    def __init__(self, asked: Request) -> None:
        self._question = asked.body["question"]

    def feed(self, chunk: Json) -> list[Json]:
        deltas = [choice["delta"] for choice in chunk["choices"]]
        return [{"said": delta["content"]} for delta in deltas if "content" in delta]

    def finish(self) -> list[Json]:
        return [{"answered": self._question}]


BRIDGED = over(Bridge(_request, _response, _Events, lambda body, asked: [body]), openai.CHAT)
ASKED = Request(body={"question": "Why?"}, deployment=DEPLOYMENT, call_id="c1")


def piece(text: str) -> Frame:
    return Frame(b'{"choices":[{"index":0,"delta":{"content":"%s"}}]}' % text.encode())


def test_the_provider_is_asked_in_its_own_format() -> None:
    outgoing = BRIDGED.request(ASKED)
    assert outgoing.path == "/chat/completions"
    assert outgoing.body == {
        "model": "upstream-model",
        "messages": [{"role": "user", "content": "Why?"}],
    }
    assert ASKED.body == {"question": "Why?"}


def test_a_wrong_request_is_named_in_the_clients_words() -> None:
    with pytest.raises(InvalidRequest, match="question"):
        BRIDGED.request(Request(body={}, deployment=DEPLOYMENT))


def test_the_answer_is_the_clients_and_its_usage_the_providers() -> None:
    raw = {
        "choices": [{"message": {"content": "So."}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    incoming = BRIDGED.response(raw, ASKED)
    assert incoming.body == {"to": "Why?", "said": "So."}
    assert incoming.usage == Usage(input=3, output=2)
    assert incoming.text == "So."


def test_a_stream_ends_with_the_clients_own_end_once() -> None:
    chunks = BRIDGED.chunks(ASKED)
    assert chunks.feed(piece("So")) == [{"said": "So"}]
    assert not chunks.done
    assert chunks.feed(Frame(b'{"choices":[],"usage":{"prompt_tokens":3,"total_tokens":4}}')) == []
    assert chunks.feed(Frame(b"[DONE]")) == [{"answered": "Why?"}]
    assert chunks.done
    assert chunks.finish() == []
    assert chunks.feed(piece("more")) == []
    assert chunks.usage == Usage(input=3, output=1)
    assert chunks.text == "So"


def test_a_cut_stream_has_no_end() -> None:
    chunks = BRIDGED.chunks(ASKED)
    chunks.feed(piece("So"))
    assert chunks.finish() == []
    assert not chunks.done


def test_an_error_in_the_stream_is_the_providers() -> None:
    with pytest.raises(ProviderError, match="overloaded"):
        BRIDGED.chunks(ASKED).feed(Frame(b'{"error":{"message":"overloaded"}}'))
    refused = BRIDGED.error(429, {}, b'{"error":{"message":"slow down"}}', DEPLOYMENT)
    assert refused.status == 429

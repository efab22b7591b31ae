"""Content in parts, as OpenAI's text."""

from typing import Any

import orjson
import pytest

from extproc.errors import ProviderError
from extproc.providers import databricks, mistral
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from tests.calls import deployment

REQUEST = Request(body={}, deployment=deployment())


def chunk(**members: Any) -> Frame:
    return Frame(orjson.dumps({"id": "c", "choices": [], **members}))


def test_the_last_of_several_usages_is_told_once_at_the_end() -> None:
    chunks = databricks.CHAT.chunks(REQUEST)
    for total in (2, 3):
        said = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
        fed = chunks.feed(chunk(choices=[said], usage={"prompt_tokens": 1, "total_tokens": total}))
        assert "usage" not in fed[0]
    [last] = chunks.feed(Frame(b"[DONE]"))
    assert last["choices"] == [] and last["usage"]["total_tokens"] == 3
    assert chunks.done and chunks.usage is not None and chunks.usage.total == 3


def test_a_choice_that_failed_ends_the_stream() -> None:
    chunks = mistral.CHAT.chunks(REQUEST)
    with pytest.raises(ProviderError):
        chunks.feed(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "error"}]))


def test_thoughts_count_for_an_estimate() -> None:
    chunks = mistral.CHAT.chunks(REQUEST)
    part = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    chunks.feed(chunk(choices=[{"index": 0, "delta": {"content": [part]}}]))
    assert chunks.text == "Hm" and not chunks.done

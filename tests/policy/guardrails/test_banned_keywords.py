"""A banned word is refused wherever it stands in a request, in any case."""

from typing import Any

import pytest

from extproc.errors import GuardrailRefused
from extproc.policy.guardrails.banned_keywords import BannedKeywords
from tests.calls import call

HELLO = BannedKeywords("banned_keywords", ("hello", "bye"))


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat", {"messages": [{"role": "user", "content": "Hello world!"}]}),
        (
            "chat",
            {"messages": [{"role": "tool", "content": [{"type": "text", "text": "oHELLOo"}]}]},
        ),
        ("completions", {"prompt": ["fine", "hello"]}),
        ("embeddings", {"input": "hello"}),
    ],
)
async def test_a_banned_word_is_refused(endpoint: Any, body: dict[str, Any]) -> None:
    with pytest.raises(GuardrailRefused) as refused:
        await HELLO.check(call(endpoint=endpoint, body=body))
    assert refused.value.status == 400
    assert refused.value.envelope() == {
        "error": {
            "message": "Keyword banned. Keyword=hello",
            "type": "invalid_request_error",
            "param": None,
            "code": "400",
            "provider_specific_fields": {"error": "Keyword banned. Keyword=hello"},
        }
    }


async def test_other_words_pass_and_the_guardrail_is_named() -> None:
    given = call(body={"messages": [{"role": "user", "content": "Hel lo"}], "user": "hello"})
    checked = await HELLO.check(given)
    assert checked.body is given.body
    assert not checked.body_changed
    assert checked.applied_guardrails == ("banned_keywords",)

"""Text-generation-inference where the cases say nothing."""

from extproc.providers import tgi
from extproc.providers.base import Request
from tests.calls import deployment


def test_an_answer_of_its_root_is_an_array_of_one() -> None:
    answer = {"list": [{"generated_text": "Hi"}]}
    request = Request(body={"prompt": "x"}, deployment=deployment(), call_id="c1")
    assert tgi.COMPLETIONS.response(answer, request).body["choices"][0]["text"] == "Hi"


def test_both_its_formats_live_below_one_base() -> None:
    body = {"prompt": "x", "messages": []}
    request = Request(body=body, deployment=deployment())
    assert tgi.CHAT.request(request).path == "/v1/chat/completions"
    assert tgi.COMPLETIONS.request(request).path == "/generate"

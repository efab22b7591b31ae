"""What the cases do not show: odd answers and odd pieces of a container's stream."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError, ProviderError, UnsupportedParams
from extproc.providers import frames, registry, sagemaker
from extproc.providers.base import Request
from extproc.providers.frames import Frame
from extproc.providers.sagemaker.parts import EitherDecoder
from tests.providers import cases
from tests.providers.test_hostile import ODD, paths, replaced

CASES = [case for case in cases.found() if case.parts[-2] in ("sagemaker", "sagemaker_chat")]
ASKED = {"messages": [{"role": "user", "content": "hi"}], "prompt": "hi"}


def ask(body: Any = None, schema: str = "sagemaker", **more: Any) -> Request:
    upstream = Upstream("https", "provider.test", 443)
    deployment = Deployment("d", "g", schema, "endpoint", upstream, schema=schema)
    return Request(ASKED if body is None else body, deployment, call_id="c1", **more)


@pytest.mark.parametrize("body", [[{"generated_text": "x"}], {"generated_text": "x"}])
def test_an_answer_is_an_object_or_a_list_of_one(body: Any) -> None:
    shown = {"list": body} if isinstance(body, list) else body
    assert sagemaker.CHAT.response(shown, ask()).text == "x"
    assert sagemaker.COMPLETIONS.response(shown, ask()).text == "x"


@pytest.mark.parametrize("found", [{}, {"list": []}, {"list": [None]}, {"generated_text": None}])
def test_an_answer_without_a_text_is_unusable(found: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sagemaker.CHAT.response(found, ask())
    assert caught.value.status == 502


def test_text_needs_no_grammar_and_json_of_any_shape_has_none() -> None:
    def sent(kind: str, **more: Any) -> Any:
        body = {**ASKED, "response_format": {"type": kind}}
        return sagemaker.CHAT.request(ask(body, **more)).body["parameters"]

    assert sent("text") == sent("json_object", drop_params=True) == {"details": True}
    with pytest.raises(UnsupportedParams, match=r"json_schema") as refused:
        sent("json_object", allowed=frozenset({"response_format"}))
    assert "allowed_openai_params" not in str(refused.value)


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b'\n \n{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b'[1]\n{"b":2}\n', [b"[1]", b'{"b":2}']),
        (b'data:{"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
        (b'event: x\ndata: {"a":1}', [b'{"a":1}']),
        (b"", []),
        (b" \n", []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_events_and_lines_are_told_apart(stream: bytes, data: list[bytes], size: int) -> None:
    decoder = EitherDecoder()
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    found = [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.flush()
    assert [frame.data for frame in found] == data


def test_a_piece_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 100)
    chunks = sagemaker.CHAT.chunks(ask(streaming=True))
    with pytest.raises(ProviderError) as caught:
        chunks.feed(Frame(b"{" * 101, "PayloadPart"))
    assert caught.value.status == 502


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_an_odd_request_is_refused_or_sent(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    body = json.loads((case / "request.json").read_text())
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    odd = replaced(body, path, data.draw(ODD))
    translator = registry.find(case.parts[-3], case.parts[-2])  # type: ignore[arg-type]
    try:
        translator.request(ask(odd, case.parts[-2], drop_params=data.draw(st.booleans())))
    except GatewayError as error:
        assert error.status == 400, error


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_odd_tokens_are_skipped_or_end_the_stream(data: st.DataObject) -> None:
    end = {"generated_text": "x", "details": {"finish_reason": "length", "input_length": 1}}
    events = [{"token": {"text": "a", "special": False}}, {"token": {"text": "b"}, **end}]
    path = data.draw(st.sampled_from([path for path in paths(events) if path]))
    odd = replaced(events, path, data.draw(ODD))
    chunks = sagemaker.CHAT.chunks(ask(streaming=True))
    try:
        for event in odd:
            json.dumps(chunks.feed(Frame(json.dumps(event).encode() + b"\n", "PayloadPart")))
        json.dumps(chunks.finish())
    except ProviderError as error:
        assert error.status >= 400
    assert isinstance(chunks.text, str)


@given(st.binary(max_size=60), st.integers(400, 599))
def test_any_refusal_is_told(body: bytes, status: int) -> None:
    told = sagemaker.CHAT.error(status, {}, body, ask().deployment)
    assert told.status >= 400

"""Whatever a client or a provider sends in place of what was meant: errors of ours, no others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.errors import GatewayError
from extproc.providers import decoders, registry
from extproc.providers.base import Request, Translator
from extproc.providers.frames import Frame
from tests.providers import cases

FOUND = cases.found()


def _is_json(data: bytes) -> bool:
    try:
        return json.loads(data) not in ({}, [])
    except ValueError:
        return False


def frames_of(case: Path) -> list[Frame]:
    """The events of a stream that hold JSON."""
    [source] = case.glob("upstream.*")
    decoder = decoders.decoder_of(cases.STREAMS[source.suffix[1:]])
    frames = decoder.feed(source.read_bytes()) + decoder.flush()
    return [frame for frame in frames if _is_json(frame.data)]


def _has(case: Path, name: str) -> bool:
    return (case / name).exists()


ANSWERED = [
    case
    for case in FOUND
    if _has(case, "upstream.json") and _is_json((case / "upstream.json").read_bytes())
]
STREAMED = [
    case
    for case in FOUND
    if (_has(case, "upstream.sse") or _has(case, "upstream.ndjson")) and frames_of(case)
]
LEAVES = st.sampled_from(
    [None, True, False, 0, -1, 2**63, 1.5, 1e308, "", "x", "é\x00", [], {}, [None], [[]], [{}]]
)
ODD = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value inside this one stands."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [here, *(path for name, item in inner for path in paths(item, (*here, name)))]


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A copy in which another value stands there."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


def request_of(case: Path, body: Any = None, **more: Any) -> Request:
    """The case's request, or the same with another body."""
    request = cases.request_of(case)[0]
    return replace(request, body=request.body if body is None else body, **more)


def translator_of(case: Path) -> Translator:
    endpoint: Any = case.parts[-3]
    return registry.find(endpoint, case.parts[-2])


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_request_is_refused_or_sent(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(FOUND))
    body = request_of(case).body
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    odd = replaced(body, path, data.draw(ODD))
    translator = translator_of(case)
    try:
        translator.request(request_of(case, odd, drop_params=data.draw(st.booleans())))
    except GatewayError as error:
        assert error.status == 400, error


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_answer_is_told_or_is_502(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(ANSWERED))
    body = json.loads((case / "upstream.json").read_bytes())
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    odd = replaced(body, path, data.draw(ODD))
    translator = translator_of(case)
    request = request_of(case)
    try:
        incoming = translator.response({"list": odd} if isinstance(odd, list) else odd, request)
    except GatewayError as error:
        assert error.status >= 400
    else:
        json.dumps(translator.unstream(incoming.body, request))


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_event_is_skipped_told_or_ends_the_stream(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(STREAMED))
    frames = frames_of(case)
    place = data.draw(st.integers(0, len(frames) - 1))
    body = json.loads(frames[place].data)
    path = data.draw(st.sampled_from(paths(body)))
    frames[place] = Frame(json.dumps(replaced(body, path, data.draw(ODD))).encode())
    translator = translator_of(case)
    chunks = translator.chunks(request_of(case, streaming=True))
    try:
        for frame in frames:
            json.dumps(chunks.feed(frame))
        json.dumps(chunks.finish())
    except GatewayError as error:
        assert error.status >= 400
    assert isinstance(chunks.text, str)

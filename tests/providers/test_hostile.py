"""Whatever a client or a provider sends in place of what was meant: errors of ours, no others."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.errors import GatewayError
from extproc.providers import decoders, registry
from extproc.providers.base import Request, Translator
from extproc.providers.frames import Frame
from tests.calls import deployment
from tests.providers import cases

_SCHEMAS = "cohere mistral ollama databricks watsonx replicate tgi tei jina voyage infinity"
SCHEMAS = frozenset(_SCHEMAS.split())
FOUND = [case for case in cases.found() if case.parts[-2] in SCHEMAS]
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


def request_of(case: Path, body: Any, **more: Any) -> Request:
    made = deployment(schema=case.parts[-2], provider=case.parts[-2], model="owner/model")
    return Request(body=body, deployment=made, call_id="c1", **more)


def translator_of(case: Path) -> Translator:
    endpoint: Any = case.parts[-3]
    return registry.find(endpoint, case.parts[-2])


def asked(case: Path) -> Any:
    return json.loads((case / "request.json").read_text())


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_request_is_refused_or_sent(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(FOUND))
    body = asked(case)
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
    case = data.draw(st.sampled_from([case for case in FOUND if (case / "upstream.json").exists()]))
    body = json.loads((case / "upstream.json").read_text())
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    odd = replaced(body, path, data.draw(ODD))
    translator = translator_of(case)
    request = request_of(case, asked(case))
    try:
        incoming = translator.response({"list": odd} if isinstance(odd, list) else odd, request)
    except GatewayError as error:
        assert error.status >= 400
    else:
        json.dumps(translator.unstream(incoming.body, request))


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_event_is_skipped_told_or_ends_the_stream(data: st.DataObject) -> None:
    streams = [
        c for c in FOUND if (c / "upstream.sse").exists() or (c / "upstream.ndjson").exists()
    ]
    case = data.draw(st.sampled_from(streams))
    [source] = case.glob("upstream.*")
    decoder = decoders.decoder_of(cases.STREAMS[source.suffix[1:]])
    frames = [f for f in decoder.feed(source.read_bytes()) + decoder.flush() if f.data[:1] == b"{"]
    place = data.draw(st.integers(0, len(frames) - 1))
    body = json.loads(frames[place].data)
    path = data.draw(st.sampled_from(paths(body)))
    frames[place] = Frame(json.dumps(replaced(body, path, data.draw(ODD))).encode())
    translator = translator_of(case)
    chunks = translator.chunks(request_of(case, asked(case), streaming=True))
    try:
        for frame in frames:
            json.dumps(chunks.feed(frame))
        json.dumps(chunks.finish())
    except GatewayError as error:
        assert error.status >= 400
    assert isinstance(chunks.text, str)

"""Google's format: what the cases do not show, odd values above all."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.domain.usage import Usage
from extproc.errors import GatewayError, InvalidRequest, ProviderError, UnsupportedParams
from extproc.providers import gemini
from extproc.providers.base import Request, Translator
from extproc.providers.frames import Frame
from extproc.providers.gemini.errors import error
from extproc.providers.gemini.grounding import annotations
from extproc.providers.gemini.sites import generation
from extproc.providers.gemini.usage import usage
from tests.calls import deployment
from tests.providers import cases

TRANSLATORS = {
    "chat": gemini.CHAT,
    "embeddings": gemini.EMBEDDINGS,
    "generate": gemini.GENERATE,
}
CASES = [
    case
    for case in cases.found()
    if case.parts[-2] in ("gemini", "vertex") and case.parts[-3] in TRANSLATORS
]
WORDS = ["user", "tool", "data:x;base64,", "data:", "function", "STOP", "__thought__", "🙂"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=9),
    st.sampled_from(WORDS),
)
ODD: st.SearchStrategy[Any] = SCALARS | st.lists(SCALARS, max_size=2) | st.just({}) | st.just([{}])


def asked(body: dict[str, Any], **changes: Any) -> Request:
    about = {"schema": "gemini", "provider": "gemini", "model": "gemini-2.5-flash", **changes}
    return Request(body, deployment(**about), call_id="c1", at=1.0)


def sent(**more: Any) -> Any:
    body = {"messages": [{"role": "user", "content": "Hi"}], **more}
    return gemini.CHAT.request(asked(body)).body


def frame(chunk: Any) -> Frame:
    return Frame(orjson.dumps(chunk))


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gemini-2.5-flash", 2),
        ("gemini-3-pro-preview", 3),
        ("models/gemini-10-flash", 10),
        ("gemini-123-flash", 0),
        ("gemini-flash-latest", 0),
        ("4965075652664360960", 0),
    ],
)
def test_generation_is_read_from_the_name(name: str, expected: int) -> None:
    assert generation(deployment(model=name)) == expected


def test_tuned_models_generation_is_its_base_models() -> None:
    assert generation(deployment(model="endpoints/12", base_model="gemini/gemini-3-flash")) == 3


def test_wait_that_google_asks_for_becomes_a_header() -> None:
    def waited(delay: str, headers: dict[str, str]) -> str | None:
        body = orjson.dumps({"error": {"message": "m", "details": [{"retryDelay": delay}]}})
        return error(429, headers, body, deployment()).headers.get("retry-after")

    assert waited("31.4s", {}) == "32"
    assert waited("31.4s", {"retry-after": "5"}) == "5"
    assert waited("9" * 400 + "s", {}) == "86400"
    assert waited("soon", {}) is None and waited("s", {}) is None and waited("٣s", {}) is None


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'["x"]', b'{"error": "x"}', b"\xff"])
def test_odd_error_bodies_are_errors_with_their_status(body: bytes) -> None:
    assert error(503, {}, body, deployment()).status == 503


def test_counts_that_are_none_say_nothing() -> None:
    assert usage(None) is None and usage([]) is None and usage({}) is None
    assert usage({"promptTokenCount": "7", "candidatesTokenCount": -1}) is None
    assert usage({"promptTokenCount": 7, "thoughtsTokenCount": True}) == Usage(input=7)


def test_thoughts_count_once_when_the_candidates_hold_them() -> None:
    apart = {"promptTokenCount": 5, "candidatesTokenCount": 10, "thoughtsTokenCount": 30}
    assert usage({**apart, "totalTokenCount": 45}) == Usage(input=5, output=40, reasoning=30)
    held = {"promptTokenCount": 5, "candidatesTokenCount": 40, "thoughtsTokenCount": 30}
    assert usage({**held, "totalTokenCount": 45}) == Usage(input=5, output=40, reasoning=30)


def test_parallel_calls_cannot_be_forbidden_but_a_single_tool_needs_no_forbidding() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert "tools" in sent(tools=[tool], parallel_tool_calls=False)
    with pytest.raises(UnsupportedParams):
        sent(tools=[tool, tool], parallel_tool_calls=False)


def test_choice_without_functions_is_not_sent() -> None:
    assert "toolConfig" not in sent(tool_choice="required")


def test_same_search_is_not_asked_twice() -> None:
    body = sent(tools=[{"googleSearch": {}}], web_search_options={})
    assert body["tools"] == [{"googleSearch": {}}]


def test_stop_may_be_one_string() -> None:
    assert sent(stop="END")["generationConfig"] == {"stopSequences": ["END"]}
    assert "generationConfig" not in sent(stop=[], logit_bias={}, n=None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("stop", [1]),
        ("temperature", "hot"),
        ("seed", True),
        ("modalities", [{}]),
        ("modalities", ["smell"]),
        ("response_format", "json"),
        ("response_format", {"type": "xml"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x"}}),
        ("tools", {}),
        ("tools", [{"type": "custom", "custom": {"name": "x"}}]),
        ("tools", [{"googleSearch": {}, "unknown": {}}]),
        ("service_tier", ["flex"]),
        ("reasoning_effort", {"effort": "low"}),
        ("thinking", {"type": "enabled", "budget_tokens": "many"}),
        ("generation_config", []),
    ],
)
def test_wrong_members_are_named(member: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(**{member: value})
    assert member in str(caught.value)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "ftp://x.test/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png,x"}},
        {"type": "image_url"},
        {"type": "input_audio", "input_audio": {"data": "no base64", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-abc"}},
        {"type": "file", "file": {"file_id": "https://[x"}},
        {"type": "file", "file": {"file_data": "JVBERi0="}},
        {"type": "hologram"},
    ],
)
def test_parts_that_google_does_not_take_are_named(part: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": [part]}]}
    with pytest.raises(InvalidRequest, match=r"messages\[0\].content\[0\]"):
        gemini.CHAT.request(asked(body))


def test_stream_is_not_done_while_a_choice_has_no_end() -> None:
    chunks = gemini.CHAT.chunks(asked({}))
    chunks.feed(frame(said("a", finishReason="STOP", index=0)))
    chunks.feed(frame(said("b", index=1)))
    assert chunks.finish() == [] and not chunks.done
    chunks.feed(frame(said("", finishReason="STOP", index=1)))
    assert chunks.finish() and chunks.done
    assert chunks.finish() == []


def test_error_in_a_list_ends_the_stream() -> None:
    chunks = gemini.CHAT.chunks(asked({}))
    with pytest.raises(ProviderError) as caught:
        chunks.feed(frame([{"error": {"code": 429, "message": "slow down"}}]))
    assert caught.value.status == 429


def test_arguments_too_deep_to_write_are_none() -> None:
    args = orjson.loads("[" * 300 + "]" * 300)
    part = {"functionCall": {"name": "f", "args": {"a": args}}}
    whole = gemini.CHAT.response({"candidates": [{"content": {"parts": [part]}}]}, asked({}))
    [call] = whole.body["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "f", "arguments": "{}"}


def test_audio_in_pieces_is_one_piece() -> None:
    parts = [{"inlineData": {"mimeType": "audio/L16", "data": data}} for data in ("AA==", "AQ==")]
    whole = gemini.CHAT.response({"candidates": [{"content": {"parts": parts}}]}, asked({}))
    assert whole.body["choices"][0]["message"]["audio"]["data"] == "AAE="


def test_request_with_its_own_endpoint_number_is_escaped_once() -> None:
    place = {"schema": "vertex", "options": {"vertex_project": "a/b"}}
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    path = gemini.CHAT.request(asked(body, model="endpoints/x:1%2F2", **place)).path
    assert path == "/v1/projects/a%2Fb/locations/us-central1/endpoints/x%3A1%252F2:generateContent"


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*path, key))


def _with(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    value = copy.copy(value)
    value[path[0]] = _with(value[path[0]], path[1:], odd)
    return value


def _found(kind: str) -> list[tuple[Translator, Any, dict[str, Any]]]:
    """(translator, request or answer, deployment) of every case that has such a file."""
    found = []
    for case in CASES:
        if not (case / kind).exists() or case.name == "error_not_json":
            continue
        about = json.loads((case / "case.json").read_text())["deployment"]
        changes = {**about, "schema": case.parts[-2], "provider": case.parts[-2]}
        value = json.loads((case / kind).read_text())
        found.append((TRANSLATORS[case.parts[-3]], value, changes))
    return found


@st.composite
def _spoilt(
    draw: st.DrawFn, found: list[tuple[Translator, Any, dict[str, Any]]]
) -> tuple[Translator, Any, dict[str, Any]]:
    """One of them, with one value anywhere in it replaced by another."""
    translator, value, changes = draw(st.sampled_from(found))
    path = draw(st.sampled_from(list(_places(value))))
    return translator, _with(value, path, draw(ODD)), changes


@given(_spoilt(_found("request.json")))
@settings(max_examples=250, deadline=None)
def test_spoilt_request_is_translated_or_refused(
    spoilt: tuple[Translator, Any, dict[str, Any]],
) -> None:
    translator, body, changes = spoilt
    if isinstance(body, dict):
        with suppress(GatewayError):
            orjson.dumps(translator.request(asked(body, **changes)).body)


@given(_spoilt(_found("upstream.json")))
@settings(max_examples=250, deadline=None)
def test_spoilt_answer_is_translated_or_unusable(
    spoilt: tuple[Translator, Any, dict[str, Any]],
) -> None:
    translator, body, changes = spoilt
    if isinstance(body, dict):
        with suppress(ProviderError):
            incoming = translator.response(body, asked({}, **changes))
            translator.unstream(incoming.body, asked({}))
    if translator is not gemini.EMBEDDINGS:
        chunks = translator.chunks(asked({}, **changes))
        with suppress(ProviderError):
            chunks.feed(frame(body))
            orjson.dumps(chunks.finish())


def declared(schema: dict[str, Any]) -> Any:
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    return sent(tools=[tool])["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}),
        ({"$ref": "#/definitions/A"}, {"$ref": "#/$defs/A"}),
        ({"$ref": "#/$defs/A", "title": "T"}, {"anyOf": [{"$ref": "#/$defs/A"}], "title": "T"}),
        ({"$ref": "#/$defs/A", "anyOf": []}, {"$ref": "#/$defs/A"}),
        ({"allOf": [{"$ref": "#/$defs/A"}]}, {"anyOf": [{"$ref": "#/$defs/A"}]}),
        ({"allOf": [{}, {}]}, {"allOf": [{}, {}]}),
        ({"const": 3}, {"enum": [3]}),
        ({"const": True}, {"const": True}),
        ({"default": {"$ref": "x", "const": 1}}, {"default": {"$ref": "x", "const": 1}}),
        ({"properties": {"const": {}, "$ref": {}}}, {"properties": {"const": {}, "$ref": {}}}),
        ({"items": True, "definitions": 3}, {"items": True}),
    ],
)
def test_a_schema_is_said_in_words_that_google_knows(given: Any, wanted: Any) -> None:
    assert declared({"properties": {"x": given}})["properties"]["x"] == wanted


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    with pytest.raises(InvalidRequest) as caught:
        declared(deep)
    assert caught.value.error_param == "tools"


def test_sources_that_are_no_pages_of_the_web_are_cited_too() -> None:
    chunks = [
        {"maps": {"uri": "https://maps.test/cafe", "title": "Cafe"}},
        {"retrievedContext": {"uri": "gs://acme/menu.pdf", "title": "Menu"}},
        {"image": {}},
    ]
    support = {"segment": {"endIndex": 4}, "groundingChunkIndices": [0, 1, 2]}
    found = annotations({"groundingChunks": chunks, "groundingSupports": [support]}, {}, "Here.")
    cited = [(one["url_citation"]["url"], one["url_citation"]["end_index"]) for one in found]
    assert cited == [("https://maps.test/cafe", 4), ("gs://acme/menu.pdf", 4)]


def test_a_stream_shows_what_it_searched_though_it_cites_nothing() -> None:
    stream = gemini.CHAT.chunks(asked({}))
    candidate = {"content": {"parts": [{"text": "Yes."}]}, "finishReason": "STOP"}
    searched = {"webSearchQueries": ["oslo weather"]}
    stream.feed(frame({"candidates": [{**candidate, "groundingMetadata": searched}]}))
    (last,) = stream.finish()
    assert last["vertex_ai_grounding_metadata"] == [searched]

"""What Bedrock is sent is what AWS's own model of Converse takes; odd input is told or skipped."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError, InvalidRequest, ProviderError
from extproc.providers import bedrock, chat, registry
from extproc.providers.base import Request
from extproc.providers.bedrock.media import document_name
from extproc.providers.bedrock.models import model_path
from extproc.providers.bedrock.turns import tool_id
from extproc.providers.frames import Frame
from tests.providers import cases
from tests.providers.providerschemas import converse
from tests.providers.test_hostile import ODD, paths, replaced

CASES = [case for case in cases.found() if case.parts[-2] == "bedrock"]
CHATS = [case for case in CASES if case.parts[-3] == "chat"]
SENT = [case for case in CHATS if "body" in json.loads((case / "outgoing.json").read_text())]
MODELS = [
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-4-7",
    "us.amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
    "meta.llama3-1-70b-instruct-v1:0",
]


def ask(body: dict[str, Any], model: str = MODELS[0], **more: Any) -> Request:
    upstream = Upstream("https", "provider.test", 443)
    deployment = Deployment("d1", "g", "bedrock", model, upstream, schema="bedrock")
    return Request(body, deployment, call_id="c1", **more)


def sent(body: dict[str, Any], model: str = MODELS[0], **more: Any) -> dict[str, Any]:
    return bedrock.CHAT.request(ask(body, model, **more)).body


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.name)
def test_every_reviewed_request_is_one_of_converse(case: Any) -> None:
    assert converse(json.loads((case / "outgoing.json").read_text())["body"]) == []


def test_the_check_finds_what_is_wrong() -> None:
    assert converse({"messages": [{"role": "user", "content": [{"text": 1}]}]})
    assert converse({"messages": [{"role": "tool", "content": []}]})
    assert converse({"messages": [], "more": 1})
    use = {"toolUseId": "a/b", "name": "n", "input": {}}
    assert converse({"messages": [{"role": "user", "content": [{"toolUse": use}]}]})


NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=8)
CACHE = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}])
CACHE |= st.just({"cache_control": {"type": "ephemeral", "ttl": "1h"}})
URLS = st.sampled_from(
    ["data:image/png;base64,AAAA", "data:application/pdf;base64,AAAA", "s3://bucket/a.webp"]
)
TEXT_PARTS = st.builds(lambda text, cache: {"type": "text", "text": text, **cache}, TEXTS, CACHE)
PARTS = st.one_of(
    TEXT_PARTS,
    st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, URLS),
    st.builds(
        lambda url, name: {"type": "file", "file": {"file_data": url, "filename": name}},
        URLS,
        st.text(max_size=300),
    ),
)
CONTENTS = TEXTS | st.lists(PARTS, min_size=1, max_size=3)
TEXT_CONTENTS = TEXTS | st.lists(TEXT_PARTS, min_size=1, max_size=2)
THOUGHTS = st.lists(
    st.sampled_from(
        [
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "thinking", "thinking": "t"},
            {"type": "redacted_thinking", "data": "AAAA"},
        ]
    ),
    max_size=2,
)
CALLS = st.lists(
    st.builds(
        lambda call_id, name, text: chat.tool_call(call_id, name, text),
        st.text(max_size=90),
        NAMES,
        st.sampled_from(["", "{}", '{"a":[1,null]}']),
    ),
    max_size=3,
)
MESSAGES = st.one_of(
    st.builds(lambda c: {"role": "system", "content": c}, TEXT_CONTENTS),
    st.builds(lambda c: {"role": "developer", "content": c}, TEXT_CONTENTS),
    st.builds(lambda c, cache: {"role": "user", "content": c, **cache}, CONTENTS, CACHE),
    st.builds(
        lambda c, calls, thoughts: {
            "role": "assistant",
            "content": c,
            "tool_calls": calls,
            "thinking_blocks": thoughts,
        },
        st.none() | TEXT_CONTENTS,
        CALLS,
        THOUGHTS,
    ),
    st.builds(
        lambda c, call_id, bad: {
            "role": "tool",
            "content": c,
            "tool_call_id": call_id,
            "is_error": bad,
        },
        CONTENTS,
        st.text(max_size=90),
        st.booleans(),
    ),
)
SCHEMAS = st.sampled_from(
    [{}, {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}]
)
TOOLS = st.lists(
    st.builds(
        lambda name, text, schema, strict, cache: {
            "type": "function",
            "function": {
                "name": name,
                "description": text,
                "parameters": schema,
                "strict": strict,
            },
            **cache,
        },
        NAMES,
        st.text(max_size=5),
        SCHEMAS,
        st.booleans(),
        CACHE,
    ),
    max_size=3,
)
PARAMS: dict[str, st.SearchStrategy[Any]] = {
    "max_tokens": st.integers(1, 10_000),
    "max_completion_tokens": st.integers(1, 10_000),
    "temperature": st.floats(0, 1),
    "top_p": st.floats(0, 1),
    "stop": TEXTS | st.lists(TEXTS, max_size=3),
    "tools": TOOLS,
    "tool_choice": st.sampled_from(["auto", "none", "required"])
    | st.builds(lambda name: {"type": "function", "function": {"name": name}}, NAMES),
    "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}])
    | st.builds(
        lambda schema, strict: {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": schema, "strict": strict},
        },
        SCHEMAS,
        st.booleans(),
    ),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
    "metadata": st.dictionaries(NAMES, NAMES, max_size=3),
    "service_tier": st.sampled_from(["auto", "default", "flex", "priority", "scale"]),
    "user": TEXTS,
    "top_k": st.integers(1, 100),
    "seed": st.integers(),
    "n": st.integers(1, 2),
    "logprobs": st.booleans(),
}
REQUESTS = st.builds(
    lambda messages, params: {"messages": messages, **params},
    st.lists(MESSAGES, min_size=1, max_size=5),
    st.fixed_dictionaries({}, optional=PARAMS),
)


@given(REQUESTS, st.sampled_from(MODELS), st.booleans(), st.booleans())
@settings(max_examples=250, deadline=None)
def test_any_chat_request_is_one_of_converse_or_refused(
    body: dict[str, Any], model: str, drop: bool, modify: bool
) -> None:
    try:
        made = sent(body, model, drop_params=drop, modify_params=modify)
    except InvalidRequest as error:
        assert error.error_param
        return
    assert converse(made) == []
    turns = [message["role"] for message in made["messages"]]
    assert all(one != other for one, other in pairwise(turns))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_odd_request_is_refused_or_sent(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    body = json.loads((case / "request.json").read_text())
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    odd = replaced(body, path, data.draw(ODD))
    translator = registry.find(case.parts[-3], "bedrock")  # type: ignore[arg-type]
    model = json.loads((case / "case.json").read_text())["deployment"]["model"]
    try:
        translator.request(ask(odd, model, drop_params=data.draw(st.booleans())))
    except GatewayError as error:
        assert error.status == 400, error


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_odd_answer_is_told_or_is_502(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in CASES if (case / "upstream.json").exists()]))
    text = (case / "upstream.json").read_text()
    body = json.loads(text) if text.startswith("{") else {}
    odd = replaced(body, data.draw(st.sampled_from(paths(body))), data.draw(ODD))
    translator = registry.find(case.parts[-3], "bedrock")  # type: ignore[arg-type]
    request = ask(json.loads((case / "request.json").read_text()))
    if not isinstance(odd, dict):
        return
    try:
        incoming = translator.response(odd, request)
    except ProviderError as error:
        assert error.status == 502
    else:
        json.dumps(translator.unstream(incoming.body, request))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_odd_event_is_skipped_or_ends_the_stream(data: st.DataObject) -> None:
    case = data.draw(
        st.sampled_from([case for case in CHATS if (case / "upstream.events.json").exists()])
    )
    events = json.loads((case / "upstream.events.json").read_text())
    path = data.draw(st.sampled_from([path for path in paths(events) if len(path) > 1]))
    odd = replaced(events, path, data.draw(ODD))
    chunks = bedrock.CHAT.chunks(ask(json.loads((case / "request.json").read_text())))
    try:
        for event in odd:
            for name, value in event.items():
                json.dumps(chunks.feed(Frame(json.dumps(value).encode(), name)))
        json.dumps(chunks.finish())
    except ProviderError as error:
        assert error.status >= 400
    assert isinstance(chunks.text, str)


def test_a_schema_too_deep_to_be_written_is_refused() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(400):
        schema = {"type": "object", "properties": {"a": schema}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    body = {"messages": [{"role": "user", "content": "hi"}], "response_format": wanted}
    with pytest.raises(InvalidRequest, match="json_schema"):
        sent(body, "anthropic.claude-sonnet-4-5-20250929-v1:0")


def test_an_answer_too_deep_to_be_written_holds_no_arguments() -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    use = {"toolUse": {"toolUseId": "t", "name": "n", "input": deep}}
    got = bedrock.CHAT.response({"output": {"message": {"content": [use]}}}, ask({}))
    [call] = got.body["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "n", "arguments": "{}"}


def test_client_betas_travel_in_the_body() -> None:
    asked = ask(
        {"messages": [{"role": "user", "content": "hi"}]}, headers={"anthropic-beta": "a,b"}
    )
    made = bedrock.CHAT.request(asked).body
    assert made["additionalModelRequestFields"] == {"anthropic_beta": ["a", "b"]}


def test_a_provisioned_model_s_id_goes_before_the_model() -> None:
    upstream = Upstream("https", "provider.test", 443)
    deployment = Deployment(
        "d", "g", "bedrock", "anthropic.claude-v2", upstream, options={"model_id": "arn:aws:x/y"}
    )
    assert model_path(deployment, "converse") == "/model/arn%3Aaws%3Ax%2Fy/converse"


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("report.pdf", "report"),
        ("a__b/..\\c.final.pdf", "a b c final"),
        ("", "document"),
        ("€.pdf", "document"),
        ("x" * 500 + ".pdf", "x" * 190),
        ("(1) [b]-c.pdf", "(1) [b]-c"),
    ],
)
def test_a_document_s_name_holds_what_converse_allows(filename: str, name: str) -> None:
    names: set[str] = set()
    assert document_name(filename, names) == name
    assert document_name(filename, names) == f"{name} (2)"


def test_one_tool_id_always_becomes_the_same() -> None:
    assert tool_id("tooluse_a.b:c-1") == "tooluse_a.b:c-1"
    assert tool_id("call_1__thought__abc=") == "call_1"
    assert tool_id("a b") == tool_id("a b") != tool_id("a c")
    assert tool_id("x" * 65).startswith("call_")

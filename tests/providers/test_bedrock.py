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
    schema: dict[str, Any] = {"type": "string"}
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


HELLO = {"messages": [{"role": "user", "content": "hi"}]}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLED = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "tool_calls": [chat.tool_call("c1", "f", "{}")]},
]


def test_of_a_clients_betas_those_that_amazon_knows_travel_in_the_body() -> None:
    wished = "claude-code-20250219,context-1m-2025-08-07,oauth-2025-04-20"
    made = bedrock.CHAT.request(ask(HELLO, headers={"anthropic-beta": wished})).body
    assert made["additionalModelRequestFields"] == {"anthropic_beta": ["context-1m-2025-08-07"]}
    meant = sent({**HELLO, "anthropic_beta": ["new-2027-01-01"]})
    assert meant["additionalModelRequestFields"] == {"anthropic_beta": ["new-2027-01-01"]}


@pytest.mark.parametrize(
    ("model", "point", "tools"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", {"type": "default", "ttl": "1h"}, 2),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", {"type": "default"}, 2),
        ("us.amazon.nova-pro-v1:0", {"type": "default"}, 1),
        ("meta.llama3-3-70b-instruct-v1:0", None, 1),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1",
            {"type": "default", "ttl": "1h"},
            2,
        ),
    ],
)
def test_cache_points_stand_where_the_model_takes_them(
    model: str, point: dict[str, Any] | None, tools: int
) -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = {"messages": [{"role": "user", "content": "hi", **mark}], "tools": [FUNCTION | mark]}
    made = sent(body, model)
    assert made["messages"][0]["content"] == [
        {"text": "hi"},
        *([] if point is None else [{"cachePoint": point}]),
    ]
    assert len(made["toolConfig"]["tools"]) == tools


def test_a_cache_mark_inside_of_a_result_stands_after_it() -> None:
    part = {"type": "text", "text": "21", "cache_control": {"type": "ephemeral"}}
    result = {"role": "tool", "tool_call_id": "c1", "content": [part]}
    turn = sent({"messages": [*CALLED, result], "tools": [FUNCTION]})["messages"][-1]
    assert turn["content"] == [
        {"toolResult": {"toolUseId": "c1", "content": [{"text": "21"}]}},
        {"cachePoint": {"type": "default"}},
    ]


@pytest.mark.parametrize(("model", "status"), [(MODELS[0], "error"), (MODELS[6], None)])
def test_a_failed_result_is_told_to_models_that_can_hear_it(model: str, status: Any) -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "no", "is_error": True}
    turn = sent({"messages": [*CALLED, result], "tools": [FUNCTION]}, model)["messages"][-1]
    assert turn["content"][0]["toolResult"].get("status") == status


def test_a_document_alone_is_introduced_by_a_text() -> None:
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}
    [turn] = sent({"messages": [{"role": "user", "content": [file]}]})["messages"]
    assert [*turn["content"][0], *turn["content"][1]] == ["document", "text"]
    beside = [file, {"type": "text", "text": "Read it."}]
    [turn] = sent({"messages": [{"role": "user", "content": beside}]})["messages"]
    assert len(turn["content"]) == 2


def test_a_newer_claude_takes_a_temperature_or_a_top_p() -> None:
    both = {**HELLO, "temperature": 0.2, "top_p": 0.9}
    assert sent(both, MODELS[0])["inferenceConfig"] == {"temperature": 0.2, "topP": 0.9}
    with pytest.raises(InvalidRequest, match="top_p"):
        sent(both, MODELS[2])
    dropped = sent(both, MODELS[2], drop_params=True)
    assert dropped["inferenceConfig"] == {"temperature": 0.2}
    assert sent({**HELLO, "temperature": 1.6})["inferenceConfig"] == {"temperature": 1}


def test_one_tool_at_a_time_is_said_in_claudes_words() -> None:
    body = {**HELLO, "tools": [FUNCTION], "parallel_tool_calls": False}
    extra = sent(body, MODELS[2])["additionalModelRequestFields"]
    assert extra == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    forced = sent({**body, "tool_choice": "required"}, MODELS[2])
    assert forced["toolConfig"]["toolChoice"] == {"any": {}}
    assert forced["additionalModelRequestFields"] == {
        "tool_choice": {"disable_parallel_tool_use": True}
    }
    assert "additionalModelRequestFields" not in sent({**body, "tools": []}, MODELS[2])


def test_an_effort_yields_to_what_forbids_thinking() -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "21"}
    loop = {"messages": [*CALLED, result], "tools": [FUNCTION], "reasoning_effort": "low"}
    assert "additionalModelRequestFields" not in sent(loop, MODELS[1])
    forced = {**HELLO, "tools": [FUNCTION], "tool_choice": "required", "reasoning_effort": "low"}
    extra = sent(forced, "us.anthropic.claude-opus-4-6-v1")["additionalModelRequestFields"]
    assert extra == {"output_config": {"effort": "low"}}


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def wanted(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}


@pytest.mark.parametrize(
    ("model", "schema", "kind"),
    [
        ("us.anthropic.claude-opus-4-6-v1", SCHEMA, "native"),
        ("us.anthropic.claude-opus-4-6-v1", {"type": "object"}, "forced"),
        ("us.anthropic.claude-opus-4-7", SCHEMA, "forced"),
        ("us.anthropic.claude-opus-5-5", SCHEMA, "offered"),
        ("meta.llama3-1-70b-instruct-v1:0", SCHEMA, "offered"),
    ],
)
def test_an_answer_is_held_to_a_schema_as_the_model_can_be(
    model: str, schema: dict[str, Any], kind: str
) -> None:
    made = sent({**HELLO, "response_format": wanted(schema)}, model)
    if kind == "native":
        assert made["outputConfig"]["textFormat"]["type"] == "json_schema"
        assert "toolConfig" not in made
    else:
        assert "outputConfig" not in made
        assert made["toolConfig"].get("toolChoice") == ({"any": {}} if kind == "forced" else None)


def test_what_is_said_beside_an_answer_by_tool_is_no_part_of_it() -> None:
    asked = ask({**HELLO, "response_format": wanted(SCHEMA)}, streaming=True)
    use = {"toolUseId": "t", "name": chat.JSON_TOOL}
    content = [{"text": "Here it is:"}, {"toolUse": {**use, "input": {"n": 1}}}]
    body = {"output": {"message": {"content": content}}, "stopReason": "tool_use"}
    message = bedrock.CHAT.response(body, asked).body["choices"][0]["message"]
    assert message["content"] == '{"n":1}'
    spoken = {"contentBlockIndex": 0, "delta": {"text": "Here it is:"}}
    written = {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"n":1}'}}}
    begun = {"contentBlockIndex": 1, "start": {"toolUse": use}}
    assert streamed(asked, spoken, begun, written) == '{"n":1}'
    assert streamed(asked, spoken) == "Here it is:"


def streamed(asked: Request, *events: dict[str, Any]) -> str:
    chunks = bedrock.CHAT.chunks(asked)
    got = []
    for event in (*events, {"stopReason": "end_turn"}):
        kind = "contentBlockDelta" if "delta" in event else "contentBlockStart"
        frame = Frame(json.dumps(event).encode(), "messageStop" if "stopReason" in event else kind)
        got += [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks.feed(frame)]
    return "".join(got)


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

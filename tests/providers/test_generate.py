"""The bridge of Google's format, asked by the google-genai SDK and by hostile JSON."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from google import genai
from google.genai import errors, types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import GatewayError, InvalidRequest, UnsupportedParams
from extproc.providers import decoders, registry
from extproc.providers.base import Request
from extproc.providers.dialects import dialect_of
from extproc.providers.generate import BRIDGE
from extproc.providers.generate.chunks import Events
from extproc.providers.generate.signature import packed, unpacked
from tests.providers import cases

Json = dict[str, Any]
DEPLOYMENT = Deployment(
    id="d1",
    group="g",
    provider="openai",
    model="upstream-model",
    upstream=Upstream("https", "provider.test", 443),
)
CLAUDE = Deployment(
    id="d2",
    group="g",
    provider="anthropic",
    model="claude-x",
    upstream=Upstream("https", "provider.test", 443),
    schema="anthropic",
)
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
DIALECT = dialect_of("generate")


def asked(body: Json, *, deployment: Deployment = DEPLOYMENT, drop: bool = False) -> Request:
    return Request(
        body=body,
        deployment=deployment,
        streaming=body.get("stream") is True,
        call_id="c1",
        drop_params=drop,
    )


def ask(*parts: Json, **more: Any) -> Json:
    return {"model": "m", "contents": [{"role": "user", "parts": list(parts)}], **more}


def completion(message: Json, reason: str = "stop") -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": USAGE}


def chunk(delta: Json, reason: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl-1", "choices": [choice], **more}


def calling(*calls: tuple[str, str, str]) -> list[Json]:
    return [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in calls
    ]


class Provider:
    """Chat answers in their order, and the chat bodies that were asked for them."""

    def __init__(self, *answers: Json | list[Json]) -> None:
        self.bodies: list[Json] = []
        self._answers: Iterator[Json | list[Json]] = iter(answers)

    def __call__(self, body: Json) -> Json | list[Json]:
        self.bodies.append(json.loads(json.dumps(body)))
        return next(self._answers)


def client(provider: Callable[[Json], Json | list[Json]]) -> genai.Client:
    """The SDK, whose requests go through the translator to this provider."""

    def handle(http: httpx.Request) -> httpx.Response:
        model, verb = http.url.path.rpartition("/")[2].split(":")
        body = {**orjson.loads(http.content), "model": model}
        request = asked({**body, "stream": verb == "streamGenerateContent"})
        translator = registry.find("generate", "openai")
        try:
            answer = provider(translator.request(request).body)
            if isinstance(answer, list):
                return httpx.Response(200, content=_stream(translator, request, answer))
            incoming = translator.response(answer, request)
        except GatewayError as error:
            return httpx.Response(error.status, json=DIALECT.error(error))
        return httpx.Response(200, json=DIALECT.stamp(incoming.body, model))

    http_client = httpx.Client(transport=httpx.MockTransport(handle))
    options = types.HttpOptions(base_url="http://gateway.test", httpx_client=http_client)
    return genai.Client(api_key="sk-test", http_options=options)


def _stream(translator: Any, request: Request, answer: list[Json]) -> bytes:
    decoder, chunks = decoders.decoder_of("text/event-stream"), translator.chunks(request)
    raw = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in answer) + b"data: [DONE]\n\n"
    out = b""
    try:
        for frame in decoder.feed(raw):
            for event in chunks.feed(frame):
                shown = DIALECT.chunk(event, "m", True)
                assert shown is not None
                out += DIALECT.frame(shown)
    except GatewayError as error:
        return out + DIALECT.failure(error, 0)
    return out + DIALECT.end


def test_sdk_reads_text_and_usage() -> None:
    provider = Provider(completion({"content": "Hi!"}))
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", temperature=0.5, max_output_tokens=10, stop_sequences=["x"]
    )
    answer = client(provider).models.generate_content(model="m", contents="Say hi", config=config)
    assert answer.text == "Hi!"
    assert answer.model_version == "m"
    assert answer.response_id == "chatcmpl-1"
    assert answer.candidates and answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata and answer.usage_metadata.total_token_count == 13
    assert provider.bodies == [
        {
            "model": "upstream-model",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Say hi"},
            ],
            "temperature": 0.5,
            "max_completion_tokens": 10,
            "stop": ["x"],
        }
    ]


def test_sdk_chat_streams_and_keeps_its_history() -> None:
    provider = Provider(
        [
            chunk({"role": "assistant", "content": "Hel"}),
            chunk({"content": "lo"}),
            chunk({}, "stop"),
        ],
        [chunk({"content": "Ada"}), chunk({}, "stop"), {"choices": [], "usage": USAGE}],
    )
    chat = client(provider).chats.create(model="m")
    assert [one.text for one in chat.send_message_stream("I am Ada.")] == ["Hel", "lo", ""]
    last = list(chat.send_message_stream("Who am I?"))[-1]
    assert last.usage_metadata and last.usage_metadata.prompt_token_count == 9
    assert provider.bodies[1]["messages"] == [
        {"role": "user", "content": "I am Ada."},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Who am I?"},
    ]


def test_sdk_calls_functions_by_itself() -> None:
    def weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    calls = calling(
        ("call_a", "weather", '{"city":"Ulm"}'), ("call_b", "weather", '{"city":"Bonn"}')
    )
    provider = Provider(
        completion({"content": None, "tool_calls": calls}, "tool_calls"),
        completion({"content": "It rains."}),
    )
    config = types.GenerateContentConfig(tools=[weather])
    answer = client(provider).models.generate_content(model="m", contents="?", config=config)
    assert answer.text == "It rains."
    [tool] = provider.bodies[0]["tools"]
    assert tool["function"]["name"] == "weather"
    assert tool["function"]["parameters"]["properties"]["city"]["type"] == "string"
    assert provider.bodies[1]["messages"][1]["tool_calls"] == calls
    assert provider.bodies[1]["messages"][2:] == [
        {"role": "tool", "tool_call_id": "call_a", "content": '{"result":"rain in Ulm"}'},
        {"role": "tool", "tool_call_id": "call_b", "content": '{"result":"rain in Bonn"}'},
    ]


def test_sdk_parses_structured_output() -> None:
    class Recipe(BaseModel):
        name: str
        minutes: int | None = None

    provider = Provider(completion({"content": '{"name":"Bread"}'}))
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Recipe
    )
    answer = client(provider).models.generate_content(model="m", contents="?", config=config)
    assert answer.parsed == Recipe(name="Bread")
    schema = provider.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["minutes"]["type"] == ["integer", "null"]
    assert schema["required"] == ["name"]


def test_sdk_sends_bytes_in_its_own_alphabet() -> None:
    provider = Provider(completion({"content": "A dot."}))
    picture = types.Part.from_bytes(data=b"\xfb\xff\xfe\xff", mime_type="image/png")
    client(provider).models.generate_content(model="m", contents=[picture, "What?"])
    content = provider.bodies[0]["messages"][0]["content"]
    assert content[0]["image_url"]["url"] == "data:image/png;base64,+//+/w=="


def test_sdk_raises_the_errors_of_a_stream_and_of_a_request() -> None:
    provider = Provider([chunk({"content": "Hi"}), {"error": {"message": "overloaded"}}])
    stream = client(provider).models.generate_content_stream(model="m", contents="?")
    assert next(stream).text == "Hi"
    with pytest.raises(errors.ServerError, match="overloaded"):
        next(stream)
    config = types.GenerateContentConfig(
        tools=[types.Tool(code_execution=types.ToolCodeExecution())]
    )
    with pytest.raises(errors.ClientError, match="codeExecution"):
        client(Provider()).models.generate_content(model="m", contents="?", config=config)


BLOCKS = [
    {"type": "thinking", "thinking": "The weather, then.", "signature": "Eq+/=="},
    {"type": "redacted_thinking", "data": "b3BhcXVl"},
]


def test_sdk_carries_signed_thoughts_back_to_their_provider() -> None:
    message = {
        "content": None,
        "thinking_blocks": BLOCKS,
        "tool_calls": calling(("t1", "now", "{}")),
    }
    answer = BRIDGE.response(completion(message), asked(ask({"text": "?"})))
    content = types.GenerateContentResponse.model_validate(answer).candidates[0].content  # type: ignore[index]
    assert content is not None
    sent = json.loads(content.model_dump_json(by_alias=True, exclude_none=True))
    result = {"functionResponse": {"id": "t1", "name": "now", "response": {"output": "noon"}}}
    contents = [{"parts": [{"text": "?"}]}, sent, {"role": "user", "parts": [result]}]
    chat = BRIDGE.request(asked({"model": "m", "contents": contents}, deployment=CLAUDE))
    assert chat["messages"][1]["thinking_blocks"] == BLOCKS
    for_others = BRIDGE.request(asked({"model": "m", "contents": contents}))
    assert "thinking_blocks" not in for_others["messages"][1]


def test_anthropic_gets_its_thoughts_back_in_a_loop_of_calls() -> None:
    translator = registry.find("generate", "anthropic")
    tool = {"functionDeclarations": [{"name": "now"}]}
    config = {"thinkingConfig": {"thinkingBudget": 1500}, "maxOutputTokens": 4000}
    body = ask({"text": "?"}, tools=[tool], generationConfig=config)
    first = asked(body, deployment=CLAUDE)
    assert translator.request(first).body["thinking"] == {"type": "enabled", "budget_tokens": 1500}
    said = [*BLOCKS, {"type": "tool_use", "id": "t1", "name": "now", "input": {}}]
    raw = {
        "content": said,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    content = translator.response(raw, first).body["candidates"][0]["content"]
    assert content["parts"][0]["functionCall"] == {"id": "t1", "name": "now", "args": {}}
    result = {"functionResponse": {"name": "now", "response": {"output": "noon"}}}
    contents = [*body["contents"], content, {"role": "user", "parts": [result]}]
    sent = translator.request(asked({**body, "contents": contents}, deployment=CLAUDE)).body
    assert sent["messages"][1]["content"] == said


def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    message = {"content": "So.", "reasoning_content": "Hm.", "thinking_blocks": BLOCKS}
    config = {"thinking_config": {"include_thoughts": True, "thinking_budget": 2000}}
    shown = asked(ask({"text": "?"}, generation_config=config), deployment=CLAUDE)
    assert BRIDGE.request(shown)["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    [thought, said] = BRIDGE.response(completion(message), shown)["candidates"][0]["content"][
        "parts"
    ]
    assert thought == {"text": "Hm.", "thought": True}
    assert said["text"] == "So."
    assert unpacked(said["thoughtSignature"]) == {"thinking_blocks": BLOCKS}
    [hidden] = BRIDGE.response(completion(message), asked(ask()))["candidates"][0]["content"][
        "parts"
    ]
    assert hidden == said


def test_a_thought_of_a_stream_is_shown_once() -> None:
    config = {"thinkingConfig": {"includeThoughts": True}}
    events = Events(asked(ask({"text": "?"}, generationConfig=config)))
    parts = [
        part
        for one in (
            chunk({"reasoning_content": "Hm."}),
            chunk({"thinking_blocks": BLOCKS[:1]}),
            chunk({"content": "So."}, "stop"),
        )
        for event in events.feed(one)
        for part in event["candidates"][0]["content"]["parts"]
    ]
    assert parts == [{"text": "Hm.", "thought": True}, {"text": "So."}]
    [last] = events.finish()
    [end] = last["candidates"][0]["content"]["parts"]
    assert unpacked(end["thoughtSignature"]) == {"thinking_blocks": BLOCKS[:1]}


def test_calls_with_one_index_are_told_apart_by_their_ids() -> None:
    events = Events(asked(ask({"text": "?"})))
    for call in calling(("a", "one", "{}"), ("b", "two", '{"x":')):
        assert events.feed(chunk({"tool_calls": [{"index": 0, **call}]})) == []
    piece = {"index": 0, "function": {"arguments": "1}"}}
    events.feed(chunk({"tool_calls": [piece]}, "tool_calls"))
    [last] = events.finish()
    assert last["candidates"][0]["content"]["parts"] == [
        {"functionCall": {"id": "a", "name": "one", "args": {}}},
        {"functionCall": {"id": "b", "name": "two", "args": {"x": 1}}},
    ]


@pytest.mark.parametrize(
    ("state", "same"),
    [
        ({"thought_signature": "QUJD"}, True),
        ({"thought_signature": "not base64!"}, False),
        ({"thought_signature": "QUJD", "reasoning_content": "Hm."}, False),
    ],
)
def test_a_signature_survives_the_way_to_the_client(state: Json, same: bool) -> None:
    signature = packed(state)
    assert signature is not None
    assert (signature == state["thought_signature"]) is same
    assert unpacked(signature.replace("+", "-").replace("/", "_")) == state


def test_googles_own_signature_is_kept_for_who_reads_it() -> None:
    gemini = Deployment(
        id="d3",
        group="g",
        provider="gemini",
        model="gemini-x",
        upstream=Upstream("https", "provider.test", 443),
        schema="gemini",
    )
    call = {"functionCall": {"name": "now"}, "thoughtSignature": "-_-_"}
    contents = [{"role": "model", "parts": [call]}]
    chat = BRIDGE.request(asked({"model": "m", "contents": contents}, deployment=gemini))
    [made] = chat["messages"][0]["tool_calls"]
    assert made["provider_specific_fields"] == {"thought_signature": "+/+/"}


def test_a_question_for_tokens_is_read_as_the_request_it_is_about() -> None:
    about = ask({"text": "Hi"}, systemInstruction={"parts": [{"text": "Short."}]})
    counted = BRIDGE.request(asked({"model": "m", "generateContentRequest": about}))
    assert counted == BRIDGE.request(asked(about))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"model": "m"}, "contents"),
        ({"model": "m", "contents": "hi"}, "contents"),
        ({"model": "m", "contents": [1]}, "contents[0]"),
        ({"model": "m", "contents": [{"parts": "x"}]}, "contents[0].parts"),
        (ask({"text": 1}), "contents[0].parts[0].text"),
        (ask({"inlineData": {"data": "AA"}}), "contents[0].parts[0].inlineData.mimeType"),
        (ask({"functionCall": {"name": "f"}}), "contents[0].parts[0].functionCall"),
        (ask({"text": "x"}, generationConfig=[]), "generationConfig"),
        (ask({"text": "x"}, generationConfig={"seed": 1.5}), "generationConfig.seed"),
        (ask({"text": "x"}, generationConfig={"topP": True}), "generationConfig.topP"),
        (ask({"text": "x"}, generationConfig={"stopSequences": [1]}), "generationConfig.stop"),
        (ask({"text": "x"}, tools=[{"functionDeclarations": [{}]}]), "tools[0].functionDecl"),
        (ask({"text": "x"}, systemInstruction={"parts": [{"fileData": {}}]}), "systemInstruction"),
    ],
)
def test_what_is_wrong_is_named(body: Json, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        BRIDGE.request(asked(body))
    assert named in refused.value.message


def test_what_chat_has_no_word_for_is_refused_or_dropped() -> None:
    body = ask({"text": "x", "videoMetadata": {"fps": 1}}, tools=[{"urlContext": {}}])
    with pytest.raises(UnsupportedParams, match="videoMetadata"):
        BRIDGE.request(asked(body))
    assert BRIDGE.request(asked(body, drop=True)) == BRIDGE.request(asked(ask({"text": "x"})))


def test_schemas_and_arguments_may_not_be_nested_too_deeply() -> None:
    schema: Json = {"type": "STRING"}
    args: Json = {}
    for _ in range(500):
        schema, args = {"type": "ARRAY", "items": schema}, {"x": args}
    tool = {"functionDeclarations": [{"name": "f", "parameters": schema}]}
    with pytest.raises(InvalidRequest, match="levels"):
        BRIDGE.request(asked(ask({"text": "x"}, tools=[tool])))
    call = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": args}}]}
    with pytest.raises(InvalidRequest, match="nested"):
        BRIDGE.request(asked({"model": "m", "contents": [call]}))


GOOD = [case for case in cases.found() if case.parts[-3:-1] == ("generate", "openai")]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(0, 1) | st.just({}), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def with_one_odd(value: Any, data: st.DataObject) -> Any:
    """A copy in which something, at any depth, is of another type than it should be."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 5)) == 0:
        return data.draw(ODD)
    place = data.draw(
        st.sampled_from(list(value) if isinstance(value, dict) else range(len(value)))
    )
    made = dict(value) if isinstance(value, dict) else list(value)
    made[place] = with_one_odd(value[place], data)
    return made


@given(st.sampled_from(GOOD), st.booleans(), st.data())
def test_any_request_is_translated_or_refused(case: Path, drop: bool, data: st.DataObject) -> None:
    body = with_one_odd(json.loads((case / "request.json").read_text()), data)
    if not isinstance(body, dict):
        return
    try:
        chat = BRIDGE.request(asked(body, drop=drop))
    except InvalidRequest:
        return
    assert chat["messages"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


ANSWERED = [path for case in GOOD for path in case.glob("upstream.*") if path.suffix != ".txt"]


@given(st.sampled_from(ANSWERED), st.data())
def test_any_answer_becomes_one_that_the_sdk_reads(path: Path, data: st.DataObject) -> None:
    request = asked(
        ask({"text": "x"}, generationConfig={"thinkingConfig": {"includeThoughts": True}})
    )
    if path.suffix == ".json":
        body = with_one_odd(json.loads(path.read_text()), data)
        answers = [BRIDGE.response(body if isinstance(body, dict) else {}, request)]
    else:
        frames = decoders.decoder_of("text/event-stream").feed(path.read_bytes())
        given_chunks = [orjson.loads(frame.data) for frame in frames if frame.data[:1] == b"{"]
        events = Events(request)
        odd = [one for one in _listed(with_one_odd(given_chunks, data)) if isinstance(one, dict)]
        answers = [event for one in odd for event in events.feed(one)] + events.finish()
    for answer in answers:
        types.GenerateContentResponse.model_validate(answer)


def test_what_a_model_has_shown_comes_back_as_the_users_after_the_results_of_its_calls() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    call = {"functionCall": {"name": "f", "args": {}}}
    result = {"functionResponse": {"name": "f", "response": {"output": "x"}}}
    contents = [
        {"role": "model", "parts": [{"text": "Look:"}, picture, call]},
        {"role": "user", "parts": [result, {"text": "Nice"}]},
        {"role": "model", "parts": [picture]},
    ]
    deployment = Deployment("d1", "g", "openai", "m", Upstream("https", "p.test", 443))
    sent = BRIDGE.request(Request({"contents": contents}, deployment))["messages"]
    assert [message["role"] for message in sent] == ["assistant", "tool", "user", "user"]
    assert sent[0]["content"] == "Look:"
    kinds = [[part["type"] for part in message["content"]] for message in sent[2:]]
    assert kinds == [["image_url", "text"], ["image_url"]]


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("gpt-4o", {"thinkingBudget": 0}, None),
        ("gpt-4o", {"thinkingBudget": 9000}, None),
        ("o3", {"thinkingBudget": 0}, None),
        ("o3", {"thinkingLevel": "MINIMAL"}, "low"),
        ("gpt-5.1", {"thinkingBudget": 0}, "none"),
        ("gpt-5", {"thinkingBudget": 9000}, "high"),
    ],
)
def test_thinking_is_asked_of_models_that_know_the_effort(
    model: str, thinking: Json, effort: str | None
) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {}}
    body["generationConfig"] = {"thinkingConfig": thinking}
    chat = BRIDGE.request(Request(body, replace(DEPLOYMENT, model=model)))
    assert chat.get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("model", "budget", "limit", "thinking"),
    [
        ("claude-sonnet-4-5", 2000, 4000, {"type": "enabled", "budget_tokens": 2000}),
        ("claude-sonnet-4-5", 9000, 4000, {"type": "enabled", "budget_tokens": 2000}),
        ("claude-sonnet-4-5", 200, 4000, {"type": "enabled", "budget_tokens": 1024}),
        ("claude-sonnet-4-5", 0, 4000, None),
        ("claude-opus-4-8", 9000, 4000, {"type": "adaptive", "display": "summarized"}),
        ("claude-opus-5-5", 0, 4000, None),
    ],
)
def test_a_budget_is_said_to_claude_as_far_as_it_takes_one(
    model: str, budget: int, limit: int, thinking: Json | None
) -> None:
    config = {"maxOutputTokens": limit, "thinkingConfig": {"thinkingBudget": budget}}
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config}
    claude = replace(CLAUDE, schema="anthropic", model=model)
    sent = registry.find("generate", "anthropic").request(Request(body, claude)).body
    assert sent.get("thinking") == thinking


def test_thinking_is_left_out_where_a_provider_lacks_it() -> None:
    body: Json = {"contents": [{"parts": [{"text": "Hi"}]}]}
    body["generationConfig"] = {"thinkingConfig": {"thinkingBudget": 0}}
    large = replace(DEPLOYMENT, provider="mistral", schema="mistral", model="mistral-large-latest")
    sent = registry.find("generate", "mistral").request(Request(body, large)).body
    assert "reasoning_effort" not in sent

"""What clients get of the Responses API is what OpenAI's own SDK takes, and its stream adds up."""

import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from extproc.domain.deployment import Deployment, Upstream
from extproc.providers.base import Request
from extproc.providers.responses import history
from extproc.providers.responses.request import chat_body
from tests.providers import cases

CHAT: TypeAdapter[Any] = TypeAdapter(CompletionCreateParams)
UPSTREAM = Upstream("https", "provider.test", 443)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CASES = [case for case in cases.found() if case.parts[-3] == "responses"]
WHOLE = [case for case in CASES if (case / "client.json").exists()]
ANSWERED = [case for case in WHOLE if (case / "usage.json").exists()]
REFUSED = [case for case in WHOLE if not (case / "usage.json").exists()]
STREAMED = [case for case in CASES if (case / "client.sse").exists()]


def _name(case: Path) -> str:
    return "/".join(case.parts[-2:])


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _client(stream: bytes) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=stream, headers={"content-type": "text/event-stream"})

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(
        api_key="k",
        base_url="http://gateway.test/v1",
        http_client=httpx2.Client(transport=transport),
    )


def _events(case: Path) -> list[dict[str, Any]]:
    lines = (case / "client.sse").read_text().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("case", ANSWERED, ids=_name)
def test_whole_answer_is_a_response_of_the_sdk(case: Path) -> None:
    body = _json(case / "client.json")
    assert Response.model_validate(body, strict=True).id == body["id"]


@pytest.mark.parametrize("case", REFUSED, ids=_name)
def test_failure_is_openais_envelope(case: Path) -> None:
    shown = _json(case / "client.json")
    assert shown["status"] >= 400
    assert shown["body"]["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("case", [c for c in CASES if c.parts[-2] == "openai_chat"], ids=_name)
def test_bridged_request_is_a_chat_request_of_the_sdk(case: Path) -> None:
    outgoing = _json(case / "outgoing.json")
    if "refused" in outgoing:
        assert outgoing["refused"]["param"]
        return
    asked = CHAT.validate_python(outgoing["body"])
    assert all(message["role"] for message in asked["messages"])
    assert all(tool["type"] == "function" for tool in asked.get("tools", ()))


@pytest.mark.parametrize("case", [c for c in ANSWERED if c.parts[-2] != "openai"], ids=_name)
def test_what_was_answered_can_be_continued(case: Path) -> None:
    asked, answer = _json(case / "request.json"), _json(case / "client.json")
    stored = history.remembered(asked, answer)
    again = {**asked, "input": "And then?", "background": False}
    body = history.continued(again, stored)
    about = _json(case / "case.json") if (case / "case.json").exists() else {}
    request = Request(
        body=body,
        deployment=Deployment("d1", "g", "p", "m", UPSTREAM, schema="anthropic"),
        drop_params=about.get("drop_params", False),
    )
    messages = chat_body(request)["messages"]
    assert messages[-1] == {"role": "user", "content": "And then?"}
    said = [message for message in messages if message["role"] == "assistant"]
    assert bool(said) == bool(answer["output"])


@pytest.mark.parametrize("case", STREAMED, ids=_name)
def test_streamed_events_are_events_of_the_sdk(case: Path) -> None:
    known = [e for e in _events(case) if e["type"] not in ("error", "response.novelty.delta")]
    for event in known:
        EVENT.validate_python(event, strict=True)


@pytest.mark.parametrize("case", STREAMED, ids=_name)
def test_events_are_numbered_one_by_one(case: Path) -> None:
    numbers = [event["sequence_number"] for event in _events(case) if event["type"] != "error"]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize(
    "case",
    [c for c in STREAMED if "response.completed" in (c / "client.sse").read_text()],
    ids=_name,
)
def test_sdk_adds_the_stream_up_to_the_last_response(case: Path) -> None:
    client = _client((case / "client.sse").read_bytes())
    texts: dict[tuple[int, int], str] = {}
    arguments: dict[int, str] = {}
    with client.responses.stream(model="m", input="x") as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                texts[event.output_index, event.content_index] = event.snapshot
            elif event.type == "response.function_call_arguments.delta":
                arguments[event.output_index] = event.snapshot
        final = stream.get_final_response()
    assert "".join(texts.values()) == final.output_text
    called = {
        n: item.arguments for n, item in enumerate(final.output) if item.type == "function_call"
    }
    assert arguments == {n: text for n, text in called.items() if text}

"""Any request that an SDK could write: sent as its provider takes it, or refused by name."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.errors import InvalidRequest, UnsupportedParams
from extproc.providers import registry
from extproc.providers.base import Outgoing, Request
from tests.calls import deployment
from tests.providers import anyrequest
from tests.providers.providerschemas import openai, problems

MODELS: dict[str, tuple[str, ...]] = {
    "anthropic": (
        *("claude-3-5-haiku-20241022", "claude-sonnet-4-20250514", "claude-sonnet-4-5"),
        *("claude-opus-4-7", "claude-opus-5-5"),
    ),
    "bedrock": (
        *("anthropic.claude-3-5-sonnet-20241022-v2:0", "us.anthropic.claude-opus-4-7"),
        *("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.amazon.nova-2-lite-v1:0"),
        *("openai.gpt-oss-120b-1:0", "meta.llama3-1-70b-instruct-v1:0"),
    ),
    "gemini": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-3-flash"),
    "replicate": ("owner/model",),
}
SAME_MODELS = {"vertex_anthropic": "anthropic", "bedrock_invoke": "anthropic", "vertex": "gemini"}
CHATTING = sorted(schema for endpoint, schema in registry.NATIVE if endpoint == "chat")
BRIDGED = ("openai_chat", "gemini", "bedrock", "cohere", "mistral", "anthropic")
CLIENTS = {
    "messages": anyrequest.messages(),
    "generate": anyrequest.generate(),
    "responses": anyrequest.responses(),
}
NEEDED = frozenset({"tools"})
"""What may be named though it is missing: the messages call tools that nobody declared."""
OFTEN = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=15)


def asked(data: st.DataObject, schema: str, body: Any) -> Request:
    models = MODELS.get(SAME_MODELS.get(schema, schema), ("m",))
    made = deployment(
        schema=schema,
        provider=schema,
        model=data.draw(st.sampled_from(models)),
        options={"vertex_project": "p", "vertex_location": "us-central1"},
    )
    mostly = st.sampled_from((True, True, True, False))
    switches = {name: data.draw(mostly) for name in ("drop_params", "modify_params")}
    streaming = data.draw(st.booleans())
    return Request(body, made, call_id="c1", streaming=streaming, **switches)


def sent(endpoint: Any, request: Request) -> Outgoing | None:
    """What is sent; None for what is refused, which must name a field of the request."""
    before = orjson.dumps(request.body)
    try:
        outgoing = registry.find(endpoint, request.deployment.schema).request(request)
    except InvalidRequest as error:
        assert not (request.drop_params and isinstance(error, UnsupportedParams)), error
        named = (error.error_param or "").partition("[")[0].partition(".")[0]
        assert named in request.body.keys() | NEEDED, (error.error_param, error)
        return None
    assert orjson.dumps(request.body) == before
    orjson.dumps(outgoing.body)
    return outgoing


def test_strategy_writes_what_openais_types_allow() -> None:
    @OFTEN
    @given(anyrequest.chat())
    def is_typed(body: Any) -> None:
        assert openai(body) == []

    is_typed()


@pytest.mark.parametrize("schema", CHATTING)
@OFTEN
@given(st.data())
def test_any_chat_request_is_sent_or_refused_by_name(schema: str, data: st.DataObject) -> None:
    outgoing = sent("chat", asked(data, schema, data.draw(anyrequest.chat())))
    assert outgoing is None or problems(schema, outgoing.body) == []


@pytest.mark.parametrize("schema", BRIDGED)
@pytest.mark.parametrize("endpoint", CLIENTS)
@OFTEN
@given(st.data())
def test_any_request_of_another_format_is_too(
    endpoint: str, schema: str, data: st.DataObject
) -> None:
    outgoing = sent(endpoint, asked(data, schema, data.draw(CLIENTS[endpoint])))
    native = (endpoint, schema) in registry.NATIVE
    assert outgoing is None or native or problems(schema, outgoing.body) == []

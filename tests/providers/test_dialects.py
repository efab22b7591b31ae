"""Each client format has its own frames, its own end and its own errors."""

from typing import Any

import orjson
import pytest

from extproc.errors import GatewayError, InvalidRequest, ProviderError
from extproc.providers.decoders import decoder_of
from extproc.providers.dialects import ANTHROPIC, GOOGLE, OPENAI, RESPONSES, Dialect, dialect_of

ALL = [OPENAI, ANTHROPIC, GOOGLE, RESPONSES]
ERROR = ProviderError("litellm.RateLimitError: slow down", 429, "rate_limit_error")


def data_of(raw: bytes) -> tuple[str, Any]:
    [frame] = decoder_of("text/event-stream").feed(raw)
    return frame.event, orjson.loads(frame.data)


@pytest.mark.parametrize(
    ("endpoint", "dialect"),
    [
        ("chat", OPENAI),
        ("completions", OPENAI),
        ("embeddings", OPENAI),
        ("messages", ANTHROPIC),
        ("generate", GOOGLE),
        ("responses", RESPONSES),
    ],
)
def test_an_endpoint_has_its_format(endpoint: Any, dialect: Dialect) -> None:
    assert dialect_of(endpoint) is dialect


@pytest.mark.parametrize("dialect", ALL)
def test_the_model_is_the_one_that_was_asked_for(dialect: Dialect) -> None:
    answer = {"id": "x", "model": "upstream", "modelVersion": "upstream"}
    stamped = dialect.stamp(answer, "asked")
    assert stamped["modelVersion" if dialect is GOOGLE else "model"] == "asked"
    assert answer["model"] == "upstream"


@pytest.mark.parametrize(
    ("dialect", "chunk", "expected"),
    [
        (OPENAI, {"choices": []}, {"choices": [], "model": "asked"}),
        (GOOGLE, {"candidates": []}, {"candidates": [], "modelVersion": "asked"}),
        (
            ANTHROPIC,
            {"type": "message_start", "message": {"id": "m"}},
            {"type": "message_start", "message": {"id": "m", "model": "asked"}},
        ),
        (ANTHROPIC, {"type": "message_stop"}, {"type": "message_stop"}),
        (
            ANTHROPIC,
            {"type": "message_start", "message": 1},
            {"type": "message_start", "message": 1},
        ),
        (
            RESPONSES,
            {"type": "response.created", "response": {}},
            {"type": "response.created", "response": {"model": "asked"}},
        ),
        (RESPONSES, {"type": "x", "response": None}, {"type": "x", "response": None}),
    ],
)
def test_a_chunk_is_stamped_where_the_format_names_the_model(
    dialect: Dialect, chunk: Any, expected: Any
) -> None:
    assert dialect.chunk(chunk, "asked", True) == expected


USAGE = {"prompt_tokens": 1}


@pytest.mark.parametrize(
    ("chunk", "shown"),
    [
        ({"choices": [], "usage": USAGE}, False),
        ({"choices": [{}], "usage": USAGE}, True),
        ({"choices": [{}], "usage": None}, True),
        ({"choices": []}, True),
        ({"choices": [], "usage": None}, True),
    ],
)
def test_usage_is_for_who_asked_for_it(chunk: dict[str, Any], shown: bool) -> None:
    assert OPENAI.chunk(dict(chunk), "m", True) == {**chunk, "model": "m"}
    without = OPENAI.chunk(dict(chunk), "m", False)
    assert (without is not None) is shown
    assert without is None or "usage" not in without


def test_events_are_named_where_the_format_names_them() -> None:
    for dialect in (ANTHROPIC, RESPONSES):
        assert data_of(dialect.frame({"type": "ping"})) == ("ping", {"type": "ping"})
    for dialect in (OPENAI, GOOGLE):
        assert data_of(dialect.frame({"type": "ping"})) == ("", {"type": "ping"})
    assert [dialect.end for dialect in ALL] == [b"data: [DONE]\n\n", b"", b"", b""]


def test_what_is_nested_too_deeply_is_a_json_error() -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"x": deep}
    for dialect in ALL:
        with pytest.raises(orjson.JSONEncodeError):
            dialect.frame(deep)


def test_an_error_has_the_shape_of_its_format() -> None:
    openai = {"message": ERROR.message, "type": "rate_limit_error", "param": None, "code": "429"}
    assert OPENAI.error(ERROR) == RESPONSES.error(ERROR) == {"error": openai}
    assert ANTHROPIC.error(ERROR) == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": ERROR.message},
    }
    assert GOOGLE.error(ERROR) == {
        "error": {"code": 429, "message": ERROR.message, "status": "RESOURCE_EXHAUSTED"}
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("x"), "INVALID_ARGUMENT"),
        (ProviderError("x", 418, "teapot"), "UNKNOWN"),
        (ProviderError("x", 402, "y"), "FAILED_PRECONDITION"),
        (ProviderError("x", 408, "y"), "DEADLINE_EXCEEDED"),
        (ProviderError("x", 413, "y"), "INVALID_ARGUMENT"),
        (ProviderError("x", 502, "y"), "UNAVAILABLE"),
        (ProviderError("x", 503, "y"), "UNAVAILABLE"),
    ],
)
def test_google_names_a_status(error: GatewayError, status: str) -> None:
    assert GOOGLE.error(error)["error"]["status"] == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, "billing_error"),
        (408, "timeout_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_anthropic_names_a_kind(status: int, kind: str) -> None:
    assert ANTHROPIC.error(ProviderError("x", status, "y"))["error"]["type"] == kind


def test_an_error_in_a_stream_is_an_event() -> None:
    assert data_of(OPENAI.failure(ERROR, 7)) == ("", OPENAI.error(ERROR))
    assert data_of(GOOGLE.failure(ERROR, 7)) == ("", GOOGLE.error(ERROR))
    assert data_of(ANTHROPIC.failure(ERROR, 7)) == ("error", ANTHROPIC.error(ERROR))
    event = {
        "type": "error",
        "sequence_number": 7,
        "code": "429",
        "message": ERROR.message,
        "param": None,
    }
    assert data_of(RESPONSES.failure(ERROR, 7)) == ("error", event)


def test_a_keep_alive_is_nothing_to_any_format() -> None:
    for dialect in ALL:
        decoder = decoder_of("text/event-stream")
        frames = decoder.feed(dialect.comment(b"ping") + dialect.frame({"a": 1}))
        assert [frame.data for frame in frames if frame.data] == [b'{"a":1}']
    assert OPENAI.comment(b"ping") == b": ping\n\n"
    assert GOOGLE.comment(b"ping").strip() == b""

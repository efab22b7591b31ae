"""The content type decides what takes a stream apart."""

import pytest

from extproc.providers.decoders import DECODERS, decoder_of, is_stream
from extproc.providers.frames import Frame, LineDecoder
from extproc.providers.sse import SSEDecoder


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/event-stream", SSEDecoder),
        ("Text/Event-Stream; charset=utf-8", SSEDecoder),
        (" application/x-ndjson ", LineDecoder),
        ("application/ndjson;q=1", LineDecoder),
    ],
)
def test_case_and_parameters_do_not_matter(content_type: str, expected: type) -> None:
    assert is_stream(content_type)
    assert type(decoder_of(content_type)) is expected


@pytest.mark.parametrize("content_type", ["", "application/json", "text/event-streams", "text"])
def test_a_whole_answer_is_no_stream(content_type: str) -> None:
    assert not is_stream(content_type)


@pytest.mark.parametrize("content_type", DECODERS)
def test_each_stream_has_a_decoder_of_its_own(content_type: str) -> None:
    first = decoder_of(content_type)
    first.feed(b"\x00\x00")
    assert decoder_of(content_type).flush() == []


def test_the_same_json_is_the_same_frame_in_either_format() -> None:
    assert decoder_of("text/event-stream").feed(b'data: {"a":1}\n\n') == [Frame(b'{"a":1}')]
    assert decoder_of("application/x-ndjson").feed(b'{"a":1}\n') == [Frame(b'{"a":1}')]

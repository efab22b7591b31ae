import json

import pytest

from bench.origin import EVENTS, completion, events, next_request

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"


@pytest.mark.parametrize("cut", [0, 10, len(REQUEST) - 4, len(REQUEST) - 1])
def test_a_part_of_a_request_waits(cut: int) -> None:
    assert next_request(REQUEST[:cut]) is None


def test_a_request_is_taken_and_the_rest_kept() -> None:
    assert next_request(REQUEST + b"POST /next") == (b"body", b"POST /next")


def test_a_chunked_request_ends_at_its_last_chunk() -> None:
    assert next_request(CHUNKED[:-1]) is None
    found = next_request(CHUNKED + b"G")
    assert found is not None and b"body" in found[0] and found[1] == b"G"


def test_a_request_without_a_body_is_whole() -> None:
    assert next_request(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n") == (b"", b"")


def test_the_answer_s_length_is_right() -> None:
    head, body = completion().split(b"\r\n\r\n", 1)
    assert head.endswith(b"content-length: %d" % len(body))
    assert json.loads(body)["usage"]["total_tokens"] == 42


def test_a_stream_is_its_events_and_done_as_whole_chunks() -> None:
    pieces = events()
    assert len(pieces) == EVENTS + 1
    assert pieces[-1].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    for piece in pieces[1:-1]:
        size, data = piece.split(b"\r\n", 1)
        assert int(size, 16) == len(data) - 2
        assert json.loads(data.removeprefix(b"data: "))["object"] == "chat.completion.chunk"

"""Events come out the same however the bytes were split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers import sse
from extproc.providers.frames import BadFrame, Frame
from extproc.providers.sse import SSEDecoder

STREAM = (
    b"\xef\xbb\xbf: hello\n\nevent: a\ndata: one\ndata: two\n\n"
    b"data:three\r\n\r\ndata: \xe2\x82\xac\r\rid: 7\n\n: ping\n\ndata: last"
)
EVENTS = [
    Frame(b"", comment=b"hello"),
    Frame(b"one\ntwo", "a"),
    Frame(b"three"),
    Frame("€".encode()),
    Frame(b"", comment=b"ping"),
    Frame(b"last"),
]


def decode(pieces: list[bytes]) -> list[Frame]:
    decoder = SSEDecoder()
    return [e for piece in pieces for e in decoder.feed(piece)] + decoder.flush()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_split_anywhere(size: int) -> None:
    assert decode([STREAM[i : i + size] for i in range(0, len(STREAM), size)]) == EVENTS


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes_split_anywhere_give_the_same(data: bytes, size: int) -> None:
    assert decode([data]) == decode([data[i : i + size] for i in range(0, len(data), size)])


@pytest.mark.parametrize("event", [b"data:", b"data: ", b"event: ping\ndata:", b"event: ping"])
def test_an_event_without_data_is_none(event: bytes) -> None:
    assert decode([event + b"\n\ndata: 1\n\n" + event]) == [Frame(b"1")]


def test_a_comment_beside_an_empty_data_field_is_kept() -> None:
    assert decode([b"data:\n: ping\n\n"]) == [Frame(b"", comment=b"ping")]


def test_event_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 100)
    decoder = SSEDecoder()
    with pytest.raises(BadFrame):
        decoder.feed(b"data: " + b"x" * 200)


def test_encoded_event_decodes_to_itself() -> None:
    assert decode([sse.encode(b'{"a":1}'), sse.encode_comment(b"x\ny")]) == [
        Frame(b'{"a":1}'),
        Frame(b"", comment=b"x\ny"),
    ]

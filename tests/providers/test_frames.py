"""Lines come out the same however the bytes were split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers import frames
from extproc.providers.frames import BadFrame, Frame, LineDecoder

STREAM = b'{"a":1}\r\n\n  \n{"b":"\xe2\x82\xac"}\n{"c":"\r"}\r\n{"last":1}'
FRAMES = [
    Frame(b'{"a":1}'),
    Frame('{"b":"€"}'.encode()),
    Frame(b'{"c":"\r"}'),
    Frame(b'{"last":1}'),
]


def decode(pieces: list[bytes]) -> list[Frame]:
    decoder = LineDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.flush()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_split_anywhere(size: int) -> None:
    assert decode([STREAM[i : i + size] for i in range(0, len(STREAM), size)]) == FRAMES


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b" ", b"\xe2"])), st.integers(1, 5))
def test_any_bytes_split_anywhere_give_the_same(data: list[bytes], size: int) -> None:
    whole = b"".join(data)
    pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
    assert decode(pieces) == decode([whole])
    assert b"".join(frame.data for frame in decode([whole])).count(b"\n") == 0


def test_a_line_comes_out_as_soon_as_it_ends() -> None:
    decoder = LineDecoder()
    assert decoder.feed(b'{"a"') == []
    assert decoder.feed(b':1}\n{"b"') == [Frame(b'{"a":1}')]
    assert decoder.flush() == [Frame(b'{"b"')]
    assert decoder.flush() == []


def test_nothing_is_left_of_a_stream_that_ended_with_its_line() -> None:
    assert decode([b"{}\n"]) == [Frame(b"{}")]
    assert decode([]) == []


@pytest.mark.parametrize("before", [b"", b"{}\n"])
def test_a_line_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 100)
    decoder = LineDecoder()
    with pytest.raises(BadFrame, match="too large"):
        decoder.feed(before + b"x" * 101)


def test_many_lines_are_no_long_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 100)
    assert len(LineDecoder().feed(b"{}\n" * 100)) == 100

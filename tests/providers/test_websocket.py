"""Messages are read wherever the bytes are split, and nothing makes the reader fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol

from extproc.providers.websocket import Messages

LONGEST = 200


def server() -> FrameProtocol:
    return FrameProtocol(client=False, extensions=[])


def conversation() -> bytes:
    """Text, binary, a message in three frames with a ping within, one too long, and a goodbye."""
    said = server()
    parts = [
        said.send_data("first"),
        said.send_data(b"\x00" * 300),
        said.send_data("a", fin=False),
        said.ping(b"are you there"),
        said.send_data("bé", fin=False),
        said.send_data("c"),
        said.send_data("x" * (LONGEST + 1)),
        said.send_data(""),
        said.send_data("y" * LONGEST),
        said.close(1000, "bye"),
    ]
    return b"".join(bytes(part) for part in parts)


READ = ["first", "abéc", "", "y" * LONGEST]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_every_split_reads_the_same(size: int) -> None:
    data, messages, read = conversation(), Messages(LONGEST), []
    for start in range(0, len(data), size):
        assert not messages.closing
        read += messages.feed(data[start : start + size])
    assert (read, messages.closing, messages.broken) == (READ, True, False)


def test_a_split_at_every_byte_reads_the_same() -> None:
    data = conversation()
    for place in range(len(data)):
        messages = Messages(LONGEST)
        assert messages.feed(data[:place]) + messages.feed(data[place:]) == READ


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x82\x01\x02\x03\x04ik",  # masked, as only a client's is
        b"\xc1\x00",  # compressed
        b"\x83\x00",  # no such opcode
        b"\x80\x00",  # goes on with nothing
        b"\x81\x02\xff\xff",  # no UTF-8
        b"\x88\x01\x00",  # half a code
    ],
)
def test_what_is_no_websocket_ends_the_reading(data: bytes) -> None:
    messages = Messages(LONGEST)
    first = bytes(server().send_data("ok"))
    assert messages.feed(first + data) == ["ok"]
    assert (messages.broken, messages.closing) == (True, False)
    assert messages.feed(first) == []


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_borne(pieces: list[bytes]) -> None:
    messages = Messages(LONGEST)
    for piece in pieces:
        messages.feed(piece)


def test_a_long_message_is_not_kept() -> None:
    messages = Messages(LONGEST)
    head = bytes(server().send_data("z" * 1_000_000))
    for start in range(0, 900_000, 10_000):
        assert messages.feed(head[start : start + 10_000]) == []
        assert sum(map(len, messages._parts)) <= LONGEST

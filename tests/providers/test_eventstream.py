"""Messages come out the same however the bytes were split; broken ones are BadFrame."""

import contextlib
from struct import pack
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers import frames
from extproc.providers.decoders import decoder_of, is_stream
from extproc.providers.eventstream import EventStreamDecoder
from extproc.providers.frames import BadFrame, Frame
from tests.providers import awsframes

STREAM = b"".join(
    [
        awsframes.event("messageStart", b'{"role":"assistant"}'),
        awsframes.event("PayloadPart", b"\x00\xff raw"),
        awsframes.event("empty", b""),
        awsframes.exception("throttlingException", b'{"message":"slow down"}'),
        awsframes.exception("modelStreamErrorException", b""),
        awsframes.error("InternalFailure", "it \u20ac broke"),
    ]
)
FRAMES = [
    Frame(b'{"role":"assistant"}', "messageStart"),
    Frame(b"\x00\xff raw", "PayloadPart"),
    Frame(b"", "empty"),
    Frame(b'{"message":"slow down"}', "exception:throttlingException"),
    Frame(b"{}", "exception:modelStreamErrorException"),
    Frame('{"message":"it \u20ac broke"}'.encode(), "error:InternalFailure"),
]


def decode(pieces: list[bytes]) -> list[Frame]:
    decoder = EventStreamDecoder()
    return [f for piece in pieces for f in decoder.feed(piece)] + decoder.flush()


def with_headers(headers: bytes, payload: bytes = b"x") -> bytes:
    prelude = pack("!II", len(headers) + len(payload) + 16, len(headers))
    whole = prelude + pack("!I", crc32(prelude)) + headers + payload
    return whole + pack("!I", crc32(whole))


def prelude_of(total: int, headers: int) -> bytes:
    prelude = pack("!II", total, headers)
    return prelude + pack("!I", crc32(prelude))


def test_the_content_type_chooses_this_decoder() -> None:
    assert is_stream("application/vnd.amazon.eventstream")
    assert isinstance(decoder_of("application/vnd.amazon.eventstream"), EventStreamDecoder)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_split_anywhere(size: int) -> None:
    assert decode([STREAM[i : i + size] for i in range(0, len(STREAM), size)]) == FRAMES


def test_our_test_messages_are_those_that_botocore_reads() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(STREAM)
    assert [message.payload for message in buffer][:2] == [b'{"role":"assistant"}', b"\x00\xff raw"]


def test_headers_of_every_type_are_stepped_over() -> None:
    values = {0: b"", 1: b"", 2: b"1", 3: b"12", 4: b"1234", 5: b"12345678"}
    values |= {6: b"\x00\x03abc", 8: b"12345678", 9: b"1" * 16}
    others = b"".join(b"\x01" + b"n" + bytes([kind]) + value for kind, value in values.items())
    named = b"\x0b:event-type\x07\x00\x04last"
    assert decode([with_headers(others + named)]) == [Frame(b"x", "last")]


def test_a_cut_message_is_no_frame() -> None:
    assert decode([STREAM[:-1]]) == FRAMES[:-1]


@pytest.mark.parametrize("place", [0, 5, 9, 14, 60, -1])
def test_a_flipped_bit_is_found(place: int) -> None:
    broken = bytearray(awsframes.event("messageStart", b'{"role":"assistant"}'))
    broken[place] ^= 1
    with pytest.raises(BadFrame):
        decode([bytes(broken)])


@pytest.mark.parametrize(
    "headers",
    [
        b"\x01",
        b"\x01n",
        b"\x01n\x07",
        b"\x01n\x07\x00",
        b"\x01n\x07\x00\x09short",
        b"\x01n\x05123",
        b"\x01n\x0a",
        b"\x01\xff\x00",
        b"\x01n\x07\x00\x01\xff",
    ],
)
def test_unreadable_headers_are_a_bad_frame(headers: bytes) -> None:
    with pytest.raises(BadFrame, match="headers"):
        decode([with_headers(headers)])


@pytest.mark.parametrize(
    "prelude",
    [prelude_of(0, 0), prelude_of(15, 0), prelude_of(20, 5), prelude_of(2**32 - 1, 0)],
)
def test_impossible_lengths_are_refused_before_anything_is_held(prelude: bytes) -> None:
    with pytest.raises(BadFrame):
        decode([prelude])


def test_the_largest_message_is_bounded() -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(prelude_of(frames.MAX_FRAME_BYTES, 0)) == []
    with pytest.raises(BadFrame, match="too large"):
        decode([prelude_of(frames.MAX_FRAME_BYTES + 1, 0)])


@given(st.binary(max_size=80))
def test_garbage_is_a_bad_frame_or_not_yet_one(garbage: bytes) -> None:
    with contextlib.suppress(BadFrame):
        assert decode([garbage]) == []


@given(st.binary(max_size=40))
def test_garbage_in_headers_is_a_bad_frame_or_ignored(garbage: bytes) -> None:
    with contextlib.suppress(BadFrame):
        [frame] = decode([with_headers(garbage)])
        assert frame.data
